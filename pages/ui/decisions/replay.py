"""The example run on the Start page, moving by itself."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.baseline import baseline_of
from ddlab.analyses.decisions.notice import of_example
from ddlab.analyses.decisions.replay import timeline, witnesses
from ddlab.data.cache import is_ready
from ddlab.figures.decisions import replay
from ddlab.problem import problem_of
from ddlab.runs import EXAMPLE, open_run

NUM_MAPS = 4


def available() -> bool:
    """Whether this installation has the example run."""
    try:
        open_run(EXAMPLE)
    except ValueError:
        return False
    return True


def curves() -> None:
    """Draw the learning curves, and the numbers behind them."""
    lines, html = _curves(is_ready(open_run(EXAMPLE).experiment.dataset))
    st.html(html)
    st.caption(
        "Validation accuracy against the seconds of training on this example's two cores, as if the global and the "
        "local networks had started together; the CNN-DNN starts when the local networks are done."
    )
    with st.expander("Table"):
        st.dataframe(lines, hide_index=True)


def maps() -> None:
    """Draw the maps of who saw what."""
    st.html(_maps())


@st.cache_data(show_spinner=False)
def notice() -> str:
    """Say what the example shows, in its own numbers."""
    table = strategy_table([open_run(EXAMPLE)]).set_index("strategy")
    accuracies = table["test"].fillna(table["validation"])
    return of_example(dict(accuracies), dict(table["work"]))


@st.cache_data(show_spinner=False)
def _curves(decoded: bool) -> tuple[pd.DataFrame, str]:
    """The curves; with the baseline as soon as the images are there, which nothing waits for."""
    run = open_run(EXAMPLE)
    problem = problem_of(run)
    lines = timeline(run, run.experiment.seeds[0])
    picture = replay.learning(lines, run.summary()["accuracies"], baseline_of(run, "validation"))
    return lines, picture + replay.legend(len(problem.decomposition))


@st.cache_data(show_spinner="Draws the images …")
def _maps() -> str:
    run = open_run(EXAMPLE)
    return replay.maps(witnesses(run, run.experiment.seeds[0], NUM_MAPS))
