"""Recorded runs that come with ddlab: opened by themselves where a visitor has none of their own, else at one click."""

from collections.abc import Callable

import streamlit as st

from ddlab.runs import RunFolder, list_examples, list_runs
from pages.ui import selection
from pages.ui.literal import literal

WhyNot = Callable[[RunFolder], str]
"""Says why a page has nothing to show of a run; empty if it has something."""


def first(why_not: WhyNot) -> RunFolder | None:
    """The first example of which a page has something to show; None if there is none."""
    return next((run for run in list_examples() if not why_not(run)), None)


def instead(run: RunFolder, why_not: WhyNot) -> RunFolder:
    """Return the example that a page shows best, where nobody has trained anything or chosen a run; else the run.

    A page is drawn anew with that example as the current run, so that address and picker name what is on screen.
    """
    if not run.read_only or selection.is_chosen() or list_runs():
        return run
    best = first(why_not)
    if best is None or best.id == run.id:
        return run
    if selection.has_picker():
        selection.choose(selection.RUN, best.id)
        st.rerun()
    return best


def note(run: RunFolder) -> None:
    """Say that what is shown was trained by others, where it was."""
    if run.read_only:
        st.caption(f":material/movie: **Example: {literal(run.name)}.** A recorded run that comes with ddlab.")


def offer(why_not: WhyNot) -> None:
    """Offer the example that shows what the current run has not, at one click."""
    best = first(why_not)
    if best is None:
        return
    label, key = f"Look at an example: {literal(best.name)}", f"open {best.id} for {why_not.__module__}"
    if st.button(label, icon=":material/movie:", type="primary", key=key):
        selection.choose(selection.RUN, best.id)
        st.rerun()
