"""A prediction on a page: the question with a way to answer it, then the answer beside what happened."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from ddlab.figures.lessons.predictions import answer_bars, place_figure
from ddlab.lessons import Facts, Lesson, Outcome, Prediction, Visitor, filled, unit_asked
from ddlab.lessons.handout import TITLE, axis_of, rows_of, said
from ddlab.lessons.outcome import SAID, Verdict, flat_evidence
from ddlab.lessons.played import Guess, guess_of
from ddlab.lessons.units import SIGNS
from pages.ui import charts, shell
from pages.ui.literal import literal

LOOKS: dict[Verdict, tuple[str, str]] = {
    "right": ("green", "check_circle"),
    "near": ("orange", "adjust"),
    "far": ("red", "cancel"),
    "none": ("gray", "visibility"),
}
SLIDER = 100  # steps of a slider


def show(lesson: Lesson, asked: Prediction, visitor: Visitor, facts: Facts) -> bool:
    """Draw a prediction; return whether what comes after it may be seen."""
    answers = visitor.of_lesson(lesson.id).get(asked.name, [])
    guess = guess_of(asked, answers, facts)
    with st.container(border=True, key=f"prediction {asked.name}"):
        st.markdown(f"**{'Your prediction' if guess.outcome else 'Predict'}:** {filled(asked.ask, facts)}")
        if guess.outcome is None:
            _ask(lesson, guess, visitor, facts)
            return False
        _tell(guess, guess.outcome, facts)
    return True


# ---- asked


def _ask(lesson: Lesson, guess: Guess, visitor: Visitor, facts: Facts) -> None:
    asked, key = guess.asked, f"{lesson.id} {guess.asked.name} guess"
    if guess.answers:
        st.markdown(f":orange[That is not it.] {_tries(guess.left)}")
    if asked.kind == "number":
        given: Any = _number(asked, key)
    elif asked.kind == "choice":
        given = st.radio("Your answer", list(asked.choice.values()), index=None, key=key, format_func=literal)
    else:
        given = _place(asked, facts, key)
    with st.container(horizontal=True):
        settings: dict[str, Any] = {"disabled": given is None, "type": "primary", "icon": ":material/done:"}
        if shell.button("That is my answer", f"{key} send", **settings):
            _record(visitor, lesson, asked, given)
        if shell.button("I would rather see it", f"{key} skip", type="tertiary"):
            _record(visitor, lesson, asked, None)


def _tries(left: int) -> str:
    return f"You may answer {left} more time{'s' * (left != 1)}."


def _number(asked: Prediction, key: str) -> float | None:
    """Let a number be given: of a share or between two ends with a slider, else typed."""
    unit = unit_asked(asked)
    ends = asked.between or ((0.0, 1.0) if unit == "share" else None)
    scale = 100.0 if unit in ("share", "points") else 1.0
    sign = SIGNS.get(unit, "")
    label = f"Your answer ({sign})" if sign else "Your answer"
    if ends is None:
        typed = st.number_input(label, value=None, key=key, placeholder="a number")
        return None if typed is None else float(typed) / scale
    low, high = scale * ends[0], scale * ends[1]
    step = 1.0 if scale > 1 else (high - low) / SLIDER
    chosen = st.slider(label, low, high, low, step, key=key, format="%.3g")  # the middle may be right
    return float(chosen) / scale


def _place(asked: Prediction, facts: Facts, key: str) -> tuple[int, int] | None:
    """Let a pixel be pressed, or be named by its row and column."""
    image = facts.numbers.data.validation.image(int(asked.point or 0))[0]
    height, width = image.shape[1:3]
    row, column = f"{key} row", f"{key} column"
    down, across = st.session_state.get(row), st.session_state.get(column)
    chosen = None if down is None or across is None else (int(down), int(across))
    figure = place_figure(image, "Press the place", chosen)
    charts.show(
        figure, None, f"{key} image", "place", **charts.on_click(f"{key} image", partial(_pressed, row, column))
    )
    with st.container(horizontal=True):
        for label, name, count in (("Row", row, height), ("Column", column, width)):
            st.number_input(label, 0, count - 1, value=None, step=1, key=name, width=140)
    return chosen


def _pressed(row: str, column: str, point: dict[str, Any]) -> None:
    st.session_state[row], st.session_state[column] = int(point["y"]), int(point["x"])


def _record(visitor: Visitor, lesson: Lesson, asked: Prediction, given: Any) -> None:
    try:
        visitor.record(lesson.id, asked.name, "prediction", list(given) if isinstance(given, tuple) else given)
    except (ValueError, OSError) as error:
        shell.refuse(error)
    else:
        st.rerun()


# ---- answered


def _tell(guess: Guess, outcome: Outcome, facts: Facts) -> None:
    """Say and draw what happened beside the answer."""
    asked, given = guess.asked, guess.answers[-1].value
    color, icon = LOOKS[outcome.verdict]
    st.markdown(
        f":{color}[:material/{icon}: **{SAID[outcome.verdict]}**] {literal(said(outcome, asked.kind, given))}"
        f"  \n{filled(asked.why, facts)}"
    )
    key = f"outcome {asked.name}"
    if asked.point is not None:
        image, mask = facts.numbers.data.validation.image(asked.point)[0], facts.numbers.mask(asked.point)
        figure = place_figure(image, "Your answer, and the evidence (pink)", given, flat_evidence(mask))
        charts.show(figure, None, key, asked.name)
        return
    rows = rows_of(outcome)
    axis = axis_of(asked.number or next(iter(asked.choice)))
    figure = answer_bars(rows, TITLE, axis, shares=outcome.unit == "share")
    table = pd.DataFrame([(label, value) for label, value, _, _ in rows], columns=["what", axis])
    charts.show(figure, table, key, asked.name)
