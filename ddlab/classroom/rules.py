"""The rules of a room, as :mod:`ddlab.access` asks for them: whose a run is, and what a student may ask for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from ddlab import access, files
from ddlab.classroom import store
from ddlab.classroom.caps import MB, Caps, caps_now, check_experiment
from ddlab.classroom.seats import Seat
from ddlab.data.offered import named_folders, refuse_elsewhere
from ddlab.data.own import shelf
from ddlab.engine import allowance
from ddlab.experiment import Experiment
from ddlab.home import home
from ddlab.runs import RunFolder, all_runs

NOBODY = "You have no seat in this room, or the room has ended. Load the page again to get in."
Placed = TypeVar("Placed", bound=access.Place)


class RoomRules:
    """The rules of a room.

    Parameters
    ----------
    who
        Tells the seat of whoever asks just now; None: nobody's, who may see and do nothing.
    """

    def __init__(self, who: Callable[[], Seat | None]) -> None:
        self.who = who

    def visible(self, things: list[Placed]) -> list[Placed]:
        """Return the own things, then those that are shared; all of them for the lecturer."""
        seat = self.who()
        if seat is None:
            return []
        if seat.is_lecturer:
            return things
        own = [thing for thing in things if access.owner(thing.path) == seat.id]
        mine = {thing.path for thing in own}
        return own + [thing for thing in things if thing.path not in mine and access.is_shared(thing.path)]

    def refusal(self, folder: Path, action: str) -> str:
        """Say why whoever asks may not do so; empty for the owner and the lecturer."""
        seat = self.who()
        if seat is None:
            return NOBODY
        if seat.is_lecturer or access.owner(folder) == seat.id:
            return ""
        return f"You cannot {action} this: it is somebody else's. Only who made it and the lecturer can."

    def refusal_of_data(self, path: Path) -> str:
        """Say why whoever asks may not read data there: others', and folders that were not given to the room."""
        seat = self.who()
        if seat is None:
            return NOBODY
        if seat.is_lecturer:
            return ""
        place = path.resolve()
        if any(place.is_relative_to(folder.resolve()) for folder in named_folders()):
            return ""
        own = shelf.shelf().resolve()
        if place != own and place.is_relative_to(own):
            folder = own / place.relative_to(own).parts[0]
            if access.owner(folder) == seat.id or access.is_shared(folder):
                return ""
        return "path: is none of your own data sets, nor one that the lecturer gave to this room"

    @contextmanager
    def _alone(self, seat: Seat) -> Iterator[None]:
        with FileLock(store.folder("launching") / f"{seat.id}.lock"):
            yield

    def admit(self, experiment: Experiment, folder: Path | None) -> Iterator[access.Mark]:
        """Refuse a run beyond a cap; otherwise nobody else launches one for this seat until this has ended."""
        seat = self._seated()
        if seat.is_lecturer:
            yield lambda made: None if folder else self.mark(made)
            return
        refuse_elsewhere(experiment.dataset)
        limits = caps_now()
        check_experiment(experiment, limits)
        spent = allowance.read(folder)[1] if folder else 0.0
        if limits.minutes is not None and spent >= 60 * limits.minutes:
            raise ValueError(f"minutes: a run works at most {limits.minutes:g} in this room, and this one has")
        with self._alone(seat):
            _check_count(seat, limits)
            self.take_up(0)
            yield lambda made: self._begin(made, limits, spent, is_new=folder is None)

    def take_up(self, num_bytes: int) -> None:
        """Refuse what would take up more of the disk than a student may."""
        seat = self._seated()
        most = caps_now().storage
        if seat.is_lecturer or most is None:
            return
        used = stored(seat.id)
        if used + num_bytes > most * MB:
            raise ValueError(
                f"storage: your runs and data sets have at most {most:,} MB in this room, and take {used / MB:,.1f} MB"
                + (f"; {num_bytes / MB:,.1f} MB more do not fit" if num_bytes else "; delete some first")
            )

    def mark(self, folder: Path) -> None:
        """Write into a folder whose it is: a seat's; the lecturer's has no mark."""
        seat = self._seated()
        if not seat.is_lecturer:
            access.give(folder, seat.id, seat.name)

    def _begin(self, folder: Path, limits: Caps, spent: float, *, is_new: bool) -> None:
        if is_new:
            self.mark(folder)
        if limits.minutes is not None:
            allowance.write(folder, limits.minutes, spent)

    def _seated(self) -> Seat:
        seat = self.who()
        if seat is None:
            raise ValueError(NOBODY)
        return seat


def runs_of(seat: str) -> list[RunFolder]:
    """Return the runs of a seat, newest first."""
    return [run for run in all_runs() if access.owner(run.path) == seat]


def stored(seat: str) -> int:
    """Bytes of the runs and data sets of a seat, those in the trash included."""
    trash, kept = home() / "trash", shelf.shelf()
    folders = [path for place in (trash, kept) if place.is_dir() for path in place.iterdir()]
    mine = [folder for folder in folders if access.owner(folder) == seat]
    return sum(run.size for run in runs_of(seat)) + sum(
        files.size(path) for folder in mine for path in folder.rglob("*")
    )


def _check_count(seat: Seat, limits: Caps) -> None:
    if limits.running is None or limits.waiting is None:
        return
    most = limits.running + limits.waiting
    live = sum(run.state().is_live for run in runs_of(seat.id))
    if live >= most:
        raise ValueError(
            f"running and waiting: a student has at most {limits.running:,} at work and {limits.waiting:,} that wait "
            f"in this room, and you have {live:,}; wait until one has ended, or cancel one"
        )
