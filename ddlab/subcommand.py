"""A command of ddlab in a process of its own: for what needs torch, asked for by a process that does not import it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_subcommand(arguments: Sequence[str]) -> None:
    """Run ``ddlab <arguments>`` and wait for its end.

    Raises
    ------
    ValueError
        If it fails, with what it says last.
    """
    package = str(Path(__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "ddlab", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        message = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ValueError(message[-1] if message else f"ddlab {arguments[0]} ended with {done.returncode}")
