"""The programs of SLURM: sbatch, squeue, scancel, scontrol, sacct. Nothing here knows of runs."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ANSWER = 10.0  # seconds; a healthy controller needs some hundredths


class Refused(ValueError):
    """SLURM did not do what it was asked; the text is the message of its program."""


def available() -> bool:
    """Whether jobs can be sent from this machine."""
    return shutil.which("sbatch") is not None


def call(program: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return what a program of SLURM writes.

    Raises
    ------
    Refused
        If it is not there, fails, or does not answer within ``ANSWER`` seconds.
    """
    try:
        done = subprocess.run(
            [program, *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER,
        )
    except FileNotFoundError:
        raise Refused(f"{program} is not on this machine") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{program} does not answer ({type(error).__name__})") from None
    if done.returncode:
        lines = [line.removeprefix(f"{program}: ").removeprefix("error: ") for line in done.stderr.splitlines()]
        raise Refused("; ".join(filter(None, lines)) or f"{program} ended with {done.returncode}")
    return done.stdout


def send(script: Path, folder: Path, arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """Put a batch script into the queue.

    Parameters
    ----------
    folder
        The folder in which the script works, seen from every machine.
    arguments
        Handed to the script.
    env
        The script's environment.

    Returns
    -------
    str
        The job's id.

    Raises
    ------
    Refused
        As :func:`call`.
    """
    told = call("sbatch", "--parsable", "--export=ALL", f"--chdir={folder}", str(script), *arguments, env=env)
    return told.strip().splitlines()[-1].partition(";")[0]


def signal(job: str, name: str, *options: str) -> None:
    """Signal the processes of a job; without options those that srun started, not the script itself."""
    call("scancel", f"--signal={name}", *options, job)


def stop(job: str) -> None:
    """Take a job out of the queue, or end it as SLURM ends jobs."""
    call("scancel", job)


def requeue(job: str) -> None:
    """Put a job that works back into the queue; its processes must have ended."""
    call("scontrol", "requeue", job)


def partitions() -> list[str]:
    """Names of the partitions of the cluster; empty if it does not tell."""
    try:
        return sorted({line.strip() for line in call("sinfo", "--noheader", "--format=%R").splitlines()})
    except Refused:
        return []


def hosts(nodes: str) -> list[str]:
    """The machines that a list such as ``n[1-2]`` names; the list itself where SLURM does not tell."""
    try:
        return call("scontrol", "show", "hostnames", nodes).split()
    except Refused:
        return [nodes] if nodes else []
