"""A fence around a process: what it opens, lists, connects to or starts beyond it is put down."""

import os
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.attack import cage
from tests.attack.cage import ROOT
from tests.attack.tally import Fault

SOCKETS = ("socket.connect", "socket.getaddrinfo")
PROGRAMS = ("subprocess.Popen", "os.exec", "os.posix_spawn")
DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")
LOOKING = tuple(f"{os.sep}{package}{os.sep}" for package in ("psutil", "torch", "pynvml"))  # at the machine, for us
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SAYS = {"open": "opens", "socket.connect": "connects to", "socket.getaddrinfo": "looks up"}
SAYS |= dict.fromkeys(("os.listdir", "os.scandir"), "lists") | dict.fromkeys(PROGRAMS, "starts")


class Fence:
    """Our own folders, Python's, and whatever is touched while it learns.

    Parameters
    ----------
    folders
        That may be read and written, beside the project and its Python.

    Notes
    -----
    An audit hook cannot be taken away again: a fence stands as long as its process, which is a cage.
    """

    def __init__(self, *folders: Path) -> None:
        python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
        own = [*map(str, folders), str(ROOT), sys.prefix, tempfile.gettempdir(), *python, *sys.path]
        self.allowed = tuple({path for folder in own for path in (os.path.abspath(folder), os.path.realpath(folder))})
        self.known: set[tuple[str, str]] = set()
        self.strayed: dict[tuple[str, str], str] | None = None
        sys.addaudithook(self._hear)

    @contextmanager
    def learn(self) -> Iterator[None]:
        """Allow for ever what is touched meanwhile."""
        with self._listen() as touched:
            yield
        self.known.update(touched)

    @contextmanager
    def watch(self, seed: int, case: str) -> Iterator[list[Fault]]:
        """Gives a list that has a fault for everything beyond the fence, once this is over."""
        faults: list[Fault] = []
        with self._listen() as touched:
            yield faults
        by_code: dict[str, list[str]] = {}
        for (event, place), code in touched.items():
            by_code.setdefault(f"{SAYS[event]} what is not ours, {code}", []).append(place)
        faults += [
            Fault("outside", seed, what, f"{case}: {len(places)} such as {places[0]}")
            for what, places in by_code.items()
        ]

    @contextmanager
    def _listen(self) -> Iterator[dict[tuple[str, str], str]]:
        """Event and place of everything beyond the fence, with the code that did it."""
        self.strayed = touched = {}
        try:
            yield touched
        finally:
            self.strayed = None

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.strayed is None or event not in SAYS:
            return
        place = _place(event, arguments)
        if place and (event, place) not in self.known and not self._is_allowed(event, place):
            if not _looks_at_the_machine(sys._getframe(1)):
                self.strayed[event, place] = cage.place("".join(traceback.format_stack()), last=True)

    def _is_allowed(self, event: str, place: str) -> bool:
        if event in SOCKETS:
            return place in LOOPBACK
        if event in PROGRAMS:
            return sys.executable in place and "ddlab" in place
        return place in DEVICES or any(place == at or place.startswith(at + os.sep) for at in self.allowed)


def _place(event: str, arguments: Sequence[Any]) -> str:
    """The path, the host or the command that an event is about; empty for what is open already."""
    if event == "socket.connect":
        return str(arguments[1][0]) if isinstance(arguments[1], tuple) else os.fsdecode(arguments[1])
    if event == "socket.getaddrinfo":
        return str(arguments[0])
    if event in PROGRAMS:
        return " ".join(map(os.fsdecode, arguments[1]))
    path = "." if arguments[0] is None else arguments[0]
    return "" if isinstance(path, int) else os.path.abspath(os.fsdecode(path))


def _looks_at_the_machine(frame: FrameType | None) -> bool:
    """Whether a library that is there to look at the machine is at work."""
    while frame is not None:
        if any(package in frame.f_code.co_filename for package in LOOKING):
            return True
        frame = frame.f_back
    return False
