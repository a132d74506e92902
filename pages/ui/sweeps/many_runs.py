"""Many runs of one sweep: what they begin with, their start at one click, how far they are, and all of them stopped."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import streamlit as st

from ddlab.analyses.sweeps.sensitivity import DIVERGED
from ddlab.data.offered import refuse_elsewhere
from ddlab.engine.control import cancel, resume
from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES, title
from ddlab.runs import RunFolder, list_example_sweeps, list_runs
from ddlab.sweeps.decompositions import PlannedRun, by_sweep, is_open, start
from pages.ui import charts, held, selection, shell
from pages.ui.making import own
from pages.ui.runs import live

THIS = "run"  # the current run's experiment, as something to begin with
SECONDS = 2.0  # between two looks at the runs
CLICKED = "run of the point that was clicked"
LOOKS = {**live.LOOKS, DIVERGED: (":material/trending_down:", "Diverged", "red")}


def known(*, tuned: bool = False) -> dict[str, list[RunFolder]]:
    """All sweeps of a kind by what people call them: one's own, then the recorded ones that come with ddlab."""
    recorded = by_sweep(list_example_sweeps(), tuned=tuned)
    return by_sweep(list_runs(), tuned=tuned) | {f"Example: {name}": runs for name, runs in recorded.items()}


# ---- before


def pick_base(name: str, first: str) -> tuple[str, Experiment]:
    """Let a recipe, or the current run's experiment, be chosen to begin with; the URL holds it as ``name``.

    Parameters
    ----------
    first
        The recipe on top.

    Returns
    -------
    tuple
        Its name, ``THIS`` for the current run, and the experiment.

    Raises
    ------
    ValueError
        If the run cannot be read, or its data are not offered here.
    """
    run = selection.current_run()
    labels = {name: f"{name} · {title(name)}" for name in sorted(RECIPES, key=lambda name: name != first)}
    if run is not None:
        labels[THIS] = f"The experiment of “{run.name}”"
    source = selection.pick("Start from", list(labels), name, format_func=labels.get, help="Train makes others.")
    base = own.instead(_of(run) if run is not None and source == THIS else RECIPES[source](), f"{name}_images")
    refuse_elsewhere(base.dataset)
    return source, base


def _of(run: RunFolder) -> Experiment:
    """Return a run's experiment; under the name of its sweep if it belongs to one."""
    asked = run.experiment
    return asked.model_copy(update={"name": asked.sweep or asked.name})


def start_button(todo: Sequence[PlannedRun], command: str, shown: tuple[str, str], nothing: str) -> None:
    """Put all that is left in the queue at one click, and show what comes of it.

    Parameters
    ----------
    command
        The command that does the same.
    shown
        What the URL then holds: a name and its value.
    nothing
        Why there is nothing to start, where there is not.
    """
    left = sum(step.is_open for step in todo)
    label = f"Start {'all ' * (left > 1)}{left} run{'s' * (left != 1)}" if left else "Nothing to start"
    settings: dict[str, Any] = {"disabled": not left, "help": None if left else nothing, "key": f"start {shown[0]}"}
    if not shell.button(label, icon=":material/apps:", type="primary", width="stretch", **settings):
        return
    # Nothing is drawn in between: a page that is left meanwhile still puts all of them in the queue.
    try:
        with st.spinner("Puts the runs in the queue …"):
            start(todo, command)
    except (ValueError, RuntimeError, OSError) as error:
        shell.refuse(error)
        return
    selection.choose(*shown)
    st.rerun()


# ---- while they work


def follow(runs: Sequence[RunFolder], draw: Callable[[], None]) -> None:
    """Call ``draw()`` again and again while some runs wait or work; the whole page anew when none does any longer."""
    works = any(run.state().is_live for run in runs)

    @held.fragment(run_every=SECONDS if works else None)
    def part() -> None:
        draw()
        if works and not any(run.state().is_live for run in runs):
            st.rerun()

    part()


def badges(states: Iterable[str]) -> None:
    """Draw a badge a state: how many runs are in it."""
    counts = Counter(states)
    with st.container(horizontal=True):
        for state, (icon, word, color) in LOOKS.items():
            if counts[state]:
                st.badge(f"{counts[state]} {word.lower()}", icon=icon, color=color)


def actions(runs: Sequence[RunFolder], key: str) -> None:
    """Buttons that go on with those that ended too early, and cancel those that wait or work."""
    with st.container(horizontal=True):
        open_runs = [run for run in runs if is_open(run)]
        working = [run for run in runs if run.state().is_live]
        label = f"Go on with {len(open_runs)} that did not finish"
        if open_runs and shell.button(label, icon=":material/play_arrow:", key=f"go on {key}"):
            live.attempt(_each, resume, reversed(open_runs))
        if working and shell.button(f"Cancel {len(working)}", icon=":material/stop_circle:", key=f"cancel {key}"):
            with st.spinner("Stops all processes …"):
                live.attempt(_each, cancel, working)  # the newest first, so that none of those that wait starts


def _each(action: Callable[[RunFolder], None], runs: Iterable[RunFolder]) -> None:
    for run in runs:
        action(run)


# ---- a click on a point


def clickable(key: str) -> dict[str, Any]:
    """Settings of a chart whose points carry ``[run_id]``; :func:`open_clicked` after it opens the run."""
    return charts.on_click(key, _remember)


def _remember(point: dict[str, Any]) -> None:
    """Remember a click for one run of the page."""
    if point.get("customdata"):
        st.session_state[CLICKED] = point["customdata"][0]


def open_clicked() -> None:
    """Open the run whose point was clicked just now."""
    if run_id := st.session_state.pop(CLICKED, ""):
        st.switch_page("pages/runs.py", query_params={selection.RUN: run_id})
