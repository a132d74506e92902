"""A standstill of ranks that all live: which one the others wait for, and the sentence that names it.

Read from their heartbeats (:mod:`ddlab.engine.heartbeat`). Standard library alone: the supervisor imports this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ddlab.engine.movement import BACKWARD

Beats = Mapping[int, Mapping[str, Any]]  # the last heartbeat of every rank
MOST = 4  # ranks that a sentence tells of, besides the one that is missing


@dataclass(frozen=True)
class Silence:
    """Ranks that no longer do their part.

    Parameters
    ----------
    rank
        The one that is not heard of any more, or that the others wait for; None where all wait for each other.
    seconds
        Time since it was heard of, or since they moved.
    beats
        The last heartbeats of those that live and stand still.
    told
        What happened instead, in a sentence without its end, where a machine is missed.
    """

    rank: int | None
    seconds: float
    beats: Beats = field(default_factory=dict)
    told: str = ""


def standstill(beats: Beats, timeout: float) -> Silence | None:
    """The ranks that have not moved for ``timeout`` seconds, where none of all does, or one that waits for nobody.

    Nothing is said as long as one of them has not told anything: it may be about to start.
    """
    if len(beats) < max((int(beat.get("ranks") or 1) for beat in beats.values()), default=1):
        return None
    still = {rank: _still(beat) for rank, beat in beats.items()}
    if still and min(still.values()) > timeout:
        return Silence(missing(beats), min(still.values()), beats)
    for rank, beat in beats.items():
        if still[rank] > timeout and not (beat.get("waits_in") or str(beat.get("place")).startswith(BACKWARD)):
            with_it = {other: beats[other] for other in beats if other == rank or still[other] > timeout / 2}
            return Silence(rank, still[rank], with_it)
    return None


def _still(beat: Mapping[str, Any]) -> float:
    """Seconds since a rank moved, or since it waits in one collective operation, if that is longer."""
    waits = float(beat["time"] - beat["waits_since"]) if beat.get("waits_since") else 0.0
    return max(waits if int(beat.get("ranks") or 1) > 1 else 0.0, float(beat.get("still") or 0.0))


def missing(beats: Beats) -> int | None:
    """The rank for which the others wait: the only one that waits for nobody, or else the only one that is behind.

    None where that cannot be told: all wait, in operations that do not fit each other.
    """
    if len(beats) == 1:
        return next(iter(beats))
    elsewhere = [rank for rank, beat in beats.items() if not beat.get("waits_in")]
    steps = [beat.get("steps", 0) for beat in beats.values()]
    behind = [rank for rank, beat in beats.items() if beat.get("steps", 0) == min(steps) < max(steps)]
    known = [ranks for ranks in (elsewhere, behind) if len(ranks) == 1]
    return known[0][0] if known else None


def told(beats: Beats, rank: int | None, time: str) -> str:
    """The sentence, without its end: who is missing where, and where everybody stands.

    Parameters
    ----------
    rank
        The one that is missing, if it is known.
    time
        How long it has been so, in words.
    """
    if len(beats) == 1 and rank is not None:
        who = f"Rank {rank}" if beats[rank].get("ranks", 1) > 1 else "The training program"
        return f"{who} has stood still for {time}, in {_where(beats[rank])}"
    others = {other: beat for other, beat in sorted(beats.items()) if other != rank}
    if rank is None:
        return f"All ranks have waited for each other for {time}: {_each(others, beats)}"
    name, stands = _name(rank, beats), f"it stands in {_where(beats[rank])}"
    meetings = {_meeting(beat) for beat in others.values()}
    if len(meetings) == 1 and (meeting := meetings.pop()):
        waiting = " and ".join(f"rank {other}" for other in list(others)[:MOST]) + (
            "" if len(others) <= MOST else ", ..."
        )
        return f"{name} has not come to {meeting}, where {waiting} waited for {time}; {stands}"
    return f"{name} has kept the others waiting for {time}: {stands}; {_each(others, beats)}"


def _each(some: Beats, beats: Beats) -> str:
    return "; ".join(
        f"{_name(rank, beats).lower()} in {beat['waits_in'] + ' of ' if beat.get('waits_in') else ''}{_where(beat)}"
        for rank, beat in list(some.items())[:MOST]
    )


def _name(rank: int, beats: Beats) -> str:
    """A rank, with its machine where there are several."""
    hosts = {beat.get("host") for beat in beats.values()}
    return f"Rank {rank} of {beats[rank].get('host')}" if len(hosts) > 1 else f"Rank {rank}"


def _meeting(beat: Mapping[str, Any]) -> str:
    return f"the {beat['waits_in']} of {_step(beat)}" if beat.get("waits_in") else ""


def _where(beat: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, [beat.get("place"), _step(beat)]))


def _step(beat: Mapping[str, Any]) -> str:
    return f"step {beat.get('steps', 0)}" + (f" of '{beat['begun']}'" if beat.get("begun") else "")
