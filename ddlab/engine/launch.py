"""Start of a run: a detached process that outlives the page, the server and the shell it was started from.

Under SLURM it is a job of the cluster instead (:mod:`ddlab.engine.submission`).
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ddlab.engine.choosing import Place, place_here
from ddlab.engine.devices import num_workers
from ddlab.engine.meeting import Meeting
from ddlab.engine.submission import refuse_without_slurm, submit
from ddlab.experiment import PlacementSettings
from ddlab.home import data_home, home
from ddlab.problem import pose
from ddlab.runs import RunFolder
from ddlab.runs.locks import held, still_works
from ddlab.runs.machines import Machine, machines_of
from ddlab.runs.processes import find, is_elsewhere
from ddlab.strategies.stage import plan

HELD = 75  # exit code of a waiting process that found another one in its run's folder (EX_TEMPFAIL)
START_TIMEOUT = 30.0  # seconds that a loaded machine may need for a bare interpreter
LOOK = 0.02  # seconds between two looks whether it has begun
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
            if place := place_of(run):
                run.update_status(place=asdict(place))
        except ValueError as error:
            run.end("failed", str(error))
            raise
    if run.experiment.placement.engine == "slurm":
        submit(run, environment())
        return
    process = _detached("ddlab.engine.waiter", run, run.log_path())
    _wait_until_recorded(run, process)
    if os.name == "posix":
        process.wait()  # only the first of the two forked processes: no zombie stays with a server


def join(run: RunFolder) -> Machine:
    """Let this machine join a run of several machines that another one leads; returns what it tells of itself.

    Raises
    ------
    ValueError
        If the run is none of several machines, has ended or has all its machines, or this one has not the devices.
    RuntimeError
        If the process does not start; carries the end of its output.
    """
    run.check_writable()
    process = _detached("ddlab.engine.joiner", run, log := run.path / f"log-{socket.gethostname()}.txt")
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        gone = _is_gone(process)
        for machine in machines_of(run).values():
            if not is_elsewhere(machine) and (joined := find(machine)) and _began(process, joined.pid):
                return machine
        if gone or time.monotonic() > deadline:
            _kill(process)
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise (ValueError if process.returncode == HELD else RuntimeError)(words[0].removeprefix("ValueError: "))
        time.sleep(LOOK)


def _began(process: "subprocess.Popen[bytes]", pid: int) -> bool:
    """Whether a process is the one that we started, or what that one forked: both are of its session."""
    if os.name != "posix":
        return process.pid == pid
    with suppress(ProcessLookupError):
        return os.getsid(pid) == process.pid
    return False


def _detached(module: str, run: RunFolder, log: Path) -> "subprocess.Popen[bytes]":
    """Start a light process of a run, which leaves us by itself."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(run.path)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _wait_until_recorded(run: RunFolder, process: "subprocess.Popen[bytes]") -> None:
    looks, gone = int(START_TIMEOUT / LOOK), False  # counted, for a machine that sleeps or is stopped stops both of us
    while not run.processes():
        if process.poll() == HELD:
            raise ValueError(f"run {run.id}: {still_works(run.path)}")
        looks -= 1
        if gone or looks < 0:
            _kill(process)
            run.end("failed", "The process that waits for a free device did not start; see the log.")
            raise RuntimeError(f"run {run.id} did not start: {run.log()[-2000:]}")
        gone = _is_gone(process)  # one more check of what it may have written before its end
        time.sleep(LOOK)


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
    check_engine(run.experiment.placement)


def check_engine(placement: PlacementSettings) -> None:
    """Raise a ValueError if there is no SLURM here where it is asked for, or other machines would not find this one."""
    if placement.engine == "slurm":
        refuse_without_slurm()
    elif placement.machines > 1:
        Meeting.of(placement.model_dump()).check_is_here()


def place_of(run: RunFolder) -> Place | None:
    """Choose the devices and the number of workers of a run on this machine; None if its data cannot be looked at.

    A stage that has begun goes on on as many workers as it began with, where nobody asks for another number.

    Raises
    ------
    ValueError
        As :func:`ddlab.engine.choosing.choose`.
    """
    asked = {f"placement.{key}": value for key, value in run.placement().items()}
    try:
        problem = pose(run.experiment.with_settings(asked))
        stages = plan(problem)
    except (ValueError, OSError):  # its ranks will say so
        return None
    parts = ((stage.title, run.stage(stage.name, seed)) for seed in run.experiment.seeds for stage in stages)
    begun = ((title, folder.workers) for title, folder in parts if not folder.done and folder.checkpoints())
    return place_here(problem, next((found for found in begun if found[1]), None))


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
