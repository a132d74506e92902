"""Seats of a room: who is there, by a name of their own choice."""

import hashlib
import re
import secrets
import time
import unicodedata
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ddlab.classroom import cookies, store
from ddlab.classroom.room import Room, current

MOST_NAME = 40  # characters
MOST_SEATS = 2000  # of a room
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # would break lines or turn the writing around


@dataclass(frozen=True)
class Seat:
    """A seat.

    Parameters
    ----------
    id
        Random, and in no page.
    name
        Any text; it is shown literally.
    is_lecturer
        Whether all runs are in this seat's hands.
    taken
        When, in seconds since 1970.
    has_account
        Whether it belongs to an account of a school's: whoever signs in by it has this seat again.
    """

    id: str
    room: str
    name: Annotated[str, Field(max_length=MOST_NAME)]
    is_lecturer: bool
    taken: float
    has_account: bool = False

    @property
    def visitor(self) -> str:
        """The id under which answers to lessons are kept: one a seat, which nobody can choose."""
        return hashlib.blake2b(self.id.encode(), digest_size=12).hexdigest()


_SEAT: TypeAdapter[Seat] = TypeAdapter(Seat)


def take(room: Room, name: str, *, is_lecturer: bool = False, account: str = "") -> Seat:
    """Give somebody a seat.

    Parameters
    ----------
    account
        The id of the seat of whoever has an account; empty: a random one.

    Raises
    ------
    ValueError
        If nothing of the name can be shown, it is too long, or the room is full.
    """
    known = find(account) if account else None
    id = account or secrets.token_urlsafe(12)
    seat = Seat(id, room.id, checked_name(name), is_lecturer, time.time(), bool(account))
    is_here = known is not None and known.room == room.id
    if not is_lecturer and not is_here and len(everyone(room)) >= MOST_SEATS:
        raise ValueError(f"The room has {MOST_SEATS:,} seats, and all are taken.")
    store.write(_path(seat.id), asdict(seat))
    return seat


def checked_name(name: str) -> str:
    """Return a name as it is kept: in one line, without characters that cannot be seen; raises a ValueError."""
    shown = "".join(letter for letter in name if unicodedata.category(letter) not in _UNSHOWN or letter.isspace())
    kept = unicodedata.normalize("NFC", " ".join(shown.split()))
    if not 1 <= len(kept) <= MOST_NAME:
        raise ValueError(f"A name needs 1 to {MOST_NAME} characters.")
    return kept


def of_cookie(cookie: str) -> Seat | None:
    """Return the seat of a browser; None if it has none, its room has ended, or somebody was sent out."""
    room = current()
    if room is None or room.has_ended:
        return None
    id = cookies.seat_of(cookie, room.id)
    seat = find(id) if id else None
    return seat if seat and seat.room == room.id else None


def find(id: str) -> Seat | None:
    """Return the seat of that id; None if there is none."""
    if not _ID.fullmatch(id):
        return None
    path = _path(id)
    changed = store.stamp(path)
    return _read(path, changed) if changed else None


def everyone(room: Room) -> list[Seat]:
    """Return the seats of a room in the order in which they were taken."""
    found = [seat for seat in (find(path.stem) for path in store.folder("seats").glob("*.json")) if seat]
    return sorted((seat for seat in found if seat.room == room.id), key=lambda seat: (seat.taken, seat.id))


def send_out(id: str) -> None:
    """Take a seat away; its runs stay, and are the lecturer's from then on."""
    if _ID.fullmatch(id):
        _path(id).unlink(missing_ok=True)


def _path(id: str) -> Path:
    return store.folder("seats") / f"{id}.json"


@lru_cache(maxsize=4096)
def _read(path: Path, changed: int) -> Seat | None:
    try:
        return _SEAT.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
