"""The beginning of a page, and refusals of what it cannot do."""

import gc
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from ddlab.recipes import RECIPES
from ddlab.registry.analyses import ANALYSES
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES
from ddlab.registry.views import VIEWS
from ddlab.subcommand import expect
from pages.ui import sharing, shown, words
from pages.ui.literal import literal, literal_lines

MOST = 2000  # characters of a message
ENTERED = "entered"  # whether this visitor's pages run inside the app
NO_PAGE = "none"  # a page that is opened alone has no words beside its title
PRESSED = "pressed"  # the button that was pressed last, until its page has answered
STYLE = f"<style>{Path(__file__).with_name('shell.css').read_text(encoding='utf-8')}</style>"


def enter() -> None:
    """Tell the pages that they run inside the app, and get ready for what they ask: ``app.py`` begins with it."""
    st.session_state[ENTERED] = True
    st.html(STYLE)
    expect()


@st.cache_resource(show_spinner=False)
def keep_out_of_collections(page: str) -> None:
    """Let Python's garbage collector pass over what has been made so far, once for each page and server.

    That is modules and tables of libraries, above a million objects, which never become garbage; looking through them
    again and again takes longer than drawing the page.
    """
    gc.collect()
    gc.freeze()


def title(text: str) -> None:
    """Begin a page with its title, inside the app.

    A link into a server that has just been started finds the folder ``pages`` before ``app.py`` has said what the
    pages are, and Streamlit then runs the page's file alone, without the sidebar: then start again through ``app.py``.
    So does a second visitor who comes while the first one is starting again.
    """
    if _goes_by_folder() or not st.session_state.get(ENTERED):
        st.session_state[ENTERED] = True
        st.rerun()
    with st.container(horizontal=True, wrap=False, vertical_alignment="bottom"):
        st.title(text)
        page = st.session_state.get(shown.PAGE, NO_PAGE)
        words.menu(page)
        if page != NO_PAGE:
            sharing.offer()


def _goes_by_folder() -> bool:
    """Whether Streamlit still takes the folder ``pages`` for the app's pages; from now on it does not."""
    # Private to Streamlit, and used here alone. When Streamlit is raised (1.67 is what this was written for), look in
    # its runtime/pages_manager.py whether the class still has the flag, set with the first visitor's manager, and in
    # runtime/scriptrunner/script_runner.py whether pages still run alone (`_mpa_v1`) while it is set. If they do not,
    # this function goes, and so does what tests set it for (`_manager_of_a_warm_server`, tests/attack/addresses.py).
    goes = bool(PagesManager.uses_pages_directory)
    PagesManager.uses_pages_directory = False
    return goes


def button(label: str, key: str, **settings: Any) -> bool:
    """Draw a button of which no press is lost; True in the first run that comes to it after the press.

    Streamlit keeps a press for one run, and forgets it when a part that renews itself (``run_every``) begins or ends
    in another thread just then, or when that run is interrupted before it comes to the button. The callback is done
    before all that, so a press is remembered until a run has answered it.
    """
    st.button(label, key=key, on_click=_press, args=(key,), **settings)
    if st.session_state.get(PRESSED) != key:
        return False
    del st.session_state[PRESSED]
    return True


def _press(key: str) -> None:
    st.session_state[PRESSED] = key


def leave() -> None:
    """Forget a press that no button of the page has answered: ``app.py`` ends with it."""
    st.session_state.pop(PRESSED, None)


def refuse(why: Exception | str) -> None:
    """Say why something cannot be done; names of files, classes and runs in it are shown as they are written."""
    st.error(literal_lines(_shortened(why)), icon=":material/front_hand:")


def notice(text: str) -> None:
    """Show what is worth noticing, computed from the run's own numbers; nothing for an empty text."""
    if text:
        st.markdown(f"**Notice:** {literal(text)}")


def cannot_follow(why: Exception) -> None:
    """Say that the address of the page asks for something that is not here."""
    st.warning(f"The link cannot be followed: {literal(_shortened(why))}")


def left_out() -> None:
    """Name, below the page, what other packages meant to add and cannot."""
    registries = (DATASETS, MODELS, STRATEGIES, ANALYSES, RECIPES, VIEWS)
    faults = [fault for registry in registries for fault in registry.left_out]
    if faults:
        st.caption(literal_lines("\n".join(faults)))


def _shortened(why: Exception | str) -> str:
    """A message that may repeat an address, or a name of any length."""
    text = str(why)
    return text if len(text) <= MOST else f"{text[:MOST]}..."
