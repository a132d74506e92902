"""The timesheet of a rank: how long each stage took, and how much of that the rank computed rather than waited.

A processor says by itself how long a process computed, and Linux how long it could have computed while other programs
had its core, so nothing is added to a step: what else passes is waiting for other ranks, or for data. A GPU would have
to be waited for to tell; there, the heartbeat's thread looks every time whether the rank is in a collective operation.
"""

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

from ddlab.engine.movement import collective
from ddlab.runs import RunFolder
from ddlab.runs.rank_records import Times


class Timesheet:
    """A clock of the stages of one rank; a line of it is written when a stage ends.

    Parameters
    ----------
    device
        Where the rank computes, as torch names it.
    """

    def __init__(self, run: RunFolder, rank: int, device: str) -> None:
        self.run, self.rank, self.on_processor = run, rank, device == "cpu"
        self._stage: tuple[str, int] | None = None
        self._began = self._computed = self._waited = self._looked = self._without_core = 0.0
        self._main = threading.main_thread().ident or 0

    def begin(self, stage: str, seed: int) -> None:
        """Begin a stage, and end the one before."""
        self.end()
        self._stage = stage, seed
        self._began = self._looked = time.monotonic()
        self._computed, self._waited, self._without_core = time.process_time(), 0.0, _without_core()

    def end(self) -> None:
        """End the stage, if one has begun, and write its line."""
        if told := self.now():
            self._stage = None
            with suppress(OSError):  # a full disk or a deleted folder: the training says so itself
                self.run.append_times(self.rank, told)

    def now(self) -> Times | None:
        """The stage so far; None before the first one. Called with every heartbeat, from its thread."""
        if self._stage is None:
            return None
        stage, seed = self._stage
        now = time.monotonic()
        if collective(sys._current_frames().get(self._main)):
            self._waited += now - self._looked
        self._looked, seconds = now, now - self._began
        computing = time.process_time() - self._computed if self.on_processor else seconds - self._waited
        computing = min(seconds, max(0.0, computing))
        without_core = min(seconds - computing, _without_core() - self._without_core) if self.on_processor else 0.0
        spent = {"seconds": seconds, "computing": computing, "without_core": without_core}
        return cast(Times, {"time": time.time(), "rank": self.rank, "stage": stage, "seed": seed, **spent})


def _without_core() -> float:
    """Seconds so far in which the main thread could compute and other programs had its core; 0 where nobody tells."""
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
