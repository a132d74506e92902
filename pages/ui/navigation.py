"""The pages of the laboratory, and the headings under which they stand."""

from typing import Literal

import streamlit as st

from ddlab.classroom import is_classroom
from pages.ui.classroom import seated


def every_page() -> dict[str, list[st.Page]]:
    """All pages, under the headings of the navigation; those that are not open to the visitor are not named there."""
    return {
        "": [
            _page("start", "Start", "home", default=True),
            _page("room", "Room", "groups", is_there=is_classroom()),
        ],
        "Learn": [_page("lessons", "Lessons", "school")],
        "Make": [
            _page("decompose", "Decompose", "grid_on"),
            _page("pipeline", "Pipeline", "conveyor_belt"),
            _page("train", "Train", "model_training"),
            _page("sweep", "Sweep", "apps"),
            _page("runs", "Runs", "list_alt"),
        ],
        "Look": [
            _page("compare", "Compare", "bar_chart"),
            _page("probabilities", "Probabilities", "ballot"),
            _page("cam", "Class activation maps", "visibility"),
            _page("layers", "Layers", "layers"),
            _page("what_if", "What if", "edit"),
            _page("composition", "Composition", "join"),
            _page("trust_region", "Trust region", "adjust"),
            _page("scale", "Scale", "speed"),
        ],
    }


def _page(name: str, title: str, icon: str, *, default: bool = False, is_there: bool = True) -> st.Page:
    is_named: Literal["visible", "hidden"] = "visible" if is_there and seated.is_open(name) else "hidden"
    return st.Page(f"pages/{name}.py", title=title, icon=f":material/{icon}:", default=default, visibility=is_named)
