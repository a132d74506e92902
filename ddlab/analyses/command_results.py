"""Results that only torch can compute, for pages that do not import it: a command in its own process leaves a file.

The command is one of ``ddlab``, so whatever a page shows can be had from the shell. Its file is kept under a name that
follows from the question, so a question is answered once.
"""

import hashlib
import os
from pathlib import Path

from filelock import FileLock

from ddlab.home import home
from ddlab.subcommand import run_subcommand

OUT = "--out"
VERSION = 1  # of the answers; a new number computes everything again


def command_result(command: str, *arguments: str, stamp: object = (), suffix: str = ".npz") -> Path:
    """The file that ``ddlab <command> <arguments> --out FILE`` writes; made at the first call.

    Parameters
    ----------
    stamp
        What else the answer depends on, such as the results of a run; another stamp is another question.
    suffix
        Kind of the file.

    Raises
    ------
    ValueError
        If the command fails, with what it says last.
    """
    asked = (VERSION, command, arguments, stamp)
    question = hashlib.blake2b(repr(asked).encode(), digest_size=12).hexdigest()
    folder = home() / "cache" / "computed"
    folder.mkdir(parents=True, exist_ok=True)
    answer = folder / f"{command}-{question}{suffix}"
    with FileLock(answer.with_suffix(".lock")):  # two sessions may ask at once
        if not answer.exists():
            unfinished = answer.with_name(f"writing-{answer.name}")
            unfinished.unlink(missing_ok=True)
            run_subcommand([command, *arguments, OUT, str(unfinished)])
            os.replace(unfinished, answer)
    return answer
