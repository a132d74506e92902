"""``python -m ddlab.engine.supervisor RUN RESTARTS TIMEOUT COMMAND...``: the process that stays with a run's training.

It starts the training program, watches its ranks, and starts it again from the last checkpoints where a rank was lost.
While all is well it holds the standard library alone, 10 MB; what a loss needs is imported after it. Every restart is a
fresh program with a fresh rendezvous: torchrun's own restarts hand the addresses of dead ranks to new ones.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from ddlab.engine.allowance import Allowance
from ddlab.engine.heartbeat import Watch
from ddlab.engine.orphans import LAUNCHER
from ddlab.engine.standstill import Silence

LOOK = 0.5  # seconds between two looks at the ranks' heartbeats
GRACE = 3.0  # seconds from being asked to stop to the end of all: who asks may not live to kill what does not listen
CANCEL = "cancel.json"
CANCELLED = "Cancelled; Resume goes on from the last checkpoint."
ASKS = [asks for asks in signal.Signals if asks.name in ("SIGTERM", "SIGINT", "SIGHUP")]  # not all are everywhere


Program = tuple[list[str], dict[str, str]]  # a command, and environment variables that it needs besides ours


class Part(Protocol):
    """The part of this machine in a run: all of it, or one of several machines'."""

    def gather(self, asked: Callable[[], bool]) -> Program | None:
        """The next training program, as soon as it can begin; None if there is to be none."""

    def look(self) -> Silence | None:
        """Tell why the program is to be ended; None as long as all is well."""

    def goes_on(self, code: int, silence: Silence | None, asked: Callable[[], bool]) -> bool:
        """Look at how the program ended, and say whether there may be another one."""


class Alone:
    """The part of the only machine.

    Parameters
    ----------
    run
        Folder of the run.
    restarts
        Times that the program is started again, at most.
    timeout
        Seconds without a rank's heartbeat after which the rank counts as lost; 0: never.
    command
        The training program.
    """

    def __init__(self, run: Path, restarts: int, timeout: float, command: list[str]) -> None:
        self.run, self.restarts, self.timeout, self.command = run, restarts, timeout, command
        self._watch: Watch | None = None

    def gather(self, asked: Callable[[], bool]) -> Program | None:
        """Begin at once."""
        self._watch = Watch(self.run, self.timeout)
        return self.command, {}

    def look(self) -> Silence | None:
        """Look who is missed."""
        assert self._watch is not None, "a program is on"
        return self._watch.look()

    def goes_on(self, code: int, silence: Silence | None, asked: Callable[[], bool]) -> bool:
        """Decide whether the program is started again."""
        if self._read("status.json").get("state") in ("finished", "failed", "cancelled"):
            return False  # most ends need no import
        if self._read(CANCEL).get("host", socket.gethostname()) != socket.gethostname():
            from ddlab.runs import RunFolder

            RunFolder(self.run).end("cancelled", CANCELLED)  # who asked waits for this, and can't see our processes
        if asked() or code == 0:
            return False
        from ddlab.engine.aftermath import goes_on

        return goes_on(self.run, code, silence, self.restarts) and not asked()

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.run / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


class Supervisor:
    """The supervision of one training program after the other.

    Parameters
    ----------
    run
        Folder of the run.
    part
        What this machine has to do with it.
    """

    def __init__(self, run: Path, part: Part) -> None:
        self.run, self.part = run, part
        self.asked: float | None = None  # since when; None: not yet
        self.is_over, self.allowance = False, Allowance(run)
        self.child: subprocess.Popen[bytes] | None = None
        for number in ASKS:
            signal.signal(number, self._stop)

    def supervise(self) -> int:
        """Train until the run has ended; return the exit code of the last program."""
        code = 0
        while program := self.part.gather(self._is_asked):
            silence = self._train(*program)
            assert self.child is not None and self.child.returncode is not None, "it has ended"
            code = self.child.returncode
            if self.is_over and self.asked is None:
                from ddlab.engine.aftermath import end_of_allowance

                end_of_allowance(self.run)
                break
            if not self.part.goes_on(code, silence, self._is_asked):
                break
        return code

    def _train(self, command: list[str], variables: dict[str, str]) -> Silence | None:
        """Start the program and wait for its end; why it was ended, if it was."""
        # Its open descriptors are kept: one of them holds the run's folder.
        environment = {**os.environ, **variables, LAUNCHER: str(os.getpid())}
        self.child = subprocess.Popen(command, env=environment, close_fds=False)
        if self.asked is not None:
            self.child.terminate()
        while not _ended(self.child, LOOK):
            if self.asked is None and (self.run / CANCEL).exists():  # by another machine, which reaches no process here
                self._stop(signal.SIGTERM, None)
            if self.asked is not None and time.monotonic() - self.asked > GRACE:
                kill_all(self.child)
            elif self.allowance.is_used_up():
                self.is_over = True
                kill_all(self.child)
                return None
            elif silence := self.part.look():
                kill_all(self.child)
                return silence
        return None

    def _is_asked(self) -> bool:
        return self.asked is not None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked = time.monotonic() if self.asked is None else self.asked
        if self.child is not None and self.child.returncode is None:
            self.child.terminate()


def kill_all(child: "subprocess.Popen[bytes]") -> None:
    """Kill a program and all processes that it started, stopped ones too, and wait for its end."""
    import psutil

    processes: list[psutil.Process] = []
    try:
        processes = psutil.Process(child.pid).children(recursive=True)
    except psutil.Error:
        pass  # it ended just now
    child.kill()
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue
    child.wait()
    psutil.wait_procs(processes, timeout=5)


def _ended(child: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait for the end of a process, at most so long; whether it has ended."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # not Linux, or not allowed
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    return child.poll() is not None


def main() -> None:
    """Supervise what the command line says."""
    run, restarts, timeout, *command = sys.argv[1:]
    part = Alone(Path(run), int(restarts), float(timeout), command)
    sys.exit(abs(Supervisor(Path(run), part).supervise()))


if __name__ == "__main__":
    main()
