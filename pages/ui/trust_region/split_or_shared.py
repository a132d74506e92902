"""Costs and benefits of decomposing the data: the recorded experiment, and two runs of one's own that differ in it."""

import streamlit as st

from ddlab.analyses.trust_region import split_or_shared as analysis
from ddlab.figures.comparison.optimizers import passes_lines
from ddlab.figures.trust_region.split_or_shared import split_or_shared_lines
from ddlab.runs import RunFolder
from pages.ui import charts, selection
from pages.ui.literal import literal

TITLES = {
    "accuracy": "Accuracy",
    "passes_to_target": "Work",
    "rank_passes_to_target": "Work of a rank",
    "rejected": "Rejected sums",
    "loss": "Loss",
}


def show() -> None:
    """Draw two of the user's runs that differ in ``apts.data`` alone, if there are any, and the recorded experiment."""
    st.header("What does it cost to give every subdomain its own part of the data?", anchor=False)
    st.markdown(
        "The published curves of APTS have no decomposition of the data: every rank trained on the same whole "
        "minibatch, so that the number of subdomains N only multiplies one local step. Here both are trained at equal "
        "N, work and seeds: **split**, where each of N local trainings has its own part, and **shared**, where all "
        "have everything."
    )
    _own(selection.current_run())
    _recorded()


def _own(run: RunFolder | None) -> None:
    try:
        other = run and analysis.partner(run, list(selection.runs().values()))
    except ValueError:  # the run's experiment cannot be read: another view says so
        return
    if run is None or other is None:
        st.caption(
            "Two runs of your own that differ in apts.data alone would be compared here: train an experiment with apts "
            "or sapts, and again with --set apts.data=shared."
        )
        return
    table = analysis.own_table(run, other)
    if table.empty:
        st.caption("Your runs with split and with shared data are compared here after their first epochs.")
        return
    st.markdown(f"**Your runs.** {literal(analysis.own_in_words(run, other))}.")
    figure = passes_lines(table, "data_passes", "validation_accuracy", analysis.OWN_TITLE)
    charts.show(figure, table, "split own", f"{run.id}-split-or-shared")


def _recorded() -> None:
    told, table = analysis.recorded()
    measure = selection.pick_one_of(TITLES, "Measure", "split_measure")
    figure = split_or_shared_lines(table, measure, analysis.RECORDED_TITLE)
    charts.show(figure, table, "split recorded", f"split-or-shared-{measure}")
    words = " ".join(f"{sentence[0].upper()}{sentence[1:]}" for sentence in told["words"])
    st.markdown(f"**Accuracy with split data less that with shared data**, 95 % confidence: {literal(words)}")
    st.caption(
        "With shared data N is a factor on one step. In mode released nothing bounds that, and from N = 4 on nearly "
        "every sum is rejected; the steps of split data differ, so that their sum is shorter and more often taken. In "
        "mode paper the sum is bounded by Δ whatever N is, and both are much alike. A rank of its own has 1/N of the "
        "passes over the data where they are split, and all of them where they are shared. "
        f"Made by `{told['command']}`."
    )
