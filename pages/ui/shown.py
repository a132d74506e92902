"""The state of a page and its address: choices stand there at once, the rest is added quietly.

A choice is one entry of the browser's history (``show``); what was not chosen is added to the entry that is there by
``pages.ui.address``. A name means the same on every page, and what was chosen there is kept.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

PAGE = "page on screen"
VIEW = "everything shown"
LABELS = "labels of choices"


def open_page(name: str) -> None:
    """Begin the page with this name in the address: ``app.py`` calls it before it draws anything."""
    if name != st.session_state.get(PAGE):
        st.session_state[PAGE], st.session_state[VIEW] = name, {}


def view() -> dict[str, str]:
    """Everything that can be chosen on this page, as it is now, by its name in the address."""
    known: dict[str, str] = st.session_state.setdefault(VIEW, {})
    return known


def news(name: str) -> tuple[str | None, bool]:
    """Return what the address asks for, and whether that is news: a link, or the browser's back button. Once a run."""
    asked, page = st.query_params.get(name), st.session_state.get(PAGE)
    page_before, asked_before = st.session_state.get(f"{name} asked", (page, None))
    st.session_state[f"{name} asked"] = (page, asked)
    if asked is None:
        return None, asked_before is not None and page == page_before
    return asked, asked not in (asked_before, st.session_state.get(f"{name} shown"))


def note(name: str, text: str) -> None:
    """Remember what is shown under ``name``, so that the address names it, too."""
    st.session_state[f"{name} shown"] = view()[name] = text


def call(name: str, label: str) -> None:
    """Remember what people read beside a choice that can be held (:mod:`pages.ui.held`)."""
    st.session_state.setdefault(LABELS, {})[name] = label


def labels() -> dict[str, str]:
    """Return what people read beside the choices on screen that can be held, by their names in the address."""
    known: dict[str, str] = st.session_state.get(LABELS, {})
    return {name: known[name] for name in view() if name in known}


def fulfil(name: str, options: Sequence[Any]) -> bool:
    """Fulfil what :func:`choose` asked for; whether it did."""
    wanted = f"{name} wanted"
    if wanted not in st.session_state or st.session_state[wanted] not in options:
        st.session_state.pop(wanted, None)
        return False
    st.session_state[f"{name} picker"] = st.session_state[wanted]
    return True


def show(name: str, text: str, is_chosen: bool) -> None:
    """Remember what is shown; a choice stands in the address at once, as one entry of the browser's history."""
    is_chosen &= name in view() and not st.session_state.pop(f"{name} not noted", False)  # a page begins with no choice
    note(name, text)
    if is_chosen and st.query_params.get(name) != text:
        wished = {str(key): wish for key, wish in st.session_state.items() if _is_wish(key)}
        wishes = {key.removesuffix(" wanted"): str(wish) for key, wish in wished.items()}
        written = {**view(), **wishes, name: text}
        st.query_params.update(written)
        st.session_state.update({f"{key} asked": (st.session_state.get(PAGE), written[key]) for key in written})
    st.session_state.pop(f"{name} wanted", None)


def relabel(name: str, label: Callable[[Any], str | None] | None) -> None:
    """Send the value again when it got another label, as a run that is renamed: the browser keeps the old one."""
    text, key = label(st.session_state[f"{name} picker"]) if label else None, f"{name} label"
    if text != st.session_state.get(key):
        st.session_state[key] = text
        st.session_state[f"{name} picker"] = st.session_state[f"{name} picker"]


def _is_wish(key: Any) -> bool:
    return str(key).endswith(" wanted") and st.session_state[key] is not None
