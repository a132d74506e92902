"""The pages of the laboratory, and the headings under which they stand."""

from typing import Literal

import streamlit as st

from ddlab.classroom import is_classroom


def every_page() -> dict[str, list[st.Page]]:
    """All pages, under the headings of the navigation."""
    is_there: Literal["visible", "hidden"] = "visible" if is_classroom() else "hidden"
    return {
        "": [
            st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
            st.Page("pages/room.py", title="Room", icon=":material/groups:", visibility=is_there),
        ],
        "Learn": [st.Page("pages/lessons.py", title="Lessons", icon=":material/school:")],
        "Make": [
            st.Page("pages/decompose.py", title="Decompose", icon=":material/grid_on:"),
            st.Page("pages/pipeline.py", title="Pipeline", icon=":material/conveyor_belt:"),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/sweep.py", title="Sweep", icon=":material/apps:"),
            st.Page("pages/runs.py", title="Runs", icon=":material/list_alt:"),
        ],
        "Look": [
            st.Page("pages/compare.py", title="Compare", icon=":material/bar_chart:"),
            st.Page("pages/probabilities.py", title="Probabilities", icon=":material/ballot:"),
            st.Page("pages/cam.py", title="Class activation maps", icon=":material/visibility:"),
            st.Page("pages/layers.py", title="Layers", icon=":material/layers:"),
            st.Page("pages/what_if.py", title="What if", icon=":material/edit:"),
            st.Page("pages/composition.py", title="Composition", icon=":material/join:"),
            st.Page("pages/trust_region.py", title="Trust region", icon=":material/adjust:"),
            st.Page("pages/scale.py", title="Scale", icon=":material/speed:"),
        ],
    }
