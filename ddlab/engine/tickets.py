"""The queue of one machine: a ticket a run, in turns among their owners, no server.

A ticket is a file in ``home()/queue``: which process of which run wants how many slots, and which ones it was given.
It holds as long as a process of the run lives, so a killed run gives its slots back by itself. Where runs have no
owners, who came first is served first (:mod:`ddlab.engine.turns`).
"""

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock

from ddlab import access, files
from ddlab.engine.turns import in_turns, note_served, rules, served
from ddlab.home import home
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.processes import find, identity, is_elsewhere
from ddlab.runs.records import TICKET, Process

MARK = "@"  # before the owner in a ticket's name
FORGOTTEN = 7 * 24 * 3600.0  # seconds without a sign of another machine


@dataclass(frozen=True)
class Ticket:
    """One run's place in the queue.

    Parameters
    ----------
    run
        Its folder.
    kind
        Of the slots: ``"cpu"``, ``"cuda"`` or ``"mps"``; each kind has its own queue.
    wanted
        Number of slots.
    slots
        Names of those it was given; empty while it waits.
    process
        The identity of the one that waits, and later works.
    owner
        The seat of who made the run; empty: nobody's.
    """

    path: Path
    run: RunFolder
    kind: str
    wanted: int
    slots: tuple[str, ...]
    process: Process
    owner: str = ""

    @property
    def waits(self) -> bool:
        """Whether it was not given its slots yet."""
        return not self.slots


def take(run: RunFolder, kind: str, wanted: int) -> Ticket:
    """Draw a ticket for this process, behind all others; it replaces one from before the run was resumed."""
    with _lock():
        owner = access.owner(run.path)
        name = f"{run.id}{MARK}{owner}.json" if owner else f"{run.id}.json"
        for path in (home() / "queue").glob(f"*-{name}"):
            earlier = _read(path)
            if not earlier or not is_elsewhere(earlier.process):  # several machines may work on it, each in its queue
                _drop(path)
        path = home() / "queue" / f"{time.time_ns():020d}-{name}"
        ticket = Ticket(path, run, kind, wanted, (), identity(), owner)
        _write(ticket)
        return ticket


def claim(ticket: Ticket, slots: Sequence[str]) -> tuple[str, ...]:
    """Give the ticket its slots if it is first in its queue and enough are free; empty if it has to wait.

    Parameters
    ----------
    slots
        Names of all slots of the ticket's kind on this machine.
    """
    with _lock():
        queue = [other for other in tickets() if other.kind == ticket.kind]
        free, held_up = free_slots(queue, slots), rules()
        first = next((other.path for other in in_turns(queue, held_up.get("at_once"), served())), None)
        if held_up.get("paused") or first != ticket.path or len(free) < ticket.wanted:
            return ()
        given = tuple(free[: ticket.wanted])
        note_served(ticket.owner, queue)
        _write(replace(ticket, slots=given))
        return given


def tickets() -> list[Ticket]:
    """All tickets of this machine that hold, in the order they were drawn; those of dead processes are dropped.

    Tickets of another machine, in a home that both use, are that machine's to drop; only where it has not touched them
    for ``FORGOTTEN`` seconds, or their run has ended, are they dropped here: a container never comes back by its name.
    """
    found = []
    for path in sorted((home() / "queue").glob("[0-9]*.json")):  # not the temporary file of one just being written
        ticket = _read(path)
        if ticket and is_elsewhere(ticket.process):
            if ticket.run.status().get("state") in TERMINAL or _age(path) > FORGOTTEN:
                _drop(path)
        elif ticket and any(map(find, [ticket.process, *ticket.run.processes()])):  # processes of this machine
            found.append(ticket)
        else:
            _drop(path)
    return found


def touch(ticket: Ticket) -> None:
    """Show other machines that the ticket still waits."""
    with suppress(FileNotFoundError):
        os.utime(ticket.path)


def ahead(ticket: Ticket) -> int:
    """Count the tickets whose turn is before; of tickets only names are read, so that this may be asked often."""
    queue = [_Name(path.name) for path in sorted((home() / "queue").glob("[0-9]*.json"))]
    names = [place.name for place in in_turns(queue, served=served())]
    return names.index(ticket.path.name) if ticket.path.name in names else 0


@dataclass(frozen=True)
class _Name:
    """The name of a ticket's file, which tells its place."""

    name: str
    waits: bool = True

    @property
    def owner(self) -> str:
        return self.name.removesuffix(".json").rpartition(MARK)[2] if MARK in self.name else ""


def free_slots(queue: Collection[Ticket], slots: Sequence[str]) -> list[str]:
    """Return those of ``slots`` that no ticket of the queue holds."""
    held = {slot for ticket in queue for slot in ticket.slots}
    return [slot for slot in slots if slot not in held]


def _lock() -> FileLock:
    return FileLock(home() / "queue" / "lock")


def _age(path: Path) -> float:
    """Return the seconds since a ticket was touched; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _write(ticket: Ticket) -> None:
    tree = {
        "run": ticket.run.id,
        "kind": ticket.kind,
        "wanted": ticket.wanted,
        "slots": ticket.slots,
        "process": ticket.process,
        "owner": ticket.owner,
    }
    files.write_json(ticket.path, tree)


def _drop(path: Path) -> None:
    with suppress(OSError):  # gone already, or a folder, which is not a ticket
        path.unlink()


def _read(path: Path) -> Ticket | None:
    tree = TICKET.read(path)
    if not tree:
        return None
    run = RunFolder(home() / "runs" / tree["run"])
    return Ticket(path, run, tree["kind"], tree["wanted"], tuple(tree["slots"]), tree["process"], tree.get("owner", ""))
