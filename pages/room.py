"""The Room page: what all runs came to, who waits for what, what was predicted; controls for the lecturer."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.room import room_points
from ddlab.classroom import Seat, current, is_classroom
from ddlab.classroom.answers import counted
from ddlab.classroom.lecturing import students_runs
from ddlab.classroom.queue import at_work_and_waiting
from ddlab.classroom.seats import everyone
from ddlab.engine.turns import rules
from ddlab.figures.comparison import room as figures
from pages.ui import charts, held, shell
from pages.ui.classroom import controls, seated
from pages.ui.literal import cleaned, literal

SECONDS = 4.0  # between two looks

shell.title("What does the room find?")


@held.fragment(run_every=SECONDS)
def points() -> None:
    """Draw the runs of all students; they appear as they finish."""
    table = room_points(students_runs())
    if table.empty:
        st.info("Runs of this room appear here as they finish, a point for each strategy.", icon=":material/groups:")
        return
    shown = table.drop(columns=["run_id", "who"] if not is_lecturer else ["run_id"])
    charts.show(figures.room_points(table), shown.round(3), "room points", "room")


@held.fragment(run_every=SECONDS)
def waits() -> None:
    """Say who waits for what."""
    rows = at_work_and_waiting()
    if rules().get("paused"):
        st.warning("The lecturer has paused the queue: what works goes on, nothing new begins.")
    if not rows:
        st.caption("Nothing is at work, and nobody waits.")
        return
    table = pd.DataFrame(rows)[["state", "who", "name", "devices"]].map(cleaned)
    if not is_lecturer:
        table = table.drop(columns="name")
    st.dataframe(table.rename(columns=str.capitalize), hide_index=True)


@held.fragment(run_every=SECONDS)
def answers() -> None:
    """Draw the answers to the prediction at hand, where they are shown."""
    room = current()
    if room is None or not room.prediction:
        return
    found = counted(room.prediction)
    if not (room.answers_shown or is_lecturer):
        st.caption(f"{sum(found.values())} have answered “{literal(room.prediction)}”.")
    elif found:
        table = pd.DataFrame({"answer": list(found), "count": list(found.values())})
        charts.show(figures.answer_bars(found, cleaned(room.prediction)), table, "room answers", "answers")


def draw(seat: Seat) -> None:
    """Draw the page for somebody who is in the room."""
    room = current()
    here = everyone(room) if room else []
    taken = sum(not one.is_lecturer for one in here)
    st.write(
        f"{taken} seat{'s are' if taken != 1 else ' is'} taken. Every point is a strategy of somebody's run: the "
        "higher, the more images it decides correctly; the further left, the less its training worked."
    )
    points()
    answers()
    st.header("Who waits for what")
    waits()
    if seat.is_lecturer and room:
        controls.show(seat, room)


seat = seated.seat() if is_classroom() else None
is_lecturer = seat is not None and seat.is_lecturer
if seat is None:
    st.info("This page belongs to a room: `ddlab classroom` opens one.", icon=":material/groups:")
else:
    draw(seat)
