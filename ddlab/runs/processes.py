"""Processes and whether they live: named by pid and start, since pids are used again and clocks are set."""

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from ddlab.runs.records import Process

CLOCK_TOLERANCE = 2.0  # seconds; of records by an older ddlab, which name a process by the time of day it began at


def identity(pid: int | None = None) -> Process:
    """``{"pid", "birth", "boot", "host"}`` of a process, of this one if no pid is given."""
    pid = pid or os.getpid()
    return {"pid": pid, "birth": _birth(psutil.Process(pid)), "boot": _boot(), "host": socket.gethostname()}


def find(record: Mapping[str, Any]) -> psutil.Process | None:
    """The live process of this machine that ``record`` (as :func:`identity` gives it) names, or None.

    A zombie is dead: it only waits for its parent.
    """
    try:
        process = psutil.Process(record["pid"])
        return process if _is(process, record) and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def is_alive(record: Mapping[str, Any]) -> bool:
    """Whether the process lives; one of another machine is assumed to, since it cannot be checked from here."""
    return is_elsewhere(record) or find(record) is not None


def is_elsewhere(record: Mapping[str, Any]) -> bool:
    """Whether the process is one of another machine; one that got another name since its start is still this one."""
    return record.get("host") not in (None, socket.gethostname()) and record.get("boot") != _boot()


def _is(process: psutil.Process, record: Mapping[str, Any]) -> bool:
    if "birth" in record:
        return record["birth"] == _birth(process) and record.get("boot") == _boot()
    return abs(process.create_time() - float(record["created"])) < CLOCK_TOLERANCE


def _birth(process: psutil.Process) -> float:
    """Return when a process began, in seconds that no clock moves: since boot on Linux, as kept by other systems.

    psutil compares it to detect that a pid is reused, but does not publish it: ``create_time`` moves with the clock.
    """
    birth = process._ident[1]  # type: ignore[attr-defined]  # private
    if birth is None:
        raise psutil.AccessDenied(process.pid)
    return float(birth)


@cache
def _boot() -> str:
    """Return a text that changes when the machine or container restarts and pids begin anew; empty if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
