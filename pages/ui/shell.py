"""Two corners of Streamlit 1.67 that the pages depend on, kept in one place; the browser tests watch over both."""

from typing import Any

import streamlit as st
from streamlit.elements import plotly_chart
from streamlit.elements.lib.utils import compute_and_register_element_id
from streamlit.runtime.pages_manager import PagesManager


def title(text: str) -> None:
    """Begin a page with its title, inside the app.

    A link into a server that has just been started finds the folder ``pages`` before ``app.py`` has said what the
    pages are, and Streamlit then runs the page's file alone, without the sidebar: then start again through ``app.py``.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    st.title(text)


def keep_charts() -> None:
    """Let a chart with a key stay the same chart when its data change.

    Streamlit puts the data into a chart's identity, so a growing curve would be taken down and drawn anew, without the
    zoom that ``uirevision`` keeps. Charts that are selected from stay as they are: new data end an old selection.
    """
    plotly_chart.compute_and_register_element_id = _by_key  # type: ignore[assignment]


def _by_key(*arguments: Any, **settings: Any) -> str:
    by_key = not settings.get("is_selection_activated")
    return compute_and_register_element_id(*arguments, **settings | {"key_as_main_identity": by_key})
