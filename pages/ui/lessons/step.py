"""One step of a lesson on a page: its text, its views, predictions, trials and checks, from top to bottom."""

import logging

import streamlit as st

from ddlab.lessons import Check, Facts, Lesson, Prediction, RecordedFacts, Step, Trial, View, Visitor, filled
from ddlab.lessons.played import told_of
from ddlab.registry.views import VIEWS
from ddlab.runs import RunFolder
from pages.ui import held, selection, shell
from pages.ui.lessons import predictions, told, trials
from pages.ui.literal import literal

log = logging.getLogger(__name__)


def show(lesson: Lesson, step: Step, visitor: Visitor, recorded: RecordedFacts) -> bool:
    """Draw a step; return whether all of it is seen: nothing below a prediction is before it is answered."""
    facts = recorded[lesson.front.first]
    for part in step.parts:
        block = part.content
        try:
            if isinstance(block, str):
                st.markdown(filled(block, facts))
            elif isinstance(block, View):
                _view(lesson, block, visitor, recorded)
            elif isinstance(block, Prediction):
                of = recorded[block.run] if block.run else facts
                if not predictions.show(lesson, block, visitor, of):
                    st.caption("The step goes on when you have answered.")
                    return False
            elif isinstance(block, Trial):
                trials.show(lesson, block, visitor)
            else:
                _check(lesson, block, visitor)
        except ValueError as error:  # the lesson asks for something that is not there: `ddlab lesson check` says so
            shell.refuse(f"Line {part.line} of the lesson: {error}")
    return True


# ---- views


def _view(lesson: Lesson, view: View, visitor: Visitor, recorded: RecordedFacts) -> None:
    """Draw a part of a page with what the lesson has chosen there, and a link to the same on its page."""
    run = _run(lesson, view, visitor, recorded)
    if run is None:
        st.caption("More appears here when your training is done.")
        return
    if view.view not in VIEWS:
        raise ValueError(f"there is no view {view.view!r}")
    entry = VIEWS[view.view]
    shown = {name: _text(lesson, name, value) for name, value in view.show.items()}
    with (
        held.hold(held.Frame({selection.RUN: run.id, **shown}, free=frozenset(view.free))),
        st.container(key=f"view {view.view}"),
    ):
        state: dict[str, str] = {}
        try:
            state = entry.load()(run) or {}
        except held.Halted:  # it has said why it has nothing to show
            pass
        except ValueError as error:  # of data that are gone, say
            shell.refuse(error)
        except Exception as error:
            if view.view in VIEWS.own:
                raise
            log.exception("view %s of run %s", view.view, run.id)  # whatever a package of others does
            st.warning(literal(f"{type(error).__name__}: {error}"))
        if entry.page:
            label = f":material/open_in_new: {entry.title}: the whole page"
            selection.link(label, f"pages/{entry.page}.py", **{**entry.state, **shown, **state})


def _run(lesson: Lesson, view: View, visitor: Visitor, recorded: RecordedFacts) -> RunFolder | None:
    """Return the run of a view: one that the lesson names, or that of a trial once it is done."""
    name = view.run or lesson.front.first
    if name in lesson.of_kind(Trial):
        return trials.run_of(lesson, name, visitor)
    if name not in recorded:
        raise ValueError(f"there is no run {name!r}")
    return recorded[name].numbers.run


def _text(lesson: Lesson, name: str, value: object) -> str:
    """Write what is chosen as the address holds it; other runs by their ids."""
    if name == "with":
        return ",".join(lesson.front.runs.get(other, other) for other in str(value).split(","))
    return str(value)


# ---- checks


def _check(lesson: Lesson, check: Check, visitor: Visitor) -> None:
    """Say whether a visitor's run came to what the lesson is about."""
    run = trials.run_of(lesson, check.of, visitor)
    if run is None:
        st.caption("Whether it came true is said here when your training is done.")
        return
    facts: Facts = told.of_trial(run, lesson)
    found = told_of(check, facts)
    numbers = ", ".join(f"{name} = {value}" for name, value in found.numbers)
    if found.holds:
        st.success(f"{filled(check.then, facts)}  \n{literal(numbers)}", icon=":material/check_circle:")
    else:
        st.warning(f"{filled(check.otherwise, facts)}  \n{literal(numbers)}", icon=":material/change_circle:")
