"""The laboratory in the browser: its pages, what stands beside all of them, and the server that guards them.

Start it with ``make app``, ``ddlab app`` or ``streamlit run app.py``. The server imports this file for ``app``; for
every visitor Streamlit runs it once more, as a script.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import StopException
from streamlit.starlette import App

from pages.ui import added, address, guard, selection, shell, shown, wire
from pages.ui.runs import devices


def every_page() -> dict[str, list[st.Page]]:
    """All pages, under the headings of the navigation."""
    return {
        "": [st.Page("pages/start.py", title="Start", icon=":material/home:", default=True)],
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
        ],
    }


def draw() -> None:
    """Draw the page that the address names, beside the sidebar."""
    st.set_page_config(page_title="ddlab", page_icon="assets/icon.png", layout="wide")
    shell.enter()
    page = st.navigation(every_page(), expanded=True)
    shown.open_page(page.url_path)
    with st.sidebar:
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
    address.show()
    shell.leave()
    shell.keep_out_of_collections(page.url_path)


if __name__ == "__main__":
    draw()
else:
    app = App(__file__, middleware=guard.middleware(), lifespan=wire.lifespan)
