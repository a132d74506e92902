"""``python -m ddlab.engine.supervisor RUN RESTARTS TIMEOUT COMMAND...``: the process that stays with a run's training.

It starts the training program, watches its ranks, and starts it again from the last checkpoints where a rank was lost.
While all is well it holds the standard library alone, 10 MB; what a loss needs is imported after it. Every restart is a
fresh program with a fresh rendezvous: torchrun's own restarts hand the addresses of dead ranks to new ones.
"""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from ddlab.engine.heartbeat import Silence, Watch
from ddlab.engine.orphans import LAUNCHER

LOOK = 0.5  # seconds between two looks at the ranks' heartbeats
ASKS = [asks for asks in signal.Signals if asks.name in ("SIGTERM", "SIGINT", "SIGHUP")]  # not all are everywhere


class Supervisor:
    """The supervision of one training program after the other.

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
        self.asked = False
        self.child: subprocess.Popen[bytes] | None = None
        for number in ASKS:
            signal.signal(number, self._stop)

    def supervise(self) -> int:
        """Train until the run has ended; return the exit code of the last program."""
        while True:
            silence = self._train()
            assert self.child is not None and self.child.returncode is not None, "it has ended"
            code = self.child.returncode
            if self.asked or code == 0 or self._has_ended():
                return code
            from ddlab.engine.aftermath import goes_on

            if not goes_on(self.run, code, silence, self.restarts) or self.asked:
                return code

    def _train(self) -> Silence | None:
        """Start the program and wait for its end; why it was ended, if it was."""
        watch = Watch(self.run, self.timeout)
        # Its open descriptors are kept: one of them holds the run's folder.
        self.child = subprocess.Popen(self.command, env={**os.environ, LAUNCHER: str(os.getpid())}, close_fds=False)
        if self.asked:
            self.child.terminate()
        while not _ended(self.child, LOOK):
            if silence := watch.look():
                kill_all(self.child)
                return silence
        return None

    def _has_ended(self) -> bool:
        """Whether a rank has written how the run ended; looked at here, so that most ends need no import."""
        try:
            status = json.loads((self.run / "status.json").read_text(encoding="utf-8"))
            return status["state"] in ("finished", "failed", "cancelled")
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
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
    sys.exit(abs(Supervisor(Path(run), int(restarts), float(timeout), command).supervise()))


if __name__ == "__main__":
    main()
