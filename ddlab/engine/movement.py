"""Whether a process moves, and where its main thread stands: what a rank tells of itself while it cannot be asked.

A deadlock, a message that never comes and a call that sleeps use no processor and read nothing, however long one
looks; a computation, a file that is decoded and a training step do. A computation that never ends is not told from a
long one. Standard library alone: the supervisor imports :mod:`ddlab.engine.heartbeat`, and that this module.
"""

import os
import threading
import time
from pathlib import Path
from types import FrameType

LEAST = 0.002  # share of one processor that counts as work: a rank that others push aside still has more
FEWEST = 0.01  # seconds of a processor that count as work, where one looks for seconds alone
LOCKS = f"{os.sep}filelock{os.sep}"  # where a rank waits for another program, such as one that decodes the same images
COLLECTIVES = f"torch{os.sep}distributed{os.sep}"  # where a rank waits for other ranks
POLLING = ("gloo_tcp_loop", "pt_nccl_", "cuda-EvtHandlr")  # threads that look around, whatever there is to do
ENGINE = f"torch{os.sep}autograd{os.sep}"  # where data parallel ranks wait for each other's gradients, too
BACKWARD = "the backward pass of "
OURS = str(Path(__file__).parents[1]) + os.sep


class Movement:
    """Watches this process from a thread of its own; the thread's own work does not count.

    Parameters
    ----------
    timeout
        Seconds without movement that matter.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.enough = max(FEWEST, LEAST * timeout)
        self._seen: tuple[int, int] | None = None
        self._used = 0.0
        self._moved = self._looked = time.monotonic()

    def look(self, steps: int, frame: FrameType | None) -> float:
        """Seconds since this process last moved.

        Parameters
        ----------
        steps
            Training steps so far.
        frame
            Of the main thread.
        """
        now, used = time.monotonic(), _worked()
        was_stopped = now - self._looked > max(1.0, self.timeout / 2)
        seen = steps, _reads()
        if was_stopped or seen != self._seen or abs(used - self._used) >= self.enough or _is_in(frame, LOCKS):
            self._seen, self._used, self._moved = seen, used, now
        self._looked = now
        return now - self._moved


def collective(frame: FrameType | None) -> str:
    """Name the operation of torch in which a thread waits for other ranks; empty where it is in none."""
    if frame is None or COLLECTIVES not in frame.f_code.co_filename:
        return ""
    name = frame.f_code.co_name
    return "exchange of messages" if "p2p" in name or "isend" in name or "irecv" in name else name


def place(frame: FrameType | None) -> str:
    """Say where a thread is: the innermost function of ddlab, with file and line; and whether it goes backward."""
    backward = BACKWARD if frame is not None and ENGINE in frame.f_code.co_filename else ""
    while frame is not None and not frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    if frame is None:
        return ""
    file = frame.f_code.co_filename.removeprefix(OURS)
    return f"{backward}{frame.f_code.co_name} (ddlab/{file}, line {frame.f_lineno})"


def _is_in(frame: FrameType | None, folder: str) -> bool:
    while frame is not None:
        if folder in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _worked() -> float:
    """Seconds of a processor that the threads of this process have used, but for this one and those that poll."""
    nanoseconds, own = 0, threading.get_native_id()
    try:
        for task in Path("/proc/self/task").iterdir():
            if int(task.name) != own and not (task / "comm").read_text().startswith(POLLING):
                nanoseconds += int((task / "schedstat").read_text().split()[0])
    except (OSError, ValueError, LookupError):  # not Linux, or a thread ended just now: others work then, or all do
        return time.process_time() - time.thread_time()
    return nanoseconds / 1e9


def _reads() -> int:
    """Blocks and pages that this process had to wait for a disk for."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return 0
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_inblock + used.ru_majflt
