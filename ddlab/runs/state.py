"""The state of a run, derived from its folder and the operating system, never from a server's memory."""

import time
from dataclasses import dataclass

from ddlab.runs.elsewhere import judge_job, last_sign
from ddlab.runs.machines import judge_machines
from ddlab.runs.processes import is_alive
from ddlab.runs.reader import RunReader
from ddlab.runs.records import Status

STATES = ("queued", "running", "finished", "failed", "cancelled", "lost")
TERMINAL = ("finished", "failed", "cancelled")
LIVE = ("queued", "running")
LOST = (
    "The process ended without a word: it was killed (for lack of memory, perhaps), or the machine went down. "
    "Resume goes on from the last checkpoint."
)


@dataclass(frozen=True)
class RunState:
    """The state of a run.

    Parameters
    ----------
    state
        One of ``STATES``.
    message
        A sentence for people; empty where there is nothing to say.
    started, ended
        Seconds since the epoch, of the last launch; None if it did not yet.
    devices
        Names of the device slots it holds or held.
    workers
        Number of ranks; 0 before it started.
    restarts
        A sentence for every time that the last launch lost a rank and went on by itself.
    """

    state: str
    message: str = ""
    started: float | None = None
    ended: float | None = None
    devices: tuple[str, ...] = ()
    workers: int = 0
    restarts: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether a process waits or works for it."""
        return self.state in LIVE

    @property
    def can_resume(self) -> bool:
        """Whether it ended before it was finished."""
        return self.state in ("failed", "cancelled", "lost")

    @property
    def restarted(self) -> str:
        """A sentence on how often it was restarted and why at last; empty if it was not."""
        if not self.restarts:
            return ""
        if len(self.restarts) == 1:
            return f"Restarted once from its last checkpoints: {self.restarts[0]}"
        return f"Restarted {len(self.restarts)} times from its last checkpoints; the last time: {self.restarts[-1]}"

    @property
    def seconds(self) -> float | None:
        """Wall time of the last launch, until now if it still runs."""
        if self.started is None:
            return None
        until = self.ended if self.ended is not None else time.time()
        return max(0.0, until - self.started)


def derive(run: RunReader, status: Status | None = None) -> RunState:
    """The state of a run.

    The status is read again after its processes are found dead, since they may have ended well in between.

    Parameters
    ----------
    status
        What ``run.status()`` gave just now, if it is known already.
    """
    status = run.status() if status is None else status
    if (damage := run.damage()) and not _lives(run, status):
        return _from_status(status, "failed", damage, status.get("ended"))
    for _ in range(2):
        if status.get("state") in TERMINAL:
            return _from_status(status, status.get("state", ""), status.get("message", ""), status.get("ended"))
        word, message = _judge(run, status)
        if word in LIVE:
            return _from_status(status, word, message, None)
        status = run.status()
    ended = run.progress().get("time") or status.get("time")
    if failure := run.failure():
        return _from_status(status, "failed", failure["sentence"], ended)
    if run.cancel_requested:
        return _from_status(status, "cancelled", "Cancelled.", ended)
    return _from_status(status, word, message, ended)


def has_diverged(run: RunReader) -> bool:
    """Whether it ended because a loss became NaN or infinite; trained again, it would end so again."""
    failure = run.failure()
    return failure is not None and failure.get("error") == "Diverged" and derive(run).state == "failed"


def _lives(run: RunReader, status: Status) -> bool:
    return _judge(run, status)[0] in LIVE


def _judge(run: RunReader, status: Status) -> tuple[str, str]:
    """The state of a run that wrote no end, and a sentence on it: by SLURM, or by the processes of this machine.

    Processes of another machine are no process of this one, whatever their numbers: they are believed as long as they
    give a sign of life.
    """
    if job := status.get("job"):
        return judge_job(run, status, job)
    if gathering := status.get("gathering"):
        word, told = judge_machines(run, status, gathering)
        return word, told or (LOST if word == "lost" else "")
    # Before the run has a process of its own, it lives with the one that launches it.
    if not any(map(is_alive, run.processes(status) or [status.get("launcher") or {}])):
        return "lost", LOST
    told, is_silent = last_sign(run, status)
    return ("lost", told) if is_silent else (status.get("state", ""), told or status.get("message") or "")


def _from_status(status: Status, state: str, message: str | None, ended: float | None) -> RunState:
    devices = tuple(status.get("devices") or ())
    restarts = tuple(restart["sentence"] for restart in status.get("restarts") or ())
    return RunState(state, message or "", status.get("started"), ended, devices, status.get("workers") or 0, restarts)
