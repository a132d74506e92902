"""The rest of the address: what is shown and was not chosen, so that a link shows exactly this.

Streamlit makes an entry of the browser's history of every change of the address. So the pages write choices only, and
this part, in the browser, completes the entry that is there.
"""

from itertools import count
from pathlib import Path

import streamlit as st

from pages.ui import shown

_RUNS = count()  # tells one drawing of a page from the next
_completed = st.components.v2.component(
    "ddlab_address", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)

_copy = st.components.v2.component(
    "ddlab_link",
    html="""<button type="button">Copy the link to this view</button> <span role="status"></span>""",
    css=Path(__file__).with_name("copy_link.css").read_text(encoding="utf-8"),
    js=Path(__file__).with_name("copy_link.js").read_text(encoding="utf-8"),
)


def copy_button() -> None:
    """Draw a button that copies the address of the page, with everything that it shows."""
    _copy(key="copy the link")


def show() -> None:
    """Let the address name everything that the page shows; the last thing of a page that is drawn."""
    page = st.session_state.get(shown.PAGE, "")
    with st.sidebar:
        asked, now = st.query_params.to_dict(), shown.view()
        _completed(data={"page": page, "asked": asked, "shown": now, "run": next(_RUNS)}, key="address", height=1)
