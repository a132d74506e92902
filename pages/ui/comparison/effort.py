"""Accuracy against time and work, and what a given accuracy takes."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison import effort as analysis
from ddlab.analyses.comparison.reaching import missed_in_words, targets, worth_reaching
from ddlab.figures.comparison import effort as figures
from ddlab.runs import RunFolder
from ddlab.written import percent
from pages.ui import charts, held, results, selection
from pages.ui.literal import literal


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _curves(path: str, changed: int) -> pd.DataFrame:
    return analysis.effort_curves(RunFolder(path))


@held.fragment
def show(run: RunFolder, *, several: bool = False) -> None:
    """Draw accuracy against effort, and the effort that an accuracy takes; nothing where the data are gone.

    Parameters
    ----------
    several
        Whether other runs stand on the page, too: then this part says whose it is.
    """
    try:
        curves = _curves(str(run.path), run.results_stamp())
    except ValueError as error:
        st.caption(f"How soon the strategies are good cannot be told: {literal(error)}")
        return
    if curves.empty:
        return
    st.header("How soon is it that good?" + f" (run {literal(run.name)})" * several)
    effort = selection.pick_one_of(analysis.EFFORTS, "Effort", "effort")
    target = _target(curves)
    lines, bars = st.columns(2)
    axis = analysis.EFFORTS[effort]
    with lines:
        title = f"Validation accuracy against {axis}"
        baseline = results.baseline([run], "validation")
        figure = figures.effort_lines(curves, effort, target, (title, axis), baseline)
        charts.show(figure, curves, "effort", f"{run.id}-effort")
    with bars:
        table = analysis.time_to_accuracy(curves, target)
        title = f"What {percent(target, 0)} takes: {axis}"
        charts.show(figures.target_bars(table, effort, (title, axis)), table, "target", f"{run.id}-target")
    if missed := missed_in_words(table, target):
        st.markdown(literal(missed))
    st.caption(
        "Every strategy is laid out as if it alone had been trained: its stages one after the other, from the first "
        "local epoch on. Networks that need no communication count by the rank that had most to do; “N workers” is "
        "what would be with a worker for every subdomain, the global network shared out among them. Average and "
        "majority vote are ready as soon as the local networks are."
    )


def _target(curves: pd.DataFrame) -> float:
    """An accuracy in whole percents; at first 95 % of the best."""
    options, first = targets(curves["validation_accuracy"], worth_reaching(curves))
    about = "On the validation images; at first 95 % of the best that a strategy reaches."
    return selection.pick_percent("Accuracy to reach", options, "target", first, help=about) / 100
