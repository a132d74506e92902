"""Archives, read in place, member by member, and never unpacked: zip and tar, compressed or not.

An archive is looked through before anything is read from it. Refused are members that lead out of it, links, encrypted
members, and bombs: archives that would become far larger than they are.
"""

import bz2
import lzma
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, cast

from ddlab.data import limits
from ddlab.data.files import gunzip, open_file, readable
from ddlab.data.messages import amount, shown
from ddlab.home import home

DECOMPRESSORS: dict[str, Callable[[IO[bytes]], AbstractContextManager[Any]]] = {
    ".gz": gunzip,
    ".tgz": gunzip,
    ".bz2": bz2.open,
    ".xz": partial(lzma.open, format=lzma.FORMAT_XZ),
}
STEP = 2**20  # bytes unpacked at once
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile's others unpack all at once, however much that is


class _Bounded:
    """A file of which no archive's header can make a library read more than ``most`` bytes at once."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self.file = file
        self.most = most
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read, as a file does."""
        content = self.file.read(self.most + 1 if size < 0 else min(size, self.most + 1))
        if len(content) > self.most:
            raise ValueError(f"its lists take more than {amount(self.most)}")
        return content


@contextmanager
def open_zip(path: Path, what: str = "") -> Iterator[zipfile.ZipFile]:
    """Open a zip whose list of members is of a sound size.

    Parameters
    ----------
    what
        The file is to be, for the message.

    Raises
    ------
    ValueError
        If it cannot be read; names it.
    """
    with readable(path, what):
        file = open_file(path)
    with file:
        bounded = _Bounded(file, limits.MOST_DIRECTORY_BYTES)
        with readable(path, what):
            archive = zipfile.ZipFile(bounded)
        bounded.most = limits.MOST_IMAGE_BYTES
        with archive:
            yield archive


def zip_images(archive: zipfile.ZipFile, path: Path) -> Iterator[zipfile.ZipInfo]:
    """Give the files among the members, each after it has been found harmless.

    Raises
    ------
    ValueError
        If a member is not; names it.
    """
    check = _Check(path)
    for member in archive.infolist():
        check(member.filename, member.file_size)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(f"path: {shown(path.name)} is refused: its member '{shown(member.filename)}' is a link")
        if member.flag_bits & 1:
            raise ValueError(f"path: {shown(path.name)} is refused: its member '{shown(member.filename)}' is encrypted")
        if member.compress_type not in METHODS:
            raise ValueError(
                f"path: {shown(path.name)} is refused: its member '{shown(member.filename)}' is packed by another "
                f"method than deflate"
            )
        if not member.filename.endswith("/"):  # is_dir() fails where there is no name at all
            yield member


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack a member in small pieces, no more bytes than it declares; zipfile checks their sum.

    Raises
    ------
    OSError
        If it is packed by another method than deflate.
    """
    if member.compress_type not in METHODS:
        raise OSError("it is packed by another method than deflate")
    with archive.open(member) as file:
        while piece := file.read(STEP):
            yield piece


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar, unpacked into a temporary file where it is compressed: members can then be read in any order.

    Raises
    ------
    ValueError
        If it cannot be read, or would become far larger than it is; names it.
    """
    with readable(path):
        file = open_file(path)
    with file:
        decompress = DECOMPRESSORS.get(path.suffix.lower())
        if decompress is None:
            yield _tar(path, file)
            return
        with temporary_file() as plain:
            with decompress(file) as packed:
                _copy(packed, plain, path)
            yield _tar(path, plain)


def tar_images(archive: tarfile.TarFile, path: Path) -> Iterator[tarfile.TarInfo]:
    """Give the files among the members, each after it has been found harmless.

    Raises
    ------
    ValueError
        If a member is not; names it.
    """
    check = _Check(path)
    while True:
        with readable(path):
            member = archive.next()
        if member is None:
            return
        archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
        check(member.name, member.size)
        if not (member.isfile() or member.isdir()) or member.issparse():
            kind = "is stored with holes" if member.issparse() else "is a link or a device"
            raise ValueError(f"path: {shown(path.name)} is refused: its member '{shown(member.name)}' {kind}")
        if member.isfile():
            yield member


def temporary_file() -> IO[bytes]:
    """Make a file without a name, on the disk of the cache."""
    cache = home() / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=cache)


def _tar(path: Path, file: IO[bytes]) -> tarfile.TarFile:
    with readable(path):
        file.seek(0)
        bounded = cast(IO[bytes], _Bounded(file, limits.MOST_IMAGE_BYTES))  # all of it that reading an archive asks for
        return tarfile.open(fileobj=bounded, mode="r:")


def _copy(packed: IO[bytes], target: IO[bytes], path: Path) -> None:
    """Unpack no more bytes than the archive may become."""
    most = limits.most_unpacked(path.stat().st_size)
    written = 0
    while True:
        with readable(path):
            piece = packed.read(STEP)
        if not piece:
            return
        written += len(piece)
        if written > most:
            raise ValueError(f"path: {shown(path.name)} is refused: it would grow beyond {amount(most)}")
        target.write(piece)


class _Check:
    """A check of one archive member after the other, and of all of them together."""

    def __init__(self, path: Path) -> None:
        self.name = shown(path.name)
        self.most, self.most_files = limits.most_unpacked(path.stat().st_size), limits.most_files()
        self.total = self.count = 0

    def __call__(self, name: str, size: int) -> None:
        """Refuse a member that leads out of the archive, or is one too many.

        Raises
        ------
        ValueError
            Naming it.
        """
        self.count += 1
        self.total += size
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or name.startswith(("/", "\\")) or PureWindowsPath(name).drive:
            raise ValueError(f"path: {self.name} is refused: its member '{shown(name)}' leads out of the archive")
        if size < 0:
            raise ValueError(f"path: {self.name} is refused: its member '{shown(name)}' has a negative size")
        if size > limits.MOST_IMAGE_BYTES or self.total > self.most or self.count > self.most_files:
            raise ValueError(
                f"path: {self.name} is refused: it would grow to {amount(self.total)} or more in {self.count} members "
                f"(allowed: {amount(self.most)}, {amount(limits.MOST_IMAGE_BYTES)} a member, {self.most_files} "
                f"members; DDLAB_MOST_BYTES and DDLAB_MOST_FILES change it)"
            )
