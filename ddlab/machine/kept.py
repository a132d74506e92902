"""Measurements of machines, kept in ``DDLAB_HOME/machine.json`` by their names: a home may be that of several."""

import json
import platform
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from ddlab.engine.devices import slots
from ddlab.files import write_json
from ddlab.home import home
from ddlab.machine.rates import Machine

FORMAT = 1  # of the file; another one counts as nothing measured
OLD = timedelta(days=180)  # drivers and torch have changed since


def file() -> Path:
    """The file of this home."""
    return home() / "machine.json"


def machine_name() -> str:
    """The name of this machine: its processor's, and the number of cores that we may use."""
    cores = len(slots("cpu"))
    return f"{_processor()}, {cores} core{'s' * (cores > 1)}"


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def machines() -> dict[str, Machine]:
    """All machines that were measured with this home, by name; what cannot be read counts as not measured."""
    try:
        tree = json.loads(file().read_text(encoding="utf-8"))
        found = [Machine.of_plain(each) for each in tree["machines"]] if tree.get("format") == FORMAT else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {machine.name: machine for machine in found}


def this_machine() -> Machine | None:
    """Return this machine's processor as it was measured; None where it was not."""
    return machines().get(machine_name())


def keep(machine: Machine) -> None:
    """Keep what was measured in the place of what was known of that machine."""
    file().parent.mkdir(parents=True, exist_ok=True)
    known = machines() | {machine.name: machine}
    write_json(file(), {"format": FORMAT, "machines": [each.plain() for each in known.values()]})


def beware(machine: Machine, now: datetime | None = None) -> str:
    """Say why the numbers of a machine may not hold: old, or taken while it was busy; empty if nothing is known.

    Parameters
    ----------
    now
        With its time zone; None: now.
    """
    if not machine.measured:
        return ""
    try:
        age = (now or datetime.now().astimezone()) - datetime.fromisoformat(machine.measured)
    except (ValueError, TypeError):
        return "It is not known when this was measured: measure again."
    told = []
    if age > OLD:
        told.append(f"This was measured {age.days} days ago: measure again.")
    if machine.busy:
        told.append("Other programs worked while this was measured: on a quiet machine it may do better.")
    return " ".join(told)


def not_here() -> str:
    """Say that this machine was not measured, and which others were."""
    others = ", ".join(name for name in machines() if name != machine_name())
    known = f" What is kept is of another machine: {others}." if others else ""
    return f"What this machine ({machine_name()}) does at best was not measured yet.{known}"
