"""A pinned image: it stays beside the one that is chosen, on every page that shows images of a run."""

from collections.abc import Container, Mapping
from typing import Any

import streamlit as st

from pages.ui import selection

PIN, IMAGE = "pin", "image"  # in the URL
NONE = "none"


def pick(index: int, num_images: int, found: Container[int], anywhere: Mapping[str, Any]) -> int | None:
    """Let the image on screen be pinned; return the pinned one where it is another, so that both can be shown.

    Parameters
    ----------
    index
        The image on screen.
    num_images
        Of the split: any of them can be pinned.
    found, anywhere
        The images that can be chosen now, and the choices of the page with which all can, by their names in the URL:
        to swap both, the pinned one must be.
    """

    def buttons(label: str, options: list[Any], key: str) -> Any:
        pinned = st.session_state[key]
        freed = {} if pinned in found else anywhere
        with st.container(horizontal=True, vertical_alignment="center"):
            if pinned != index:
                _button("Pin this image", "keep", {PIN: index}, help="It stays beside the next one you choose.")
            if pinned not in (NONE, index):
                _button("Swap", "swap_horiz", {**freed, IMAGE: pinned, PIN: index}, help="Pin this, choose that.")
            if pinned != NONE:
                _button("Unpin", "keep_off", {PIN: NONE}, help=f"Image {pinned} is let go.")
        if pinned == index:
            st.caption("This image is pinned: choose another one to see it beside.")
        return pinned

    pinned = selection.pick("Pinned image", [NONE, *range(num_images)], PIN, widget=buttons)
    return None if pinned in (NONE, index) else int(pinned)


def _button(text: str, icon: str, choices: Mapping[str, Any], help: str) -> None:
    settings: dict[str, Any] = {"on_click": _choose, "args": (choices,), "icon": f":material/{icon}:", "help": help}
    st.button(text, key=f"{PIN} {icon}", **settings)


def _choose(choices: Mapping[str, Any]) -> None:
    for name, value in choices.items():
        selection.choose(name, value)
