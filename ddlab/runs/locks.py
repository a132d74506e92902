"""Locks of a run: what only one may do at a time.

They lie beside the run's folder, in ``.locks``, so that waiting for one never recreates a deleted folder.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

PATIENCE = 60.0  # seconds; nothing that is done under a lock takes as long
TRAINER = "trainer"  # the purpose of who trains in a run's folder
POLL = 0.05  # seconds between two tries


class Gone(ValueError):
    """The run's folder no longer exists."""


@contextmanager
def locked(run: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of a run for a purpose, such as ``"status"``: the run is not deleted meanwhile.

    Raises
    ------
    Gone
        If the run was deleted, also while this waited.
    ValueError
        If another process has held it for ``PATIENCE`` seconds.
    """
    try:
        with FileLock(_file(run, purpose), timeout=PATIENCE):
            if not run.is_dir():
                raise Gone(f"run {run.name}: is gone; it was deleted meanwhile")
            yield
    except Timeout:
        raise ValueError(f"run {run.name}: another process is changing it; try again in a moment") from None


def hold(run: Path, patience: float = 0.0, purpose: str = TRAINER) -> int:
    """Hold a run's folder for those who work in it: there is never more than one training program.

    The lock lives as long as a process that has the descriptor open, and goes with it when that becomes another program
    (``os.set_inheritable``). Nothing has to be announced or cleaned up when the process is killed.

    Parameters
    ----------
    patience
        Seconds to wait for one that is on its way out.
    purpose
        What only one may hold: the folder, or the place of one of several machines.

    Returns
    -------
    int
        The descriptor; closing it ends the hold.

    Raises
    ------
    Gone
        If the run was deleted.
    ValueError
        If a program works in the folder.
    """
    path = _file(run, purpose)
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + patience
        while not lock_descriptor(descriptor, blocking=False):
            if time.monotonic() > deadline:
                raise ValueError(f"run {run.name}: {still_works(run)}")
            time.sleep(POLL)
        if not run.is_dir():
            raise Gone(f"run {run.name}: is gone; it was deleted meanwhile")
        mark(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def mark(descriptor: int) -> None:
    """Note this process as the one that holds: after a fork, the child's."""
    os.truncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, f"{os.getpid()} {socket.gethostname()}".encode())


def still_works(run: Path) -> str:
    """The sentence on a run that a program holds, with the program's pid, where that can be read."""
    try:
        pid, _, host = _file(run, TRAINER).read_text(encoding="utf-8").partition(" ")
        where = f"{int(pid)} of {host}" if host not in ("", socket.gethostname()) else f"{int(pid)}"
    except (OSError, ValueError):
        return "a program still works in its folder; cancel it, or wait for its end"
    return f"a program still works in its folder (process {where}); cancel it, or wait for its end"


@contextmanager
def held(run: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold a run's folder for a while, so that no training program begins in it; raises as :func:`hold`."""
    descriptor = hold(run, patience)
    try:
        yield
    finally:
        os.close(descriptor)


def _file(run: Path, purpose: str) -> Path:
    return run.parent / ".locks" / f"{run.name}.{purpose}"
