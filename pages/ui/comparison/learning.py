"""Learning curves of one or several runs over each other, filtered and smoothed."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.stages import in_order
from ddlab.figures.comparison import accuracy as figures
from ddlab.runs import RunFolder
from pages.ui import charts, held, results, selection, several

WINDOWS = (1, 3, 5, 11, 21)  # epochs that are smoothed to their mean


@held.fragment
def show(runs: Sequence[RunFolder]) -> None:
    """Draw one measure of everything that is trained; nothing before the first epoch."""
    curves = results.curves(list(runs))
    if curves.empty:
        return
    st.header("How did they learn?")
    told_of = {name: words for name, words in figures.CURVES.items() if curves[name].notna().any()}
    left, right = st.columns([3, 2])
    with left:
        measure = selection.pick_one_of(told_of, "Measure", "measure")
    with right:
        window = _window(curves)
    shown = _filtered(curves, runs)
    if shown.empty:
        st.info("No curve is chosen.")
        return
    smoothed = f", mean of {window} epochs" if window > 1 else ""
    title = f"{figures.CURVES[measure].capitalize()} of what is trained{smoothed}"
    figure = figures.strategy_curves(shown, measure, title, window, results.baseline(runs, "validation"))
    charts.show(figure, shown, f"curves {measure}", f"{runs[0].id}-curves")
    st.caption(
        "Average and majority vote are not trained, so they have no curve: they count what the local networks say. "
        "Bands show one standard deviation over seeds, and over subdomains for the local networks."
        + (" Every run has lines of its own pattern." if len(runs) > 1 else "")
    )


def _window(curves: pd.DataFrame) -> int:
    """Let the number of epochs that are smoothed be chosen; 1 where there are too few."""
    windows = [window for window in WINDOWS if 2 * window <= curves["epoch"].max()]
    if len(windows) < 2:
        return 1
    words = {1: "none", **{window: f"{window} epochs" for window in WINDOWS[1:]}}
    return selection.pick("Smoothing", windows, "smoothing", widget=st.select_slider, format_func=words.get)


def _filtered(curves: pd.DataFrame, runs: Sequence[RunFolder]) -> pd.DataFrame:
    """The curves of the stages that are chosen; at first all of them."""
    stages = in_order(curves["stage"])
    if len(stages) < 2:
        return curves
    of = ",".join(run.id for run in runs)
    chosen = several.pick_several("Curves", stages, "curves", stages, of, format_func=figures.curve_name)
    return curves[curves["stage"].isin(chosen)]
