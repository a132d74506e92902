"""Who lives: a process is named by its pid and the time it was created, since pids are used again."""

import os
import socket
from typing import Any

import psutil

CLOCK_TOLERANCE = 2.0  # seconds; the creation time is counted from the boot time, which the system may correct


def identity(pid: int | None = None) -> dict[str, Any]:
    """``{"pid", "created", "host"}`` of a process, of this one if no pid is given."""
    pid = pid or os.getpid()
    return {"pid": pid, "created": psutil.Process(pid).create_time(), "host": socket.gethostname()}


def find(record: dict[str, Any]) -> psutil.Process | None:
    """The live process of this machine that ``record`` (with ``pid`` and ``created``) names, or None.

    A zombie is dead: it only waits for its parent.
    """
    try:
        process = psutil.Process(int(record["pid"]))
        same = abs(process.create_time() - float(record["created"])) < CLOCK_TOLERANCE
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def is_alive(record: dict[str, Any]) -> bool:
    """Whether the process lives; one of another machine is believed to, since nobody here can look."""
    elsewhere = record.get("host") not in (None, socket.gethostname())
    return elsewhere or find(record) is not None
