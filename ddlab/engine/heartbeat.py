"""Heartbeats: every rank writes that it lives, and the supervisor of a run names the one that no longer does.

Ranks may wait for hours for another one's stage, so no time-out of a collective can tell a rank that hangs from one
that works. A rank that was stopped, whose machine froze or went out of reach, writes nothing any more, whatever the
others do. One that hangs in a call still writes, by its thread, and says that it does not move: where none of all ranks
moves, none ever will. Standard library alone: the supervisor imports this module.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ddlab.engine.movement import Movement, collective, place
from ddlab.engine.standstill import Silence, standstill

PERIOD = 2.0  # seconds between two heartbeats, or less where the time-out is short
A_TIMEOUT = 8  # heartbeats within a time-out, at least
FILE = "heartbeat-{rank}.json"
TOLD = ("stage", "epoch", "epochs", "seconds")  # of the last record
SIZE = "WORLD_SIZE"  # environment variable that torchrun sets: how many ranks there are


class Heartbeat:
    """A thread that writes, as long as it is entered and this process is given time, that its rank lives.

    Parameters
    ----------
    folder
        Of the run.
    timeout
        Seconds that may pass without a heartbeat; 0: none is needed.
    last_record
        What the rank reported last; read at every beat.

    Attributes
    ----------
    tell
        Called at every beat, for what else it says.
    """

    def __init__(self, folder: Path, rank: int, timeout: float, last_record: Mapping[str, object]) -> None:
        self.path, self.last_record = folder / FILE.format(rank=rank), last_record
        self.period = min(PERIOD, timeout / A_TIMEOUT) if timeout else PERIOD
        self.steps = 0
        self.tell: Callable[[], Mapping[str, object]] = dict
        self._stage: dict[str, object] = {}
        self._movement = Movement(timeout)
        self._ended = threading.Event()
        self._process = {"pid": os.getpid(), "host": socket.gethostname(), "ranks": int(os.environ.get(SIZE) or 1)}
        self._main = threading.main_thread().ident
        self._waited: tuple[int, float] | None = None  # at which step it waits, and since when

    def __enter__(self) -> Self:
        threading.Thread(target=self._beat_on, name="heartbeat", daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()

    def begin(self, stage: str, seed: int) -> None:
        """Note that the rank begins a stage: from here all ranks of a collective one count the same steps."""
        self._stage, self.steps = {"begun": stage, "seed": seed}, 0

    def step(self) -> None:
        """Note that the rank moves on; called once a training step."""
        self.steps += 1

    def beat(self) -> None:
        """Write the file: the time, since when the rank waits for others and stands still, and where it is."""
        now, frame = time.time(), sys._current_frames().get(self._main or 0)
        if not (waits := collective(frame)):
            self._waited = None
        elif self._waited is None or self._waited[0] != self.steps:
            self._waited = self.steps, now
        where = {key: self.last_record[key] for key in TOLD if key in self.last_record}
        told = {
            "time": now,
            **self._process,
            "waits_since": self._waited and self._waited[1],
            "still": self._movement.look(self.steps, frame),
            "waits_in": waits,
            "place": place(frame),
            "steps": self.steps,
            **self.tell(),
            **self._stage,
            **where,
        }
        temporary = self.path.with_name(f".writing-{os.getpid()}-{self.path.name}")
        temporary.write_text(json.dumps(told), encoding="utf-8")
        os.replace(temporary, self.path)

    def _beat_on(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):  # a full disk or a deleted folder: the training says so itself
                self.beat()
            self._ended.wait(self.period)


class Watch:
    """A watch over the heartbeats of one training program, from its start.

    What counts is when the watcher saw a rank's file change, by a clock that stands still while the machine sleeps; a
    rank that has not written yet is not missed.

    Parameters
    ----------
    folder
        Of the run; heartbeats of an earlier program are deleted.
    timeout
        Seconds; 0: nobody is missed.
    """

    def __init__(self, folder: Path, timeout: float) -> None:
        self.folder, self.timeout = folder, timeout
        self._seen: dict[int, tuple[float, float]] = {}  # of every rank: the beat's own time, and when it was seen
        self._looked = time.monotonic()
        for path in folder.glob(FILE.format(rank="*")):
            path.unlink(missing_ok=True)

    def look(self) -> Silence | None:
        """Read all heartbeats; who is missed, if anybody is."""
        now, beats = time.monotonic(), read_all(self.folder)
        asleep = now - self._looked > self.timeout / 2  # this process was stopped, and maybe the ranks with it
        self._looked = now
        for rank, beat in beats.items():
            if asleep or rank not in self._seen or self._seen[rank][0] != beat["time"]:
                self._seen[rank] = beat["time"], now
        if not self.timeout or asleep:
            return None
        # Whoever started a rank that has ended notices that, and knows more; he may need a while.
        limits = {rank: self.timeout * (2 if _has_ended(beat) else 1) for rank, beat in beats.items()}
        silent = {rank: now - self._seen[rank][1] for rank in beats if now - self._seen[rank][1] > limits[rank]}
        if silent:
            rank = max(silent, key=lambda rank: silent[rank])
            return Silence(rank, silent[rank])
        return standstill(beats, self.timeout)


def _has_ended(beat: Mapping[str, Any]) -> bool:
    """Whether the process of a rank of this machine is gone, or only waits for its parent to read its end."""
    if beat.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(beat["pid"]), 0)
        stat = Path("/proc", str(beat["pid"]), "stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except (OSError, LookupError, ValueError):
        return False


def read_all(folder: Path) -> dict[int, dict[str, Any]]:
    """The last heartbeat of every rank that has written one."""
    found = {}
    for path in folder.glob(FILE.format(rank="*")):
        try:
            beat = json.loads(path.read_text(encoding="utf-8"))
            found[int(path.stem.rpartition("-")[2])] = {**beat, "time": float(beat["time"])}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # deleted just now, or none of ours
    return found
