"""The seat of whoever a page is drawn for; and the rules of the room, where this server has one."""

from pathlib import PurePath

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ddlab import access
from ddlab.classroom import Seat, caps_now, is_classroom
from ddlab.classroom.cookies import NAME
from ddlab.classroom.rules import NOBODY, RoomRules
from ddlab.classroom.seats import of_cookie
from pages.ui.literal import literal

HAD = "cookie of the seat"  # of a page whose browser is away for a moment


def install() -> None:
    """Let the rules of the room hold in this server, if it has one."""
    if is_classroom():
        access.install(RoomRules(seat))


def seat() -> Seat | None:
    """Return the seat of the visitor for whom this thread draws; None without a room, and for who has none."""
    if not is_classroom() or get_script_run_ctx() is None:
        return None
    cookie = st.context.cookies.get(NAME) or st.session_state.get(HAD, "")
    return of_cookie(cookie)


def enter() -> None:
    """Begin a page in a room: its rules hold from here on; who has no seat any more sees nothing of it."""
    if not is_classroom():
        return
    found = seat()
    if found is None:
        st.error(NOBODY, icon=":material/door_front:")
        st.stop()
    st.session_state[HAD] = st.context.cookies.get(NAME) or st.session_state.get(HAD, "")


def is_open(page: str) -> bool:
    """Whether the visitor may open a page without a link, by its name in the address or its file."""
    found = seat() if is_classroom() else None
    return found is None or found.is_lecturer or caps_now().opens(PurePath(page).stem)


def is_open_to_all(page: str) -> bool:
    """Whether everybody here may."""
    return not is_classroom() or caps_now().opens(page)


def admits(page: str, has_link: bool) -> bool:
    """Whether the visitor's page may be drawn; says so where it may not, and leads from Start to the room."""
    if has_link or is_open(page):
        return True
    if not page:
        st.switch_page("pages/room.py")
    st.info("The lecturer has not opened this page. Links that are handed out may lead to it.", icon=":material/lock:")
    return False


def show() -> None:
    """Say in the sidebar who one is here, and how to leave."""
    found = seat() if is_classroom() else None
    if found is not None:
        role = "the lecturer" if found.is_lecturer else f"“{literal(found.name)}”"
        st.caption(f"In this room you are {role}. [Leave](/room/leave)")
