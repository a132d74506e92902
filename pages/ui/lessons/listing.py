"""The list of lessons, the way through one, and what is taken home from it."""

from typing import Any

import streamlit as st

from ddlab.lessons import Lesson, LessonError, RecordedFacts, Visitor, lesson_files, list_lessons
from ddlab.lessons.handout import as_html
from ddlab.lessons.played import Guess, how_far, played
from pages.ui import selection, shell
from pages.ui.literal import literal

LESSON, AT, NONE = "lesson", "at", "list"


def pick(visitor: Visitor) -> str:
    """Let a lesson be chosen from the list; the URL holds its id as ``lesson``. Returns the id, or ``NONE``."""

    def cards(label: str, options: list[str], key: str) -> str:
        chosen: str = st.session_state[key]
        if chosen == NONE:
            _cards(visitor)
        return chosen

    return selection.pick("Lesson", [NONE, *lesson_files()], LESSON, NONE, cards)


def _cards(visitor: Visitor) -> None:
    """Draw all lessons; of a file that is none, why."""
    everything = list(list_lessons())
    for place in range(0, len(everything), 2):
        for column, one in zip(st.columns(2), everything[place : place + 2], strict=False):
            with column.container(border=True, height="stretch"):
                if isinstance(one, Lesson):
                    _card(one, visitor)
                else:
                    _broken(*one)
    st.caption(
        "Own lessons are Markdown files below DDLAB_HOME/lessons. `ddlab lesson check FILE` says what is wrong in one."
    )


def _card(lesson: Lesson, visitor: Visitor) -> None:
    begun, everything = how_far(lesson, visitor)
    own = " :blue-badge[own]" if lesson.own else ""
    st.markdown(f"**{literal(lesson.front.title)}**{own}")
    st.markdown(literal(lesson.front.summary))
    told = f"{lesson.front.minutes} min · {len(lesson.steps)} steps"
    st.caption(f"{told} · {begun} of {everything} done" if begun else told)
    label = "Go on" if begun else "Begin"
    settings: dict[str, Any] = {"on_click": _open, "args": (lesson.id,), "key": f"open {lesson.id}"}
    st.button(label, icon=":material/arrow_forward:", help=literal(lesson.front.title), **settings)


def _open(id: str) -> None:
    selection.choose(LESSON, id)
    st.session_state.pop(f"{AT} picker", None)
    selection.choose(AT, 1)


def _broken(id: str, error: LessonError) -> None:
    st.markdown(f"**{literal(id)}** :red-badge[no lesson]")
    shell.refuse(error)


# ---- the way through a lesson


def pick_step(lesson: Lesson) -> int:
    """Let a step be chosen, with the way back to the list; the URL holds its number as ``at``. Returns its index."""

    def titles(label: str, options: list[int], key: str) -> int:
        names = {number: f"{number}. {literal(step.title)}" for number, step in enumerate(lesson.steps, 1)}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button(
                "All lessons", on_click=selection.choose, args=(LESSON, NONE), icon=":material/list:", key="all lessons"
            )
            settings: dict[str, Any] = {"key": key, "format_func": names.get, "width": 420}
            chosen: int = st.selectbox(label, options, **settings)
            return chosen

    chosen = selection.pick("Step", list(range(1, len(lesson.steps) + 1)), AT, widget=titles)
    st.progress(chosen / len(lesson.steps))
    return chosen - 1


def go_on(lesson: Lesson, place: int, *, is_seen: bool) -> None:
    """Draw the buttons to the step before and to the next one, which opens when everything in this one is answered."""
    last = len(lesson.steps) - 1
    with st.container(horizontal=True):
        if place > 0:
            st.button("Back", on_click=selection.choose, args=(AT, place), icon=":material/arrow_back:", key="back")
        if place < last:
            why = None if is_seen else "Answer first, or have a look without a guess."
            settings: dict[str, Any] = {"disabled": not is_seen, "help": why, "type": "primary", "key": "next"}
            st.button(
                "Next", on_click=selection.choose, args=(AT, place + 2), icon=":material/arrow_forward:", **settings
            )


# ---- the end


def end(lesson: Lesson, visitor: Visitor, recorded: RecordedFacts) -> None:
    """Sum up what was answered, and hand it over as a file."""
    st.divider()
    done = played(lesson, visitor, recorded)
    guesses = [one.what.outcome for one in done if isinstance(one.what, Guess)]
    right = sum(outcome is not None and outcome.verdict == "right" for outcome in guesses)
    near = sum(outcome is not None and outcome.verdict == "near" for outcome in guesses)
    st.markdown(
        f"**Your predictions:** {right} of {len(guesses)} right, {near} near. Being wrong is the point: it marks what "
        "there was to learn."
    )
    if lesson.front.sources:
        st.caption(literal(lesson.front.sources))
    with st.container(horizontal=True):
        st.download_button(
            "What I did, as a file (HTML)",
            lambda: as_html(lesson, visitor, recorded),
            f"{lesson.id}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
        if shell.button("Begin anew", "begin anew", icon=":material/restart_alt:", type="tertiary"):
            visitor.forget(lesson.id)
            selection.choose(AT, 1)
            st.rerun()
