"""The visitor whose answers are kept: a random id that the browser remembers, without a name or an account."""

from pathlib import Path

import streamlit as st

from ddlab.lessons import Visitor, new_id
from pages.ui.classroom import seated

KEY, PART = "visitor", "visitor part"
_remembered = st.components.v2.component(
    "ddlab_visitor", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def visitor() -> Visitor:
    """Return who this is; the browser may know better than a session that has just begun, and a room knows best."""
    if seat := seated.seat():
        return Visitor(seat.visitor)
    mine = st.session_state.setdefault(KEY, new_id())
    with st.sidebar:
        _remembered(data={"id": mine}, key=PART, height=1, on_id_change=_remember)
    return Visitor(st.session_state[KEY])


def _remember() -> None:
    """Take the id that the browser has; one that is none changes nothing."""
    try:
        st.session_state[KEY] = Visitor(str(st.session_state[PART].get("id"))).id
    except ValueError:
        return
