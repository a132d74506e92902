"""Access to what people make: runs, and data sets of their own. Everybody may do everything, unless a room has rules.

This is the one place that is asked: lists and openings of runs (:mod:`ddlab.runs.listing`), all that changes, ends or
takes away one, what makes one, and the shelf of own data. A server with a room (:mod:`ddlab.classroom`) installs its
rules when it starts. The processes of runs and the command line have none: who may type may do everything.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import Field, with_config
from typing_extensions import TypedDict

from ddlab import files
from ddlab.records import LOOSE, Kind

OWNER, SHARED = "owner.json", "shared.json"  # in the folder of what has an owner; in one that the room may see
Mark = Callable[[Path], None]
"""Writes into a folder whose it is."""


@with_config(LOOSE)
class Owner(TypedDict):
    """``owner.json``: the seat of who made it, and the name of that seat then."""

    seat: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    name: Annotated[str, Field(max_length=200)]


class Place(Protocol):
    """A thing with a folder, such as a run."""

    @property
    def path(self) -> Path:
        """The folder."""


Placed = TypeVar("Placed", bound=Place)


class Rules(Protocol):
    """The rules of a server. The refusals are sentences for people."""

    def visible(self, things: list[Placed]) -> list[Placed]:
        """Return those that whoever asks may see, the own ones first."""

    def refusal(self, folder: Path, action: str) -> str:
        """Say why whoever asks may not do so with it; empty if that is allowed."""

    def refusal_of_data(self, path: Path) -> str:
        """Say why whoever asks may not read data there; empty if that is allowed."""

    def admit(self, experiment: Any, folder: Path | None) -> Iterator[Mark]:
        """Refuse a run by a ValueError, or keep a place for it until it is made; a folder: of one that is resumed."""

    def take_up(self, num_bytes: int) -> None:
        """Refuse by a ValueError what would take up too much of the disk."""

    def mark(self, folder: Path) -> None:
        """Write into a folder whose it is."""


_installed: list[Rules] = []  # at most one


def install(rules: Rules | None) -> None:
    """Let rules hold in this process from now on; None: none."""
    _installed[:] = [] if rules is None else [rules]


def visible(things: list[Placed]) -> list[Placed]:
    """Return the things that whoever asks may see, in their order, but the own ones first."""
    return _installed[0].visible(things) if _installed else things


def check(folder: Path, action: str) -> None:
    """Refuse what whoever asks may not do.

    Parameters
    ----------
    action
        A verb for the sentence, such as ``cancel``.

    Raises
    ------
    ValueError
        If it is not allowed; says who may.
    """
    if _installed and (sentence := _installed[0].refusal(folder, action)):
        raise ValueError(sentence)


def allows(folder: Path, action: str) -> bool:
    """Whether whoever asks may do so."""
    return not (_installed and _installed[0].refusal(folder, action))


def has_rules() -> bool:
    """Whether what people make has owners here."""
    return bool(_installed)


def check_data(path: Path) -> None:
    """Refuse data that whoever asks may not read, by a ValueError; no path of this machine is in its words."""
    if _installed and (sentence := _installed[0].refusal_of_data(path)):
        raise ValueError(sentence)


@contextmanager
def admitted(experiment: Any, folder: Path | None = None) -> Iterator[Mark]:
    """Refuse a run that whoever asks may not launch, or keep a place for it as long as this lasts.

    Parameters
    ----------
    experiment
        What it is asked for.
    folder
        Of a run that is there already and is launched again.

    Yields
    ------
    Mark
        To be called with the run's folder before others see it.

    Raises
    ------
    ValueError
        If it is not allowed; names the cap and its value.
    """
    if not _installed:
        yield lambda made: None
        return
    with contextmanager(_installed[0].admit)(experiment, folder) as mark:
        yield mark


def take_up(num_bytes: int) -> None:
    """Refuse, by a ValueError, so many bytes more of whoever asks, if they are too many."""
    if _installed:
        _installed[0].take_up(num_bytes)


def mark(folder: Path) -> None:
    """Write into a folder that is being made whose it is."""
    if _installed:
        _installed[0].mark(folder)


# ---- what the folders say


def give(folder: Path, seat: str, name: str) -> None:
    """Write into a folder whose it is."""
    files.write_json(folder / OWNER, Owner(seat=seat, name=name))


def owner(folder: Path) -> str:
    """Return the seat of who made it; empty if nobody's is written."""
    return _told(folder).get("seat", "")


def owner_name(folder: Path) -> str:
    """Return the name of who made it; empty if nobody's is written."""
    return _told(folder).get("name", "")


def is_shared(folder: Path) -> bool:
    """Whether all who are in the room may see it."""
    return (folder / SHARED).exists()


def share(folder: Path, is_wanted: bool) -> None:
    """Let all who are in the room see it, or not any more; raises a ValueError for who may not say so."""
    check(folder, "share")
    if is_wanted:
        files.write_json(folder / SHARED, {})
    else:
        (folder / SHARED).unlink(missing_ok=True)


def _told(folder: Path) -> Owner:
    path = folder / OWNER
    try:
        return _read(path, os.stat(path).st_mtime_ns)
    except OSError:
        return _NOBODY


@lru_cache(maxsize=4096)
def _read(path: Path, changed: int) -> Owner:
    return _OWNER.read(path)


_OWNER = Kind(Owner)
_NOBODY: Owner = _OWNER.read(Path(os.devnull))
