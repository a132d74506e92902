"""The lecturer's part of a room: hold up the queue, change caps, show answers, clear it away."""

from ddlab import access
from ddlab.classroom import caps, room
from ddlab.classroom.seats import Seat
from ddlab.engine import turns
from ddlab.engine.control import cancel
from ddlab.runs import RunFolder, all_runs, delete


def pause(seat: Seat | None, is_paused: bool) -> None:
    """Let no further run begin, or let the queue go on; runs that work are not touched."""
    _check(seat)
    turns.hold_up(paused=is_paused)


def set_caps(seat: Seat | None, wanted: caps.Caps) -> None:
    """Let other caps hold from now on."""
    _check(seat)
    caps.set_caps(wanted)


def show_answers(seat: Seat | None, prediction: str, is_shown: bool) -> None:
    """Choose the prediction at hand, and whether all see the answers to it."""
    _check(seat)
    room.change(prediction=prediction, answers_shown=is_shown)


def clear(seat: Seat | None) -> int:
    """End the runs of all students and put them into the trash; returns how many."""
    _check(seat)
    runs = students_runs()
    for run in runs:
        if run.state().is_live:
            cancel(run)
        delete(run)
    return len(runs)


def students_runs() -> list[RunFolder]:
    """Return the runs that have an owner, newest first."""
    return [run for run in all_runs() if access.owner(run.path)]


def _check(seat: Seat | None) -> None:
    if seat is None or not seat.is_lecturer:
        raise ValueError("Only the lecturer can do this.")
