"""A finished run that plays again, moving by itself: the example on the Start page, any other on the page Runs."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.baseline import baseline_of
from ddlab.analyses.decisions.notice import of_example
from ddlab.analyses.decisions.replay import timeline, why_no_witnesses, witnesses
from ddlab.data.cache import is_ready
from ddlab.figures.decisions import replay
from ddlab.problem import problem_of
from ddlab.runs import EXAMPLE, RunFolder, open_run
from pages.ui import shell
from pages.ui.literal import literal

NUM_MAPS = 4


def example() -> RunFolder | None:
    """The run that the Start page plays; None if it is not part of this installation."""
    try:
        return open_run(EXAMPLE)
    except ValueError:
        return None


def offer(run: RunFolder, seed: int) -> None:
    """Let a run be played, where it is finished; nothing is read before it is asked for."""
    if run.state().state != "finished":
        return
    if st.toggle("Play it again", key=f"play {run.id}", help="The learning curves draw themselves, and who saw what."):
        curves(run, seed)
        maps(run, seed)


def curves(run: RunFolder, seed: int, strategies: tuple[str, ...] = ()) -> None:
    """Draw the learning curves, and the numbers behind them.

    Parameters
    ----------
    strategies
        These alone; empty: all of the run.
    """
    decoded = is_ready(run.experiment.dataset)
    lines, html = _curves(str(run.path), seed, strategies, run.records_stamp(), decoded)
    if lines.empty:
        st.caption("No epoch of this run was recorded: there is nothing to play.")
        return
    st.markdown("**Validation accuracy while the run trained**")
    st.html(html)
    ranks = run.state().workers
    st.caption(
        f"Validation accuracy against the seconds of training on this run's {ranks} rank{'s' * (ranks != 1)}, as if "
        "all that can start at once had; what needs the local networks starts when they are done."
    )
    with st.expander("Table"):
        st.dataframe(lines, hide_index=True)


def maps(run: RunFolder, seed: int, strategies: tuple[str, ...] = ()) -> None:
    """Draw the maps of who saw what, or say why there are none."""
    try:
        if why := why_no_witnesses(run, seed):
            st.caption(literal(why))
            return
        st.html(_maps(str(run.path), seed, strategies, run.results_stamp()))
    except ValueError as error:  # the images are gone, or predictions are damaged
        shell.refuse(error)


@st.cache_data(max_entries=16, show_spinner=False)
def _told(path: str, strategies: tuple[str, ...], changed: int) -> str:
    table = strategy_table([RunFolder(path)]).set_index("strategy")
    table = table[table.index.isin(strategies)]
    accuracies = table["test"].fillna(table["validation"])
    return of_example(dict(accuracies), dict(table["work"]))


def notice(run: RunFolder, strategies: tuple[str, ...]) -> str:
    """Say what the strategies that are played show, in the run's own numbers."""
    return _told(str(run.path), strategies, run.results_stamp())


@st.cache_data(max_entries=16, show_spinner=False)
def _curves(path: str, seed: int, strategies: tuple[str, ...], changed: int, decoded: bool) -> tuple[pd.DataFrame, str]:
    """The curves; with the baseline as soon as the images are there, which nothing waits for."""
    run = RunFolder(path)
    problem, lines = problem_of(run), timeline(run, seed)
    shown = strategies or run.experiment.strategies
    lines = lines[lines["stage"].isin([*shown, "local"])]
    if lines.empty:
        return lines, ""
    accuracies = {name: value for name, value in run.summary()["accuracies"].items() if name in shown}
    picture = replay.learning(lines, accuracies, baseline_of(run, "validation") if decoded else None)
    return lines, picture + replay.legend(len(problem.decomposition), lines["stage"].unique().tolist())


@st.cache_data(max_entries=16, show_spinner="Draws the images …")
def _maps(path: str, seed: int, strategies: tuple[str, ...], changed: int) -> str:
    return replay.maps(witnesses(RunFolder(path), seed, NUM_MAPS, strategies))
