"""The laboratory in the browser: its pages, what stands beside all of them, and the server that guards them.

Start it with ``make app``, ``ddlab app`` or ``streamlit run app.py``. The server imports this file for ``app``; for
every visitor Streamlit runs it once more, as a script.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import StopException
from streamlit.starlette import App

from ddlab.serving import allocation
from pages.ui import added, address, guard, navigation, selection, sharing, shell, shown, wire
from pages.ui.classroom import seated
from pages.ui.runs import devices


def draw() -> None:
    """Draw the page that the address names, beside the sidebar."""
    st.set_page_config(page_title="ddlab", page_icon="assets/icon.png", layout="wide")
    seated.enter()
    shell.enter()
    page = st.navigation(navigation.every_page(), expanded=True)
    shown.open_page(page.url_path)
    with sharing.opened(page.url_path) as has_link:
        if seated.admits(page.url_path, has_link):
            draw_page(page)
    address.show()
    shell.leave()
    shell.keep_out_of_collections(page.url_path)


def draw_page(page: st.Page) -> None:
    """Draw the current run, the devices, and the page with what other packages add below it."""
    with st.sidebar:
        seated.show()
        selection.pick_run()
        devices.strip()
    above, below = st.container(), st.container()
    with below:  # drawn first: it has a place of its own, whatever becomes of the page
        added.show(page.url_path)
        shell.left_out()
    with above:
        try:
            page.run()
        except StopException:  # a page that has nothing to show of the run ends there; its address is complete
            pass


if __name__ == "__main__":
    draw()
else:
    allocation.give_back()
    seated.install()
    app = App(__file__, middleware=guard.middleware(), lifespan=wire.lifespan)
