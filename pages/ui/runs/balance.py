"""The balance of a run on its page: what each rank does, and how evenly they are busy."""

import pandas as pd
import streamlit as st

from ddlab.analyses.runs.balance import balance_in_words, balance_table, ranks_now
from ddlab.figures.runs.balance import balance_bars
from ddlab.runs import RunFolder
from pages.ui import charts
from pages.ui.literal import literal

TITLE = "How long each rank computed and waited"


def show(run: RunFolder) -> None:
    """Draw the table of the ranks while the run works, and their balance; nothing where neither is known."""
    works = run.state().state == "running"
    table = balance_table(run)
    now = ranks_now(run) if works else pd.DataFrame()
    if table.empty and now.empty:
        return
    place = run.status().get("place")
    title = "Who works where" if works else f"Who worked where: {run.state().workers} ranks"
    with st.expander(title, expanded=works and table["rank"].nunique() > 1, icon=":material/groups:"):
        if place:
            st.markdown(literal(str(place["because"])))
        if not now.empty:
            _table(now)
        if not table.empty:
            charts.show(balance_bars(table, TITLE), table, "balance", f"{run.id}-balance")
            st.caption("Waiting: for other ranks, or for data. " + balance_in_words(table))


def _table(now: pd.DataFrame) -> None:
    names = {"rank": "Rank", "stage": "Stage", "epoch": "Epoch", "has": "Its own", "samples": "Samples a second"}
    names |= {"waiting": "Waits", "seen": "Last sign (s ago)", "device": "Device", "machine": "Machine"}
    columns = {
        "Samples a second": st.column_config.NumberColumn(
            format="%.0f",
            help="Training images, or subimages of all its networks; the time of the validation counts.",
        ),
        "Waits": st.column_config.NumberColumn(
            format="percent", help="Share of the time in this stage: for other ranks, or for data."
        ),
        "Last sign (s ago)": st.column_config.NumberColumn(format="%.0f"),
    }
    shown = now[list(names)].rename(columns=names)
    if now["machine"].nunique() < 2:
        shown = shown.drop(columns="Machine")
    st.dataframe(shown, hide_index=True, column_config=columns, placeholder="–", key="ranks now")
