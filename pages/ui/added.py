"""Analyses that a page shows by themselves: those whose entry names it, other packages' included."""

import streamlit as st

from ddlab.registry import load_target
from ddlab.registry.analyses import ANALYSES, AnalysisEntry
from ddlab.runs import RunFolder
from pages.ui import charts
from pages.ui.literal import literal


def show(page: str, run: RunFolder) -> None:
    """Draw all analyses that name this page: what each shows, or why it does not apply to the run."""
    for name, entry in ANALYSES.items():
        if entry.page == page:
            with st.expander(literal(entry.title)):
                st.caption(literal(entry.description))
                _draw(name, entry, run)


def _draw(name: str, entry: AnalysisEntry, run: RunFolder) -> None:
    if why := entry.why_not(run):
        st.info(literal(why))
        return
    try:
        table = entry.load()(run)
    except ValueError as error:  # of data that are gone, say
        st.info(literal(str(error)))
        return
    if entry.figure:
        charts.show(load_target(entry.figure)(table), table, f"added {name}", f"{run.id}-{name}")
    else:
        st.dataframe(table, hide_index=True)
