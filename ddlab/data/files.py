"""Files that users name: found, and opened only where they are regular files, so that no pipe blocks a program."""

import gzip
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, cast

from ddlab.data.limits import MOST_SMALL_READS, most_files
from ddlab.data.messages import amount, reason, shown
from ddlab.home import data_path

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def own_path(text: str) -> Path:
    """The path that a setting names: absolute, or below ``data_home()``; whether it is there or not.

    Raises
    ------
    ValueError
        If there can be no such path, or it cannot be looked at.
    """
    path = data_path(text)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as error:
        raise ValueError(f"path: {shown(text)} cannot be looked at ({error.strerror})") from None
    return path


def is_file(path: Path) -> bool:
    """Whether it is a file, or a link to one, that can be looked at."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_file(status: os.stat_result) -> None:
    """Refuse what is not a file.

    Raises
    ------
    OSError
        Saying what it is.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"it is {KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}, not a file")


def listed(folder: Path) -> list[Path]:
    """List the content of a folder, in order.

    Raises
    ------
    ValueError
        If it cannot be read, or holds too much; names it.
    """
    most = most_files()
    with readable(folder), os.scandir(folder) as entries:
        names = sorted(entry.name for entry in islice(entries, most + 1))
        if len(names) > most:
            raise OSError(f"it holds more than {most:,} files; DDLAB_MOST_FILES changes the limit")
    return [folder / name for name in names]


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading; never waits.

    Raises
    ------
    OSError
        If it cannot be opened, or is a pipe, a socket, a device or a folder.
    """
    check_file(path.stat())
    file = open(path, "rb", opener=_at_once)
    try:
        check_file(os.fstat(file.fileno()))  # another may have come to its place
    except OSError:
        file.close()
        raise
    return file


def read_file(path: Path, most: int) -> bytes:
    """Read a file of at most ``most`` bytes.

    Raises
    ------
    OSError
        As :func:`open_file`, or if it is larger.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(f"it has {amount(size)}; at most {amount(most)} are allowed")
        return file.read(size)


class _Patient:
    """A file that is not read in a million small steps: zeros between the members of a gzip may have no end."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.left = MOST_SMALL_READS
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read, as a file does."""
        self.left -= 0 <= size < 64
        if self.left < 0:
            raise OSError("it is made of too many parts, or of zeros")
        return self.file.read(size)


@contextmanager
def gunzip(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Unpack a gzip while it is read."""
    with gzip.GzipFile(fileobj=cast(BinaryIO, _Patient(file))) as unpacked:
        yield cast(IO[bytes], unpacked)


@contextmanager
def readable(path: Path, what: str = "") -> Iterator[None]:
    """Say of a file that a library cannot read which one it is.

    Only calls of libraries belong in it; what they raise depends on the first wrong byte.

    Raises
    ------
    ValueError
        In place of whatever was raised.
    """
    try:
        yield
    except Exception as error:
        raise ValueError(f"path: {shown(path.name)} cannot be read{what} ({reason(error)})") from error


def _at_once(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # not on every system
