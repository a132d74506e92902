"""The laboratory in the browser: its pages, and what stands beside all of them.

Start it with ``make app``, ``ddlab app`` or ``streamlit run app.py``.
"""

import streamlit as st

from pages.ui import devices, selection

PAGES = {
    "": [st.Page("pages/start.py", title="Start", icon="🏠", default=True)],
    "Make": [
        st.Page("pages/decompose.py", title="Decompose", icon="🧩"),
        st.Page("pages/train.py", title="Train", icon="🏋️"),
        st.Page("pages/runs.py", title="Runs", icon="📋"),
    ],
    "Look": [
        st.Page("pages/compare.py", title="Compare", icon="📊"),
        st.Page("pages/probabilities.py", title="Probabilities", icon="🎲"),
    ],
}

st.set_page_config(page_title="ddlab", page_icon="🧩", layout="wide")
page = st.navigation(PAGES)
with st.sidebar:
    selection.pick_run()
    devices.strip()
page.run()
