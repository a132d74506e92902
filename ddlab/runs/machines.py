"""The machines of a run that works on several of them without SLURM: what each tells in the run's folder.

``round.json`` is the first machine's: which training program is gathered for, is on, or over. ``machine-<number>.json``
is a machine's own: what it does, and when it last said so. Nobody writes the file of another one.
"""

import time
from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from ddlab.records import LOOSE, Kind
from ddlab.runs.processes import find, is_elsewhere
from ddlab.runs.reader import RunReader
from ddlab.runs.records import Count, Gathering, Number, Process, Status, Text, Time

BEAT = 1.0  # seconds between two signs of a machine
QUIET = 10.0  # seconds without a sign after which it is told
GONE = 300.0  # seconds without a sign after which a machine is no longer waited for: its clock or files may be late
ROUND, FILE = "round.json", "machine-{number}.json"


@with_config(LOOSE)
class Round(TypedDict):
    """``round.json``: the number of a training program, from 1, and whether machines gather for it, or it is over."""

    number: Count
    state: Literal["gathers", "on", "over"]


@with_config(LOOSE)
class Machine(Process):
    """``machine-<number>.json``: what a machine does for a run, and its process.

    It ``waits`` for devices, is ``ready`` for a round or ``works`` on it, has ``ended`` its part of it (with a code,
    exit codes of ranks, and why), or has ``left`` the run. ``unreached``: seconds for which it has not reached the
    place where the machines meet.
    """

    time: Time
    word: Literal["waits", "ready", "works", "ended", "left"]
    round: Count
    unreached: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    devices: list[Text]
    code: NotRequired[int]
    exits: NotRequired[dict[str, int]]
    told: NotRequired[Text]
    began: NotRequired[Number]


ROUNDS, MACHINES = Kind(Round), Kind(Machine)


def machines_of(run: RunReader) -> dict[int, Machine]:
    """Read what every machine of a run has told, by its number; the first one's is 0."""
    found = {}
    for path in run.path.glob(FILE.format(number="*")):
        number = path.stem.rpartition("-")[2]
        if number.isdecimal() and (machine := MACHINES.read(path)):
            found[int(number)] = machine
    return found


def judge_machines(run: RunReader, status: Status, gathering: Gathering) -> tuple[str, str]:
    """The state of a run of several machines that wrote no end, and a sentence on who is missed.

    It lives with its first machine: the others end without it.
    """
    machines = machines_of(run)
    first = machines.get(0)
    host = status.get("host") or "the first machine"
    if is_elsewhere(status):
        if first and (silent := _silent(first)) > GONE:
            return "lost", f"{host}, which leads it, has given no sign of life for {_time(silent)}. {_RESUME}"
    elif find(status) is None:
        return "lost", ""
    state = status.get("state", "")
    missed = _missed(run, gathering, machines, waits=state == "queued")
    return state, " ".join(missed) or _ranks(gathering, machines)


_RESUME = "Resume goes on from the last checkpoint."


def _missed(run: RunReader, gathering: Gathering, machines: Mapping[int, Machine], *, waits: bool) -> list[str]:
    """Sentences on the machines that the run waits for, and on what it waits for otherwise."""
    told = [machine["told"] for number, machine in machines.items() if number == 0 and machine.get("told")]
    there = {number: machine for number, machine in machines.items() if machine["word"] != "left" and number}
    if absent := gathering["machines"] - 1 - len(there):
        told.append(
            f"Waits for {absent} of {gathering['machines']} machines at {gathering['at']}: run `ddlab join {run.id}` "
            f"on {'it' if absent == 1 else 'each of them'}."
        )
    for _, machine in sorted(there.items()):
        if trouble := _trouble(machine, gathering["at"]):
            told.append(f"{trouble}{_then(run) if waits else ''}.")
        elif machine["word"] == "waits" and waits:
            told.append(f"Machine {_host(machine)} waits for free devices.")
    return told


def _trouble(machine: Machine, at: str) -> str:
    """Say that a machine is out of reach, if it is; the sentence has no end."""
    if (silent := _silent(machine)) > QUIET:
        return f"Machine {_host(machine)} has been silent for {_time(silent)}"
    if machine["unreached"] > BEAT and machine["word"] != "waits":
        return f"Machine {_host(machine)} has not reached {at} for {_time(machine['unreached'])}"
    return ""


def _then(run: RunReader) -> str:
    known = run.progress()
    if "epoch" not in known:
        return "; the run begins when it is back"
    return (
        f"; when it is back, the run goes on from its last checkpoint (it had done epoch {known['epoch']} of "
        f"'{known['stage']}')"
    )


def _ranks(gathering: Gathering, machines: Mapping[int, Machine]) -> str:
    """Say which ranks are where: they are numbered along the machines."""
    each = gathering["workers"]
    parts = []
    for number, machine in sorted(machines.items()):
        first, last = number * each, number * each + each - 1
        ranks = f"rank {first}" if each == 1 else f"ranks {first} to {last}"
        parts.append(f"{ranks} on {_host(machine)}")
    told = ", ".join(parts)
    return f"{told[0].upper()}{told[1:]}." if len(parts) == gathering["machines"] else ""


def _silent(machine: Machine) -> float:
    return max(0.0, time.time() - machine["time"])


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _host(machine: Machine) -> str:
    return machine.get("host") or "?"
