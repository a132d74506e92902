"""Jobs as SLURM knows them: by squeue, and where the cluster keeps accounts, by sacct.

squeue forgets a job some minutes after its end (MinJobAge); then only accounts know it.
"""

import threading
import time
from dataclasses import dataclass

from ddlab.slurm.commands import Refused, call

FRESH = 1.0  # seconds that an answer serves: a list of runs asks once for all its jobs
FRESH_SILENCE, FRESH_ACCOUNT = 15.0, 30.0  # seconds, if there was no answer; and of what accounts say
FORMAT = "%i|%T|%N|%S|%r"
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
WORKING = ("RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED", "RESIZING")
REASONS = {  # of squeue's man page; those of limits begin with QOS or Assoc
    "Resources": "waits until machines are free",
    "Priority": "waits behind jobs of higher priority",
    "BeginTime": "was put back into the queue, and begins again in a moment",
    "Cleaning": "was put back into the queue, and begins again in a moment",
    "Dependency": "waits for another job",
    "Licenses": "waits for a licence",
    "Reservation": "waits for its reservation",
    "JobHeldUser": "is held; 'scontrol release' lets it go",
    "JobHeldAdmin": "is held by the cluster's administrators",
    "NodeDown": "waits for a machine that is down",
    "ReqNodeNotAvail": "waits for machines that are not available now",
    "PartitionConfig": "asks for more than its partition has, and will never begin",
    "PartitionNodeLimit": "asks for more machines than its partition allows, and will never begin",
    "PartitionTimeLimit": "asks for more time than its partition allows, and will never begin",
    "PartitionDown": "waits for its partition, which is closed",
    "PartitionInactive": "waits for its partition, which is closed",
    "BadConstraints": "asks for machines that the cluster does not have, and will never begin",
}


@dataclass(frozen=True)
class Job:
    """A job as SLURM knows it.

    Parameters
    ----------
    state
        SLURM's word: ``PENDING``, ``RUNNING``, ``TIMEOUT``; ``UNKNOWN`` of a job that it has forgotten.
    nodes
        The machines that it has, such as ``n[1-2]``.
    start
        When it began or may begin, as SLURM writes it.
    reason
        Why it waits or ended, SLURM's word.
    """

    id: str
    state: str
    nodes: str = ""
    start: str = ""
    reason: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is in the queue."""
        return self.state in WAITING

    @property
    def works(self) -> bool:
        """Whether it has its machines."""
        return self.state in WORKING

    @property
    def why(self) -> str:
        """Say in words why it waits."""
        word = self.reason.partition(",")[0].strip("()")
        if word.startswith(("QOS", "Assoc", "MaxCpu", "MaxGRES", "MaxNode", "MaxMem")):
            told = f"waits, because a limit of your account is reached ({word})"
        else:
            told = REASONS.get(word, f"waits ({word})" if word not in ("", "None") else "waits for its turn")
        begins = f"; SLURM expects it to begin at {self.start.replace('T', ' ')}" if self.start[:1].isdigit() else ""
        return f"job {self.id} of SLURM {told}{begins if self.waits and word != 'BeginTime' else ''}"


class _Answers:
    """The last answers of SLURM, shared by all who ask in this process; a failure to answer is one, too."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = float("-inf")
        self.queue: dict[str, Job] | None = None
        self.accounts: dict[str, tuple[float, Job]] = {}

    def job(self, id: str) -> Job | None:
        with self.lock:
            if time.monotonic() - self.asked > (FRESH_SILENCE if self.queue is None else FRESH):
                self.queue = _queue()
                self.asked = time.monotonic()
            if self.queue is None:
                return None
            return self.queue.get(id) or self._account(id)

    def _account(self, id: str) -> Job:
        asked, job = self.accounts.get(id, (float("-inf"), Job(id, "UNKNOWN")))
        if time.monotonic() - asked > FRESH_ACCOUNT:
            job = _account(id)
            self.accounts[id] = time.monotonic(), job
        return job

    def forget(self) -> None:
        with self.lock:
            self.asked = float("-inf")
            self.accounts.clear()


_answers = _Answers()


def job_of(id: str, *, now: bool = False) -> Job | None:
    """The job of that id; None where SLURM does not answer, or is not on this machine.

    Parameters
    ----------
    now
        Whether to ask anew, because something was done to it.
    """
    if now:
        _answers.forget()
    return _answers.job(id)


def _queue() -> dict[str, Job] | None:
    try:
        told = call("squeue", "--me", "--noheader", "--states=all", f"--format={FORMAT}")
    except Refused:
        return None
    jobs = [Job(*line.split("|", 4)) for line in told.splitlines() if line.count("|") >= 4]
    return {job.id: job for job in jobs}


def _account(id: str) -> Job:
    """Look a job up in the accounts; unknown where the cluster keeps none."""
    try:
        told = call(
            "sacct", "-X", "--noheader", "--parsable2", "--format=JobIDRaw,State,NodeList,Start,Reason", "-j", id
        )
    except Refused:
        return Job(id, "UNKNOWN")
    lines = [line.split("|", 4) for line in told.splitlines() if line.count("|") >= 4]
    if not lines:
        return Job(id, "UNKNOWN")
    _, state, nodes, start, reason = lines[-1]
    return Job(id, state.split()[0] if state else "UNKNOWN", nodes, start, reason)  # "CANCELLED by 1000"
