"""Scale: what more machines would buy, of time, and what they cost of bytes and memory, strategy by strategy."""

import pandas as pd
import streamlit as st

from pages.ui import selection, shell
from pages.ui.scale import choices, growth

CLOSER = {  # questions below the time, one at a time
    "bounds": "What bounds it?",
    "bytes": "What is sent?",
    "memory": "What does a rank hold?",
    "spread": "What do stragglers cost?",
}


@st.fragment
def closer(asked: choices.Asked, table: pd.DataFrame) -> None:
    """Draw the answer to one more question."""
    part = selection.pick_one_of(CLOSER, "Look closer", "part")
    st.header(CLOSER[part])
    if part == "bounds":
        growth.show_bounds(asked, table)
    elif part == "bytes":
        growth.show_bytes(asked, table)
    elif part == "memory":
        growth.show_memory(asked, table)
    else:
        growth.show_spread(asked)


@st.fragment
def time(asked: choices.Asked, table: pd.DataFrame) -> None:
    """Draw time against ranks."""
    growth.show_time(asked, table)


shell.title("What would more machines buy?")
st.markdown(
    "A **rank** is one process with a core or a GPU of its own. Every strategy shares its work out in another way, and "
    "stops gaining somewhere: here it is counted where, on 1 to 1,024 ranks, from operations, bytes and what machines "
    "and links do. Nothing is trained for it."
)
asked = choices.pick()
table = growth.table_of(asked)
growth.show_answer(asked, table)
time(asked, table)
closer(asked, table)
