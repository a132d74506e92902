"""Asking the warm process, and keeping one while somebody may ask."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ddlab.warm.place import Place, is_possible

PATIENCE = 5.0  # seconds until it must have begun; a fresh interpreter would need as long to import torch
OFTEN = 20.0  # seconds between two looks whether it lives
SERVING = "ddlab.warm.serving"
BEGUN = b"+"  # said by the fork that took the question; its exit code follows


@dataclass(frozen=True)
class Answer:
    """The end of a command: its exit code, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def ask(arguments: Sequence[str], environment: Mapping[str, str]) -> Answer | None:
    """Let the warm process run ``ddlab <arguments>``, and wait for the end.

    Returns
    -------
    Answer or None
        None if there is no warm process, or it was killed before the end: nothing works on the question any more.
    """
    if not is_possible(environment):
        return None
    with suppress(OSError), tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        question = {"arguments": list(arguments), "environment": dict(environment), "folder": os.getcwd()}
        with Place.of(environment).connect(PATIENCE) as connection:
            socket.send_fds(connection, [b"\n"], [out.fileno(), err.fileno()])
            connection.sendall(json.dumps(question).encode() + b"\n")
            if connection.recv(1) == BEGUN:
                connection.settimeout(None)
                if code := _everything(connection):
                    return Answer(int(code), _text(out), _text(err))
    return None


def _everything(connection: socket.socket) -> bytes:
    """Everything that the other end says until it closes; nothing if it was killed."""
    with connection.makefile("rb") as file, suppress(ConnectionError):
        return file.read()
    return b""


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


# ---- keeping one

_looked: dict[Path, float] = {}  # when this process last looked after the warm process of a home
_started: list["subprocess.Popen[bytes]"] = []  # by this process; their ends are noticed at the next look


def is_there(environment: Mapping[str, str]) -> bool:
    """Whether there is a warm process, as far as its files tell; one that was killed leaves its own behind."""
    return is_possible(environment) and Place.of(environment).door.exists()


def keep(environment: Mapping[str, str]) -> None:
    """Let the warm process stay while somebody is there, or start one in the background.

    Returns at once. Where it cannot be started, questions take as long as they do without it.
    """
    if not is_possible(environment):
        return
    place = Place.of(environment)
    if time.monotonic() - _looked.get(place.lock, -OFTEN) < OFTEN:
        return
    _looked[place.lock] = time.monotonic()
    _started[:] = [process for process in _started if process.poll() is None]
    with suppress(OSError):
        place.make()
        held = place.hold()
        os.utime(place.lock)  # it is wanted
        if held is not None:
            os.close(held)  # nobody had it: there is none
            _start(place, environment)


def _start(place: Place, environment: Mapping[str, str]) -> None:
    with place.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", SERVING, str(place.folder), place.name],
            env={**environment, "CUDA_VISIBLE_DEVICES": ""},  # it never takes a GPU from a run
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C at the server is not meant for it
        )
    _started.append(process)
