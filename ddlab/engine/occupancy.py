"""The holders of the devices of this machine, and the runs that wait, from files and counters alone: asked often."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ddlab.engine.control import named, queue_position
from ddlab.engine.devices import DeviceUse, plural, slots, usage
from ddlab.engine.tickets import free_slots, tickets
from ddlab.runs import RunFolder, list_runs
from ddlab.slurm import available

LOOKED_AT = 20  # newest runs among which jobs of SLURM that wait are looked for


@dataclass(frozen=True)
class Held:
    """Devices of one kind that one run holds, or nobody: a GPU, or some of the cores.

    Parameters
    ----------
    title
        What a person reads: ``GPU 0: H200``, ``cores 0–3``, ``12 cores``.
    run
        The run's id; None if they are free.
    load
        Mean share of the time that they are busy, 0..1, by any program; None if unknown.
    memory
        Share of its memory in use, 0..1, of a GPU; None if unknown, and of cores, which share the machine's.
    bytes
        The memory of a GPU; None if unknown.
    """

    title: str
    run: str | None
    load: float | None
    memory: float | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Waiting:
    """A run that waits, and why, as a sentence without its full stop."""

    run: str
    reason: str


def holders(uses: Sequence[DeviceUse] | None = None) -> list[Held]:
    """List every GPU, then the cores by who holds them, those that nobody holds last.

    Parameters
    ----------
    uses
        The use of every device; that of this machine, now, if None.
    """
    uses = usage() if uses is None else uses
    gpus = [Held(use.device.title, use.run, use.load, use.memory, use.bytes) for use in uses if _is_gpu(use)]
    cores = sorted((use for use in uses if not _is_gpu(use)), key=lambda use: (use.run is None, use.run or ""))
    return gpus + [_cores(list(group), run) for run, group in groupby(cores, key=lambda use: use.run)]


def waiting() -> list[Waiting]:
    """The runs that wait for devices of this machine, in their order, and then those that wait in SLURM's queue."""
    here = [Waiting(ticket.run.id, queue_position(ticket.run)[1]) for ticket in tickets() if ticket.waits]
    return [one for one in here if one.reason] + (_in_slurm(list_runs()[:LOOKED_AT]) if available() else [])


def free_in_words(kind: str, wanted: int) -> str:
    """Say whether so many devices of a kind are free, and who holds them where they are not."""
    names = [device.name for device in slots(kind)]
    queue = [ticket for ticket in tickets() if ticket.kind == kind]
    free = len(free_slots(queue, names))
    ahead = sum(ticket.waits for ticket in queue)
    if free >= wanted and not ahead:
        return "Free now."
    users = ", ".join(named([ticket for ticket in queue if ticket.slots]))
    held = f"{free or 'none'} of {len(names)} {plural(kind)} {'is' if free < 2 else 'are'} free"
    held += f", the rest held by {users}" if users else ""
    return f"It would wait: {held}{f'; {ahead} before it' if ahead else ''}."


def _in_slurm(runs: Sequence[RunFolder]) -> list[Waiting]:
    states = [(run, run.state()) for run in runs if run.status().get("job")]
    return [Waiting(run.id, state.message.rstrip(".")) for run, state in states if state.state == "queued"]


def _is_gpu(use: DeviceUse) -> bool:
    return use.device.kind != "cpu"


def _cores(uses: list[DeviceUse], run: str | None) -> Held:
    numbers = sorted(int(use.device.visible) for use in uses)
    loads = [use.load for use in uses if use.load is not None]
    if len(numbers) == 1:
        title = f"core {numbers[0]}"
    elif numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        title = f"cores {numbers[0]}–{numbers[-1]}"
    else:
        title = f"{len(numbers)} {plural('cpu').split()[-1]}"
    return Held(title, run, sum(loads) / len(loads) if loads else None)
