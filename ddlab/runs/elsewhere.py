"""Runs of other machines: what a job of SLURM shows, and the signs of life that a machine leaves in the folder."""

import time

from ddlab.runs.processes import is_alive, is_elsewhere
from ddlab.runs.reader import RunReader
from ddlab.runs.records import Job, Status
from ddlab.slurm import Job as SlurmJob
from ddlab.slurm import job_of

EVERY = 10.0  # seconds between two signs of life
# Without a sign for so long a machine is taken for gone: a file system of several machines may show a change a minute
# late, and clocks differ.
SILENT = 300.0
RESUME = "Resume goes on from the last checkpoint."
ENDS = {  # of a job that ended before the run did: the run's state, and why
    "TIMEOUT": ("lost", f"SLURM ended it at its limit of time. {RESUME}"),
    "PREEMPTED": ("lost", f"SLURM gave its machines to others. {RESUME}"),
    "CANCELLED": ("cancelled", f"It was cancelled there. {RESUME}"),
    "OUT_OF_MEMORY": (
        "failed",
        "It needed more memory than it was given: ask for more (slurm.directives: --mem=16G), or take smaller batches.",
    ),
    "NODE_FAIL": ("lost", f"A machine of the cluster failed. {RESUME}"),
    "BOOT_FAIL": ("lost", f"A machine of the cluster did not start. {RESUME}"),
    "DEADLINE": ("failed", "It could not end before its deadline."),
    "FAILED": ("failed", "Its batch script failed; the log of the launcher has its last words."),
}
FORGOTTEN = f"Its job ended without a word, and SLURM knows no more of it. {RESUME}"


def judge_job(run: RunReader, status: Status, job: Job) -> tuple[str, str]:
    """The state of a run that is a job of SLURM and wrote no end, and a sentence on it."""
    known = job_of(job["id"])
    if known is None:  # nobody here to ask
        told = f"Job {job['id']} of a SLURM that this machine cannot ask."
        return status.get("state", ""), " ".join(filter(None, (told, sign_of_life(run))))
    if known.waits:
        return "queued", _sentence(known.why)
    if known.works:
        return "running", _works(known, job)
    state, told = ENDS.get(known.state, ("lost", FORGOTTEN))
    return state, f"Job {known.id} of SLURM is over ({known.state}). {told}"


def last_sign(run: RunReader, status: Status) -> tuple[str, bool]:
    """Say of a run whose processes are all of another machine where it works, and whether that has fallen silent.

    Nothing is said of one of this machine.
    """
    if not all(map(is_elsewhere, filter(is_alive, run.processes(status)))) or not run.processes(status):
        return "", False
    heartbeat = run.heartbeat()
    if heartbeat and time.time() - heartbeat["time"] > SILENT:
        minutes = (time.time() - heartbeat["time"]) / 60
        told = f"{heartbeat['host']}, which worked on it, has given no sign of life for {minutes:.0f} minutes."
        return f"{told} {RESUME}", True
    return sign_of_life(run), False


def sign_of_life(run: RunReader) -> str:
    """The sentence on who works on the run and said so when; empty before the first sign."""
    heartbeat = run.heartbeat()
    if not heartbeat:
        return ""
    seconds = max(0.0, time.time() - heartbeat["time"])
    return f"Worked on by {heartbeat['host']}; last sign of life {seconds:.0f} s ago."


def _works(known: SlurmJob, job: Job) -> str:
    again = f", start {job['starts']}" if job.get("starts", 1) > 1 else ""
    state = "" if known.state == "RUNNING" else f" ({known.state})"
    return f"Job {known.id} of SLURM{state}, on {known.nodes or 'no machine yet'}{again}."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
