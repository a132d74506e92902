"""``python -m ddlab.engine.job begin|end RUN``: the first and the last line of a batch script, on its first machine.

A job begins several times: after its limit of time, or when others needed its machines. Each start goes on from the
run's checkpoints. A job that keeps starting and adds nothing ends.
"""

import os
import sys
import time

from ddlab.engine.aftermath import goes_on
from ddlab.engine.devices import num_workers
from ddlab.engine.environment import describe_environment
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.records import Job
from ddlab.slurm.commands import Refused, hosts, requeue
from ddlab.slurm.jobs import job_of

RECORDED = 30.0  # seconds that the sender may need to write the job's id into the run's folder
FRUITLESS = 3  # starts in a row that add neither an epoch nor a checkpoint


def main() -> None:
    """Begin or end; the exit code says whether the script may go on."""
    what, run = sys.argv[1], RunFolder(sys.argv[2])
    sys.exit(begin(run) if what == "begin" else end(run))


def begin(run: RunFolder) -> str | None:
    """Note that the job has its machines; returns why the run must not be trained, if so."""
    mine = os.environ["SLURM_JOB_ID"]
    job = _recorded(run)
    if not job or job["id"] != mine:
        return f"run {run.id} is not job {mine}: it was sent again, or never"
    if run.cancel_requested or run.status().get("state") in TERMINAL:
        return f"run {run.id} is {run.state().state}: there is nothing to train"
    stamp = run.work_stamp()
    fruitless = job["fruitless"] + 1 if job.get("stamp") == stamp and "fruitless" in job else 0
    nodes = hosts(os.environ.get("SLURM_JOB_NODELIST", ""))
    run.update_status(
        state="running",
        started=time.time(),
        devices=nodes,
        workers=num_workers(run.experiment.placement.model_dump())[1],
        ranks=[],
        job=Job(id=mine, starts=job.get("starts", 0) + 1, fruitless=fruitless, stamp=stamp),
    )
    run.write_environment(describe_environment(run.command))
    print(f"job {mine} begins on {', '.join(nodes)}", flush=True)  # noqa: T201  # the script's output is the run's log
    return None


def end(run: RunFolder) -> str | None:
    """Ask SLURM to put the job back into the queue if the run has not come to its end; returns what went wrong."""
    status = run.status()
    job = status.get("job")
    if status.get("state") in TERMINAL or run.cancel_requested or not job:
        return None
    if run.failure() and not goes_on(run.path, 1, None, run.experiment.placement.restarts):
        return None  # a failure that comes again, or has come too often
    if job["id"] != os.environ["SLURM_JOB_ID"] or not _is_still_ours(job["id"]):
        return None
    if job.get("fruitless", 0) + (run.work_stamp() == job.get("stamp")) >= FRUITLESS:
        run.end(
            "failed",
            f"SLURM began it {FRUITLESS} times in a row without one epoch or checkpoint being done; see the logs. The "
            "limit of time (slurm.time) must leave room for one.",
        )
        return None
    try:
        requeue(job["id"])
    except Refused as error:
        return f"SLURM does not put the job back into the queue: {error}"
    return None


def _is_still_ours(id: str) -> bool:
    """Whether the job works; one that was cancelled by other means must not come back."""
    job = job_of(id, now=True)
    return job is not None and job.state == "RUNNING"


def _recorded(run: RunFolder) -> Job | None:
    """Wait for the id that the sender writes as soon as SLURM has told it."""
    deadline = time.monotonic() + RECORDED
    while not (job := run.status().get("job")) and time.monotonic() < deadline:
        time.sleep(0.1)
    return job


if __name__ == "__main__":
    main()
