"""Turns in the queue: who has fewer runs before comes first, then who was served longer ago; and what holds it up."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from pydantic import Field, with_config
from typing_extensions import TypedDict

from ddlab import files
from ddlab.home import home
from ddlab.records import ANYTHING, LOOSE, Kind

MOST_KNOWN = 1000  # owners of whom it is known when they were served


class Waits(Protocol):
    """A place in the queue, as its order needs it."""

    @property
    def owner(self) -> str:
        """The seat that it belongs to; empty: nobody's."""

    @property
    def waits(self) -> bool:
        """Whether it was not given its slots yet."""


Place = TypeVar("Place", bound=Waits)


@with_config(LOOSE)
class Rules(TypedDict, total=False):
    """``queue/rules.json``: whether nothing is begun for now, and how many runs of one owner work at once."""

    paused: bool
    at_once: Annotated[int, Field(ge=1)] | None


_RULES = Kind(Rules)


def in_turns(
    queue: Sequence[Place], at_once: int | None = None, served: Mapping[str, int] | None = None
) -> list[Place]:
    """Return those that wait and may begin, in the order in which they are served.

    A place's turn is the number of places that the same owner has before it, those that work included. Of one turn, the
    place whose owner was served longest ago comes first: a run that has ended leaves no place, and its owner's next one
    would else be before others' first. Then who came first. Without owners that is the order in which they came.

    Parameters
    ----------
    queue
        All places, in the order in which they came.
    at_once
        Runs of one owner that may work at once, at most; not for nobody's.
    served
        When owners were given slots last, by any clock; who is not in it, never.
    """
    known = served or {}
    before: Counter[str] = Counter()
    turns: list[tuple[int, int, int]] = []
    for index, place in enumerate(queue):
        turns.append((before[place.owner], known.get(place.owner, 0), index))
        before[place.owner] += 1
    works = Counter(place.owner for place in queue if not place.waits)
    order = [queue[index] for *_, index in sorted(turns)]
    return [
        place
        for place in order
        if place.waits and not (place.owner and at_once is not None and works[place.owner] >= at_once)
    ]


def rules() -> Rules:
    """Read what holds the queue up; empty if nothing does."""
    return _RULES.read(_path())


def hold_up(*, paused: bool | None = None, at_once: int | None = -1) -> None:
    """Pause the queue or let it go on, or change how many runs of an owner work at once; what is not given stays.

    Parameters
    ----------
    at_once
        None: any number.
    """
    known = rules()
    told: Rules = {"paused": known.get("paused", False), "at_once": known.get("at_once")}
    if paused is not None:
        told["paused"] = paused
    if at_once != -1:
        told["at_once"] = at_once
    _path().parent.mkdir(parents=True, exist_ok=True)
    files.write_json(_path(), told)


def served() -> dict[str, int]:
    """Read when owners were given slots last, in nanoseconds; empty where runs have no owners."""
    told = ANYTHING.read(_path("served.json"))
    return {owner: when for owner, when in told.items() if isinstance(when, int)}


def note_served(owner: str, queue: Sequence[Waits]) -> None:
    """Note that an owner was given slots, if anybody in the queue is one."""
    known = served()
    if known or any(place.owner for place in queue):
        newest = sorted({**known, owner: time.time_ns()}.items(), key=lambda item: -item[1])[:MOST_KNOWN]
        files.write_json(_path("served.json"), dict(newest))


def _path(name: str = "rules.json") -> Path:
    return home() / "queue" / name
