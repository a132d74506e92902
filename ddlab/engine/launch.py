"""Start of a run: a detached process that outlives the page, the server and the shell it was started from.

Under SLURM it is a job of the cluster instead (:mod:`ddlab.engine.submission`).
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ddlab.engine.devices import num_workers
from ddlab.engine.submission import refuse_without_slurm, submit
from ddlab.home import data_home, home
from ddlab.runs import RunFolder
from ddlab.runs.locks import held, still_works

HELD = 75  # exit code of a waiting process that found another one in its run's folder (EX_TEMPFAIL)
START_TIMEOUT = 30.0  # seconds that a loaded machine may need for a bare interpreter
# What a surrounding torchrun or job sets for its own ranks; a new run must not take it for its own.
FOREIGN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")


def launch(run: RunFolder) -> None:
    """Put the run in the queue of its engine: this machine's, where a light process waits for its slots, or SLURM's.

    Returns as soon as that process or job is recorded in the run's status.

    Raises
    ------
    ValueError
        If the experiment asks for devices that this machine does not have or for what SLURM does not give, a program
        works for the run already, or the run is the shipped example.
    RuntimeError
        If the process does not start; carries the end of its output.
    """
    if run.read_only:
        raise ValueError(f"run {run.id}: is the example that comes with ddlab; train your own copy of its experiment")
    with held(run.path):  # no process works there: its state is ours to write
        try:
            check_placement(run)
        except ValueError as error:
            run.end("failed", str(error))
            raise
    if run.experiment.placement.engine == "slurm":
        submit(run, environment())
        return
    with run.log_path().open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ddlab.engine.waiter", str(run.path)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _wait_until_recorded(run, process)
    if os.name == "posix":
        process.wait()  # only the first of the two forked processes: no zombie stays with a server


def _wait_until_recorded(run: RunFolder, process: "subprocess.Popen[bytes]") -> None:
    deadline, gone = time.monotonic() + START_TIMEOUT, False
    while not run.processes():
        if process.poll() == HELD:
            raise ValueError(f"run {run.id}: {still_works(run.path)}")
        if gone or time.monotonic() > deadline:
            _kill(process)
            run.end("failed", "The process that waits for a free device did not start; see the log.")
            raise RuntimeError(f"run {run.id} did not start: {run.log()[-2000:]}")
        gone = _is_gone(process)  # one more check of what it may have written before its end
        time.sleep(0.02)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the started process, and the one that it forked and that did not report its identity."""
    if os.name != "posix":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # a session, and so a group, of its own


def _is_gone(process: "subprocess.Popen[bytes]") -> bool:
    """Whether neither what was started lives nor, once that has ended as it should, what it forked."""
    if process.poll() != 0 or os.name != "posix":
        return process.poll() is not None
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def check_placement(run: RunFolder) -> None:
    """Look whether a run can be launched from this machine.

    Raises
    ------
    ValueError
        If its experiment cannot be read or asks for devices that this machine does not have.
    """
    num_workers({**run.experiment.placement.model_dump(), **run.placement()})
    if run.experiment.placement.engine == "slurm":
        refuse_without_slurm()


def environment() -> dict[str, str]:
    """Variables of a run's processes: same home and data whatever their folder, same ddlab, no foreign rank."""
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    root = str(Path(__file__).parents[2])
    return {
        **kept,
        "DDLAB_HOME": str(home()),
        "DDLAB_DATA": str(data_home()),
        "PYTHONPATH": os.pathsep.join(filter(None, [root, kept.get("PYTHONPATH", "")])),
        "PYTHONSAFEPATH": "1",  # a random.py in the user's folder must not stand in for the library's
        "PYTHONUNBUFFERED": "1",
    }
