"""How a page begins."""

import streamlit as st
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
