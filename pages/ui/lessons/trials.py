"""A trial on a page: the few settings that a step is about, a training for real, and where it stands."""

from functools import partial
from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo

from ddlab.decomposition import times
from ddlab.engine.control import cancel
from ddlab.experiment import Experiment
from ddlab.experiment.base import Settings
from ddlab.experiment.tree import own_settings
from ddlab.lessons import Lesson, Trial, Visitor, experiment_of
from ddlab.lessons.played import Trained, trained_of
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.words import duration
from pages.ui import selection, shell
from pages.ui.comparison import curves
from pages.ui.literal import literal
from pages.ui.making import plan
from pages.ui.making.slot import Slot
from pages.ui.runs import live

LONGEST = 80  # characters of a run's name


def show(lesson: Lesson, trial: Trial, visitor: Visitor) -> Trained:
    """Draw a trial, and return what was trained so far."""
    made = trained_of(trial, visitor.of_lesson(lesson.id).get(trial.name, []))
    works = made.run is not None and made.run.state().is_live
    with st.container(border=True, key=f"trial {trial.name}"):
        st.markdown("**Try it:** a training of your own, for real, in the background.")
        if made.answers and made.run is None:
            st.caption("The run that you made is not here any more; make another one.")
        if made.run is not None:
            _follow(made.run)
        if not works:
            _form(lesson, trial, visitor, again=made.run is not None)
    return made


def run_of(lesson: Lesson, name: str, visitor: Visitor) -> RunFolder | None:
    """Return the finished run of a trial; None before there is one."""
    trials = lesson.of_kind(Trial)
    made = trained_of(trials[name], visitor.of_lesson(lesson.id).get(name, []))
    return made.run if made.is_done else None


# ---- before


def _form(lesson: Lesson, trial: Trial, visitor: Visitor, *, again: bool) -> None:
    """Draw the free settings, what it will take, and the button."""
    try:
        chosen = {path: _pick(trial, path) for path in trial.free}
        experiment = _named(experiment_of(trial, chosen), lesson, trial)
        promise = plan.promised(experiment)
    except ValueError as error:
        shell.refuse(error)
        return
    command = plan.command_line(experiment, trial.recipe)
    label = "Train again" if again else "Train it"
    if shell.button(label, f"train {trial.name}", icon=":material/play_arrow:", type="primary"):
        _start(lesson, trial, visitor, chosen, command)
    st.caption(f"Takes about {duration(promise.seconds)}. {promise.because} Everything else is as the lesson has it.")


def _start(lesson: Lesson, trial: Trial, visitor: Visitor, chosen: dict[str, Any], command: str) -> None:
    """Train what was chosen, once it is clear that the lesson offers it."""
    try:
        experiment = _named(experiment_of(trial, chosen), lesson, trial)
    except ValueError as error:
        shell.refuse(error)
        return
    if run := live.start(experiment, command):
        try:
            visitor.record(lesson.id, trial.name, "trial", run.id, chosen)
        except (ValueError, OSError) as error:
            shell.refuse(error)
            return
        st.rerun()


def _named(experiment: Experiment, lesson: Lesson, trial: Trial) -> Experiment:
    return experiment.model_copy(update={"name": f"{lesson.front.title}: {trial.name}"[:LONGEST]})


def _pick(trial: Trial, path: str) -> Any:
    """Let one of the values of a setting be chosen, with the label and the help that it has everywhere."""
    by_text = {str(value): value for value in trial.free[path]}
    slot = Slot(path, _field(trial, path), next(iter(by_text.values())), trial.name)
    help = slot.shared["help"]
    settings: dict[str, Any] = {"format_func": partial(_written, path, by_text), "help": help, "required": True}
    text = selection.pick(
        slot.label, list(by_text), f"{trial.name}_{path.replace('.', '_')}", widget=st.segmented_control, **settings
    )
    return by_text[text]


def _field(trial: Trial, path: str) -> FieldInfo:
    """Look up what the schema says of a setting.

    Raises
    ------
    ValueError
        If there is none.
    """
    kind: type[Settings] | None = Experiment
    own = own_settings(list(STRATEGIES))
    *parents, last = path.split(".")
    for place, parent in enumerate(parents):
        info = kind.model_fields.get(parent) if kind else None
        annotation = own.get(parent) if info is None and place == 0 else info.annotation if info else None
        kind = annotation if isinstance(annotation, type) and issubclass(annotation, Settings) else None
    if kind is None or last not in kind.model_fields:
        raise ValueError(f"{trial.name}: there is no setting {path}")
    return kind.model_fields[last]


def _written(path: str, by_text: dict[str, Any], text: str) -> str:
    """Write a value of a setting for people."""
    value = by_text.get(text)
    if isinstance(value, list | tuple) and all(isinstance(part, int) for part in value):
        return times([int(part) for part in value if isinstance(part, int)])
    if isinstance(value, list | tuple):
        return " · ".join(STRATEGIES[name].title if name in STRATEGIES else literal(name) for name in map(str, value))
    return STRATEGIES[text].title if path == "strategies" and text in STRATEGIES else literal(text)


# ---- while it works, and afterwards


def _follow(run: RunFolder) -> None:
    """Draw where a run stands, its curves while it works, and a way to stop it."""
    live.follow(run, live.status)
    if run.state().is_live:
        if shell.button("Cancel", icon=":material/stop_circle:", key=f"cancel {run.id}"):
            with st.spinner("Stops all processes of the run …"):
                live.attempt(cancel, run)
        live.follow(run, lambda run: curves.learning(run, run.experiment.seeds[0], "accuracy"))
    elif run.state().state == "finished":
        live.health([run])
        selection.link(":material/bar_chart: All of it on the page Compare", "pages/compare.py", run=run.id)
