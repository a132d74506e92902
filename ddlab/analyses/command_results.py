"""Results that only torch can compute, for pages that do not import it: a command in its own process leaves a file.

The command is one of ``ddlab``, so whatever a page shows can be had from the shell. Its file is kept under a name that
follows from the question, so a question is answered once.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from ddlab.data.room import COMPUTED, WRITING, use
from ddlab.home import home
from ddlab.subcommand import is_warm, run_if_warm, run_subcommand

OUT = "--out"
VERSION = 1  # of the answers; a new number computes everything again

_preparing = threading.Lock()  # held while this process prepares a result: one at a time, whoever may want more


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
    answer = _file(command, arguments, stamp, suffix)
    _make(answer, [command, *arguments], run_subcommand)
    use(answer)
    return answer


def known_result(command: str, *arguments: str, stamp: object = (), suffix: str = ".npz") -> Path | None:
    """The file of a result that has been computed already; None where it has not.

    Parameters
    ----------
    command, arguments, stamp, suffix
        As :func:`command_result` takes them.
    """
    answer = _file(command, arguments, stamp, suffix)
    return answer if answer.exists() else None


def _make(answer: Path, asked: list[str], run: Callable[[list[str]], None]) -> None:
    answer.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(answer.with_suffix(".lock")):  # two sessions may ask at once
        if not answer.exists():
            unfinished = answer.with_name(f"{WRITING}{answer.name}")
            unfinished.unlink(missing_ok=True)
            run([*asked, OUT, str(unfinished)])
            os.replace(unfinished, answer)


def prepare_result(command: str, *arguments: str, stamp: object = (), suffix: str = ".npz") -> bool:
    """Begin to compute a result in the background, for somebody who will probably ask for it next.

    Only by the warm process, which is quick, and only one at a time. Whoever asks meanwhile waits for the rest of it;
    what fails will say so when it is asked for.

    Parameters
    ----------
    command, arguments, stamp, suffix
        As :func:`command_result` takes them.

    Returns
    -------
    bool
        Whether it has been computed already.
    """
    if known_result(command, *arguments, stamp=stamp, suffix=suffix):
        return True
    answer = _file(command, arguments, stamp, suffix)
    if is_warm() and _preparing.acquire(blocking=False):

        def prepare() -> None:
            try:
                with suppress(ValueError, OSError):
                    _make(answer, [command, *arguments], run_if_warm)
            finally:
                _preparing.release()

        threading.Thread(target=prepare, daemon=True).start()
    return False


def _file(command: str, arguments: tuple[str, ...], stamp: object, suffix: str) -> Path:
    asked = (VERSION, command, arguments, stamp)
    question = hashlib.blake2b(repr(asked).encode(), digest_size=12).hexdigest()
    return home() / "cache" / COMPUTED / f"{command}-{question}{suffix}"
