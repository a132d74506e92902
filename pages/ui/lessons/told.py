"""Facts that the pages of lessons show: read once, kept until a file of a run changes."""

import streamlit as st

from ddlab.lessons import Facts, Lesson, RecordedFacts, facts_of_trial, recorded_facts
from ddlab.runs import RunFolder, open_run

KEPT = 16  # lessons and runs in memory, of all sessions together


def recorded(lesson: Lesson) -> RecordedFacts:
    """Return the facts of the runs that a lesson names; raises a ValueError where one is not there."""
    runs = lesson.front.runs
    stamps = tuple(open_run(id).results_stamp() for id in runs.values())
    return _recorded(tuple(runs.items()), stamps, lesson)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _recorded(runs: tuple[tuple[str, str], ...], stamps: tuple[int, ...], _lesson: Lesson) -> RecordedFacts:
    return recorded_facts(_lesson)


def of_trial(run: RunFolder, lesson: Lesson) -> Facts:
    """Return the facts of a visitor's run, beside those of the lesson."""
    return _of_trial(str(run.path), run.results_stamp(), recorded(lesson))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _of_trial(path: str, stamp: int, _recorded: RecordedFacts) -> Facts:
    return facts_of_trial(RunFolder(path), _recorded)
