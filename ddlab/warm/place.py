"""The place of the warm process: a folder of this user alone, with a name for everything that it was started with."""

import hashlib
import os
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import lock_descriptor

from ddlab.home import home

SWITCH = "DDLAB_WARM"  # a variable; "0": no warm process, every question waits for a fresh interpreter
PACKAGE = Path(__file__).parents[1]
# Beginnings of the names of variables that are read while Python and its libraries start, so that a question with other
# values needs another process; all others are set anew for every question.
READ_AT_START = (
    "PYTHON",
    "LD_",
    "LANG",
    "LC_",
    "MALLOC_",
    "GLIBC_",
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "NPY_",
    "ATEN_",
    "DNNL_",
    "ONEDNN_",
    "TORCH",
    "PYTORCH",
    "ARROW_",
)
CREDENTIALS = "3i"  # of SO_PEERCRED: pid, user, group


@dataclass(frozen=True)
class Place:
    """The files of one warm process.

    Parameters
    ----------
    folder
        ``cache/warm`` in the home of ddlab: readable by its user alone.
    name
        Follows from the machine, the user, the interpreter, the code and the variables that are read at the start.
    """

    folder: Path
    name: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Place":
        """The place of the process that answers questions with this environment."""
        started = sorted(pair for pair in environment.items() if pair[0].startswith(READ_AT_START))
        told = (socket.gethostname(), os.geteuid(), sys.executable, str(PACKAGE), started)
        return cls(home() / "cache" / "warm", hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest())

    @property
    def lock(self) -> Path:
        """Held by the process as long as it lives; its time is when it was last wanted."""
        return self.folder / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        """The words of the process, which nobody reads unless something is wrong."""
        return self.folder / f"{self.name}.log"

    @property
    def door(self) -> Path:
        """The socket on which it listens as soon as it is warm."""
        return self.folder / f"{self.name}.socket"

    def make(self) -> None:
        """Make the folder, and see that nobody else may enter it.

        Raises
        ------
        PermissionError
            If it belongs to somebody else, who could answer in the place of the warm process.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        about = self.folder.stat()
        if about.st_uid != os.geteuid():
            raise PermissionError(f"{self.folder} belongs to another user")
        if about.st_mode & 0o077:
            self.folder.chmod(0o700)

    def hold(self) -> int | None:
        """Take the lock and return its descriptor, open as long as it is held; None if another process has it."""
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        if lock_descriptor(descriptor, blocking=False):
            return descriptor
        os.close(descriptor)
        return None

    def listen(self) -> socket.socket:
        """Begin to listen; what an earlier process left is replaced."""
        unfinished = self.door.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self.folder, os.O_RDONLY)
        mask = os.umask(0o177)
        try:
            listener.bind(_address(folder, unfinished))
        finally:
            os.umask(mask)
            os.close(folder)
        listener.listen()
        unfinished.replace(self.door)
        return listener

    def connect(self, patience: float) -> socket.socket:
        """Connect to the warm process of this user.

        Parameters
        ----------
        patience
            Seconds to wait for it, here and for whatever it says.

        Raises
        ------
        OSError
            If none listens, or not this user's.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(patience)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            connection.connect(_address(folder, self.door))
            if not is_own(connection):
                raise PermissionError(f"{self.door} belongs to another user")
        except OSError:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection


def _address(folder: int, door: Path) -> str:
    """A socket by way of its open folder: an address has 107 bytes at most, and a home's path may have more."""
    return f"/proc/self/fd/{folder}/{door.name}"


def is_possible(environment: Mapping[str, str]) -> bool:
    """Whether there may be a warm process: on Linux, where a process that imported torch can be forked, if wanted."""
    return sys.platform == "linux" and environment.get(SWITCH) != "0"


def is_own(connection: socket.socket) -> bool:
    """Whether the process at the other end is this user's."""
    size = struct.calcsize(CREDENTIALS)
    _, user, _ = struct.unpack(CREDENTIALS, connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(user == os.geteuid())
