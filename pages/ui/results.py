"""Results of a run for the pages: read once, kept until a file of the run changes."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison import accuracy
from ddlab.analyses.comparison.baseline import Baseline, baseline_of, shared_baseline
from ddlab.analyses.decisions import probabilities
from ddlab.data.cache import is_ready
from ddlab.data.source import Dataset, SplitName
from ddlab.decomposition import Decomposition
from ddlab.problem import Problem, decompose, problem_of
from ddlab.runs import RunFolder
from pages.ui import examples, held, selection, shell
from pages.ui.making import dataset
from pages.ui.runs import live

KEPT = 16  # results in memory, of all sessions together


def require_run(question: str, why_not: examples.WhyNot | None = None) -> RunFolder:
    """The current run; where there is none that can be opened, say what to do and stop the page.

    A run that is not finished says where it stands; the page shows what it has so far, and anew with every stage.

    Parameters
    ----------
    why_not
        Says why the page has nothing to show of a run: who has no run yet gets an example of which it has.
    """
    run = selection.current_run()
    if run is None:
        st.info(f"{question} That takes a trained run, and there is none yet.")
        selection.link("Train something", "pages/train.py")
        held.stop()
    try:
        run.experiment  # noqa: B018  (validates it)
    except ValueError as error:
        shell.refuse(error)
        held.stop()
    run = examples.instead(run, why_not or (lambda run: ""))
    examples.note(run)
    if run.state().state != "finished":
        with st.container(border=True):
            live.follow(run, live.status, RunFolder.results_stamp)
            st.caption("What the run has so far is shown below; more appears by itself when a stage is done.")
    return run


def posed(run: RunFolder) -> Problem:
    """The run's networks and how it cuts its images; stops the page with a sentence where its data are gone."""
    try:
        return problem_of(run)
    except ValueError as error:
        shell.refuse(error)
        held.stop()


@st.cache_data(max_entries=KEPT, show_spinner="Reading the predictions ...")
def _outcomes(path: str, seed: int, changed: int) -> probabilities.Outcomes:
    return probabilities.read_outcomes(RunFolder(path), seed)


def outcomes(run: RunFolder, seed: int) -> probabilities.Outcomes:
    """Return the outcomes of every validation image of a run; stop the page where they cannot be read."""
    try:
        return _outcomes(str(run.path), seed, run.results_stamp())
    except ValueError as error:
        shell.refuse(error)
        held.stop()


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _strategies(
    paths: tuple[str, ...], names: tuple[str, ...], changed: tuple[int, ...], decoded: tuple[bool, ...]
) -> pd.DataFrame:
    return accuracy.strategy_table([RunFolder(path) for path in paths])


def strategies(runs: list[RunFolder]) -> pd.DataFrame:
    """The strategies of the runs in one table."""
    names = tuple(run.name for run in runs)
    decoded = tuple(map(_is_decoded, runs))  # intervals need the labels: they appear as soon as those are there
    return _strategies(tuple(str(run.path) for run in runs), names, tuple(map(RunFolder.results_stamp, runs)), decoded)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _curves(paths: tuple[str, ...], names: tuple[str, ...], told: tuple[int, ...]) -> pd.DataFrame:
    return accuracy.curves_of([RunFolder(path) for path in paths])


def curves(runs: list[RunFolder]) -> pd.DataFrame:
    """Every epoch of everything that the runs train, in one table."""
    names = tuple(run.name for run in runs)
    return _curves(tuple(str(run.path) for run in runs), names, tuple(map(RunFolder.records_stamp, runs)))


@st.cache_data(max_entries=4 * KEPT, show_spinner=False)
def _baseline(path: str, split: SplitName | None, decoded: bool) -> Baseline | None:
    return baseline_of(RunFolder(path), split)


def baseline(runs: Sequence[RunFolder], split: SplitName | None = None) -> Baseline | None:
    """The accuracy of naming the most frequent class of a split, else of the images that judge; None if runs differ."""
    return shared_baseline([_baseline(str(run.path), split, _is_decoded(run)) for run in runs])


def _is_decoded(run: RunFolder) -> bool:
    try:
        return is_ready(run.experiment.dataset)
    except ValueError:  # data that are gone, or a damaged run
        return False


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _unequal(path: str, changed: int) -> bool:
    return accuracy.has_unequal_classes(RunFolder(path).experiment.dataset)


def has_unequal_classes(run: RunFolder) -> bool:
    """Whether the mean recall over the classes says more of the run than plain accuracy."""
    return _unequal(str(run.path), run.results_stamp())


def images(run: RunFolder) -> tuple[Dataset, Decomposition]:
    """The data set of a run and how the run cuts its images; stops the page with a sentence where its data are gone."""
    try:
        data = dataset.read(run.experiment.dataset)
    except ValueError as error:
        shell.refuse(error)
        held.stop()
    return data, decompose(data.description.shape, run.experiment.decomposition)
