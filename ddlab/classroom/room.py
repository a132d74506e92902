"""The room: its code, the lecturer's key, its end; and who may find it where."""

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Annotated
from urllib.parse import quote

from filelock import FileLock
from pydantic import Field, TypeAdapter, ValidationError

from ddlab.classroom import store

VARIABLE = "DDLAB_CLASSROOM"  # of the environment of server processes: set where a room is served
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for each other on a projector
CODE_LETTERS = 6  # 31⁶: 900 million
SHORTEST, LONGEST = 4, 60  # characters of a code
HOURS = 8.0  # from its opening to its end, anew at every start


@dataclass(frozen=True)
class Room:
    """A room as its file holds it.

    Parameters
    ----------
    id
        Random; cookies of another room are worth nothing.
    code
        What lets people in; empty: nobody is asked for one, unless there are accounts.
    until
        Time at which it ends, in seconds since 1970.
    key_digest
        SHA-256 of the lecturer's key, which is not kept.
    address
        Where visitors find it, such as ``http://192.168.1.7:8501``.
    prediction
        Whether the answers to the prediction at hand are shown to all, and to which one: lesson and step; empty: none.
    openid
        Digest of the settings by which a school's accounts come in (:mod:`.accounts`); empty: none do.
    """

    id: str
    code: str
    until: float
    key_digest: str
    address: Annotated[str, Field(max_length=500)] = ""
    prediction: str = ""
    answers_shown: bool = False
    openid: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether its time is over."""
        return time.time() >= self.until

    @property
    def has_form(self) -> bool:
        """Whether people come in with a name: by the code, or, where there are no accounts either, without one."""
        return bool(self.code) or not self.openid

    @property
    def link(self) -> str:
        """The address that a student opens, with the code in it."""
        return f"{self.address}/room/enter" + (f"?code={quote(self.code)}" if self.code else "")

    def is_code(self, text: str) -> bool:
        """Whether that text lets in; small and large letters and spaces around it are the same."""
        return hmac.compare_digest(_plain(text).encode(), _plain(self.code).encode())

    def is_key(self, text: str) -> bool:
        """Whether that text is the lecturer's key."""
        return hmac.compare_digest(_digest(text), self.key_digest)


_ROOM: TypeAdapter[Room] = TypeAdapter(Room)


def is_classroom() -> bool:
    """Whether this process serves a room."""
    return bool(os.environ.get(VARIABLE))


def open_room(code: str | None, address: str, hours: float = HOURS, openid: str = "") -> tuple[Room, str]:
    """Open a room, or the one again that has not ended: seats and runs are as they were.

    Parameters
    ----------
    code
        The code; None: that of the room that goes on, or a new one; empty: nobody is asked for one.
    address
        Where visitors find it.
    hours
        From now to its end.
    openid
        Digest of the settings of accounts; another one makes another room, into which all have to come again.

    Returns
    -------
    Room
        The room.
    str
        The lecturer's key, a new one each time; whoever signed in by an older one stays signed in.

    Raises
    ------
    ValueError
        If the code is too short or too long.
    """
    if code and not SHORTEST <= len(_plain(code)) <= LONGEST:
        raise ValueError(f"--code: needs {SHORTEST} to {LONGEST} characters, got {len(_plain(code))}")
    key = secrets.token_urlsafe(24)
    with _lock():
        before = current()
        if before is not None and _goes_on(before, code, openid):
            room = replace(before, until=time.time() + 3600 * hours, key_digest=_digest(key), address=address)
        else:
            word = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS)) if code is None else _plain(code)
            until = time.time() + 3600 * hours
            room = Room(secrets.token_urlsafe(9), word, until, _digest(key), address, openid=openid)
        _write(room)
    return room, key


def _goes_on(before: Room, code: str | None, openid: str) -> bool:
    """Whether a room is the one that is asked for; one that anybody may enter goes on only if that is asked for."""
    is_same = bool(before.code) if code is None else before.is_code(code)
    return is_same and before.openid == openid and not before.has_ended


def change(**changes: object) -> Room:
    """Change fields of the room that is there; raises a ValueError where none is."""
    with _lock():
        room = current()
        if room is None:
            raise ValueError("room: none is open")
        changed = _ROOM.validate_python({**asdict(room), **changes})
        _write(changed)
        return changed


def current() -> Room | None:
    """Return the room, ended or not; None where there was none, or its file is damaged."""
    path = store.folder() / "room.json"
    return _read(str(path), store.stamp(path))


@lru_cache(maxsize=8)
def _read(path: str, changed: int) -> Room | None:
    try:
        with open(path, "rb") as file:
            return _ROOM.validate_json(file.read())
    except (OSError, ValidationError):
        return None


def _write(room: Room) -> None:
    store.write(store.folder() / "room.json", asdict(room))


def _lock() -> FileLock:
    return FileLock(store.folder() / "room.lock")


def _plain(code: str) -> str:
    return " ".join(code.split()).casefold()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
