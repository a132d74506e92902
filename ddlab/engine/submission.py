"""Sending a run to SLURM, and stopping it there."""

import time
from collections.abc import Mapping

from ddlab.engine.batch_script import batch_script
from ddlab.runs import RunFolder
from ddlab.runs.records import Job
from ddlab.slurm.commands import Refused, available, partitions, send, signal, stop
from ddlab.slurm.jobs import job_of

GRACE = 2.0  # seconds from SIGTERM to SIGKILL of a job that is cancelled: it leaves no process within 5 s
LAST_WORD = 1.0  # seconds until SLURM has noticed
POLL = 0.1
# What sbatch's messages are about, by a part of them in small letters; the first that fits.
ABOUT = (
    ("partition name", "slurm.partition"),
    ("invalid partition", "slurm.partition"),
    ("invalid account", "slurm.account"),
    ("user's group not permitted", "slurm.partition"),
    ("time limit", "slurm.time"),
    ("--time", "slurm.time"),
    ("gres", "placement.devices"),
    ("generic resource", "placement.devices"),
    ("node count", "placement.machines"),
    ("more processors", "slurm.cores"),
    ("memory", "slurm.directives"),
    ("option", "slurm.directives"),
    ("qos", "slurm.directives"),
    ("feature", "slurm.directives"),
    ("node configuration", "placement"),
)


def refuse_without_slurm() -> None:
    """Raise a ValueError where no job can be sent from this machine."""
    if not available():
        raise ValueError(
            "placement.engine: 'slurm' needs SLURM's programs, and this machine has no sbatch; choices here: local"
        )


def submit(run: RunFolder, environment: Mapping[str, str]) -> None:
    """Send a run to SLURM: the batch script of its folder, or the one that its experiment comes to.

    Raises
    ------
    ValueError
        If SLURM does not take it; names the setting that its message is about.
    """
    if not run.batch_script.exists():
        run.write_batch_script(batch_script(run.experiment))
    try:
        id = send(run.batch_script, run.path, [str(run.path)], environment)
    except Refused as error:
        sentence = in_words(str(error), run.experiment.slurm.partition)
        run.end("failed", sentence)
        raise ValueError(sentence) from None
    run.update_status(job=Job(id=id))
    job_of(id, now=True)


def in_words(message: str, partition: str = "") -> str:
    """Name the setting that a message of sbatch is about, and the choices where the cluster tells them."""
    message = message.removesuffix(".")
    field = next((field for part, field in ABOUT if part in message.lower()), "placement.engine")
    known = partitions() if field == "slurm.partition" else []
    choices = f"; choices: {', '.join(known)}" if known else ""
    asked = f"{partition!r}: " if field == "slurm.partition" and partition else ""
    return f"{field}: {asked}SLURM does not take the job ({message}){choices}"


def stop_job(id: str) -> None:
    """Stop a job: its ranks first, so that they can end as they should, then whatever is left.

    Raises
    ------
    ValueError
        If SLURM cannot be asked from here.
    """
    job = job_of(id, now=True)
    if job is None:
        raise ValueError(f"job {id}: SLURM does not answer on this machine; stop it where it does ('scancel {id}')")
    try:
        if job.works:
            signal(id, "TERM")
            if not _gone(id, GRACE):
                signal(id, "KILL", "--full")
        if not _gone(id, LAST_WORD if job.works else 0.0):
            stop(id)
            _gone(id, LAST_WORD)
    except Refused:  # it ended just now
        if not _gone(id, LAST_WORD):
            raise


def _gone(id: str, seconds: float) -> bool:
    """Wait until a job is neither in the queue nor at work."""
    deadline = time.monotonic() + seconds
    while True:
        job = job_of(id, now=True)
        if job is not None and not job.waits and not job.works:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL)
