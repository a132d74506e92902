"""The queue of one machine: a ticket a run, first come first served, no server.

A ticket is a file in ``home()/queue``: which process of which run wants how many slots, and which ones it was given.
It holds as long as a process of the run lives, so a killed run gives its slots back by itself.
"""

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ddlab import files
from ddlab.home import home
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.processes import identity, is_alive, is_elsewhere
from ddlab.runs.records import TICKET, Process

FORGOTTEN = 7 * 24 * 3600.0  # seconds without a sign of another machine


@dataclass(frozen=True)
class Ticket:
    """One run's place in the queue.

    Parameters
    ----------
    run
        Its folder.
    kind
        Of the slots: ``"cpu"`` or ``"cuda"``; each kind has its own queue.
    wanted
        Number of slots.
    slots
        Names of those it was given; empty while it waits.
    process
        The identity of the one that waits, and later works.
    """

    path: Path
    run: RunFolder
    kind: str
    wanted: int
    slots: tuple[str, ...]
    process: Process

    @property
    def waits(self) -> bool:
        """Whether it was not given its slots yet."""
        return not self.slots


def take(run: RunFolder, kind: str, wanted: int) -> Ticket:
    """Draw a ticket for this process, behind all others; it replaces one from before the run was resumed."""
    with _lock():
        for path in (home() / "queue").glob(f"*-{run.id}.json"):
            path.unlink()
        path = home() / "queue" / f"{time.time_ns():020d}-{run.id}.json"
        ticket = Ticket(path, run, kind, wanted, (), identity())
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
        free = free_slots(queue, slots)
        first = next((other.path for other in queue if other.waits), None)
        if first != ticket.path or len(free) < ticket.wanted:
            return ()
        given = tuple(free[: ticket.wanted])
        _write(Ticket(ticket.path, ticket.run, ticket.kind, ticket.wanted, given, ticket.process))
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
        elif ticket and any(map(is_alive, [ticket.process, *ticket.run.processes()])):
            found.append(ticket)
        else:
            _drop(path)
    return found


def touch(ticket: Ticket) -> None:
    """Show other machines that the ticket still waits."""
    with suppress(FileNotFoundError):
        os.utime(ticket.path)


def ahead(ticket: Ticket) -> int:
    """Count the earlier tickets that are still there; nothing is read, so that this may be asked often."""
    return sum(path.name < ticket.path.name for path in (home() / "queue").glob("[0-9]*.json"))


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
    return Ticket(path, run, tree["kind"], tree["wanted"], tuple(tree["slots"]), tree["process"])
