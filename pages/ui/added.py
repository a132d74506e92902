"""Analyses that stand below a page by themselves: those whose entry names it, other packages' included."""

import logging

import streamlit as st

from ddlab.registry import load_target
from ddlab.registry.analyses import ANALYSES, AnalysisEntry
from ddlab.runs import RunFolder
from pages.ui import charts, selection
from pages.ui.literal import literal

log = logging.getLogger(__name__)


def show(page: str) -> None:
    """Draw all analyses that name this page: what each shows of the current run, or why it does not apply to it."""
    entries = {name: entry for name, entry in ANALYSES.items() if page and entry.page == page}
    run = selection.current_run() if entries else None
    if run is None or not _is_readable(run):  # the page says so
        return
    for name, entry in entries.items():
        with st.expander(literal(entry.title)):
            st.caption(literal(entry.description))
            _draw(name, entry, run)


def _is_readable(run: RunFolder) -> bool:
    try:
        return bool(run.experiment)
    except ValueError:
        return False


def _draw(name: str, entry: AnalysisEntry, run: RunFolder) -> None:
    try:
        if why := entry.why_not(run):
            st.info(literal(why))
            return
        table = entry.load()(run)
        if entry.figure:
            charts.show(load_target(entry.figure)(table), table, f"added {name}", f"{run.id}-{name}")
        else:
            st.dataframe(table, hide_index=True)
    except ValueError as error:  # of data that are gone, say
        st.info(literal(error))
    except Exception as error:  # whatever a package of others does: the page goes on without it
        log.exception("analysis %s of run %s", name, run.id)
        st.warning(literal(f"{type(error).__name__}: {error}"))
