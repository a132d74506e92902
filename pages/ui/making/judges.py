"""The images that judge an experiment: chosen by name, or a share of the training images, which can be typed."""

from typing import Any

import streamlit as st

from ddlab.written import percent

JUDGES = {"validation": "Validation images, as in the papers", "official": "The data set's held-out images"}
SHARES = (0.1, 0.2)  # of the training images


def pick(value: str | float, settings: dict[str, Any]) -> str | float:
    """Draw the choice; ``settings`` are further arguments of the select box."""
    options = list(dict.fromkeys([*JUDGES, *SHARES, value]))
    place = options.index(value)
    label = "Images that judge"
    judges: str | float = st.selectbox(label, options, place, format_func=_told, accept_new_options=True, **settings)
    return judges


def _told(value: str | float) -> str:
    return f"{percent(value, 0)} of the training images" if isinstance(value, float) else JUDGES.get(value, value)
