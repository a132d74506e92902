"""A command of ddlab in a process of its own: for what needs torch, asked for by a process that does not import it.

The process is a fork of the warm one (:mod:`ddlab.warm`) where that is there, else a fresh interpreter: the answer is
the same, and so is the sentence where there is none.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ddlab.warm import asking


def run_subcommand(arguments: Sequence[str]) -> None:
    """Run ``ddlab <arguments>`` and wait for its end.

    Raises
    ------
    ValueError
        If it fails, with what it says last.
    """
    done = asking.ask(arguments, environment()) or subprocess.run(
        [sys.executable, "-m", "ddlab", *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        message = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ValueError(message[-1] if message else f"ddlab {arguments[0]} ended with {done.returncode}")


def expect() -> None:
    """Prepare for questions: somebody is here who may ask. Returns at once."""
    asking.keep(environment())


def run_if_warm(arguments: Sequence[str]) -> None:
    """Run ``ddlab <arguments>`` in a fork of the warm process, and wait for its end.

    Raises
    ------
    ValueError
        If it fails, or no warm process answers.
    """
    done = asking.ask(arguments, environment())
    if done is None or done.returncode:
        raise ValueError(f"ddlab {arguments[0]}: no warm process has an answer")


def is_warm() -> bool:
    """Whether questions are answered by a fork of the warm process, without the seconds that a fresh one imports."""
    return asking.is_there(environment())


def environment() -> dict[str, str]:
    """Variables of the process: those of this one, with this ddlab, and no module from the folder it is in."""
    package = str(Path(__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1", "NO_COLOR": "1"}
