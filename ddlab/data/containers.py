"""Where image files lie: a folder, a zip or a tar. Archives are read in place, member by member, and never unpacked.

An archive is looked through before anything is read from it. Refused are members that lead out of it, links, encrypted
members, and bombs: archives that would become far larger than they are.
"""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, TypeVar

from ddlab.data.source import DataMissing
from ddlab.home import home

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MOST_MEMBERS = 500_000
MOST_BYTES = 64 * 2**30  # of all members together, uncompressed
MOST_MEMBER_BYTES = 256 * 2**20
MOST_LEVELS = 8  # of folders in folders: a link may lead back up
FREE_BYTES = 256 * 2**20  # below this, an archive may be as well compressed as it likes
MOST_RATIO = 50  # pictures hardly compress: even drawings in BMP stay below it
DECOMPRESSORS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".tgz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)

Read = Callable[[str], bytes]
Member = TypeVar("Member")


class Container(ABC):
    """Files with names, in one place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def images(self) -> tuple[str, ...]:
        """Names of all image files, with slashes, in order.

        Raises
        ------
        ValueError
            If it cannot be read, or for an archive that is refused.
        """

    def stamp(self) -> str:
        """A text that changes when the files do: size and time of the archive."""
        return _stamp(self.path.stat())

    @abstractmethod
    def reader(self) -> AbstractContextManager[Read]:
        """Open it; gives a function from the name of an image to its content."""


def open_container(path: Path) -> Container:
    """The folder or archive at ``path``.

    Raises
    ------
    DataMissing
        If there is nothing.
    ValueError
        If it is neither a folder nor a zip nor a tar.
    """
    if not path.exists():
        raise DataMissing(f"path: {path} is not there; give a folder or archive of class folders, or an npz")
    if path.is_dir():
        return Folder(path)
    if path.suffix.lower() == ".zip":
        return Zip(path)
    if path.suffix.lower() == ".tar" or path.suffix.lower() in DECOMPRESSORS:
        return Tar(path)
    raise ValueError(f"path: {path.name} is none of: a folder, .zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz, .npz")


class Folder(Container):
    """A folder with everything below it."""

    def images(self) -> tuple[str, ...]:
        """All image files below the folder, but hidden ones."""
        with _readable(self.path):
            return tuple(sorted(_below(self.path, "")))

    def stamp(self) -> str:
        """Size and time of every image file."""
        root = os.fspath(self.path)
        with _readable(self.path):
            return "\n".join(f"{name} {_stamp(os.stat(f'{root}/{name}'))}" for name in self.images())

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Read files."""
        yield lambda name: (self.path / name).read_bytes()


class Zip(Container):
    """A zip archive."""

    def images(self) -> tuple[str, ...]:
        """All image members."""
        with _readable(self.path):
            return _zip_images(self.path, self.stamp())

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Read members; zipfile gives no more bytes than a member declares, and checks their sum."""
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            yield archive.read


class Tar(Container):
    """A tar archive, compressed or not."""

    def images(self) -> tuple[str, ...]:
        """All image members."""
        with _readable(self.path):
            return _tar_images(self.path, self.stamp())

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Read members, from a decompressed temporary file where that is needed to find them."""
        with _readable(self.path), _plain_tar(self.path) as archive:
            members = {_clean(member.name): member for member in archive if member.isfile()}

            def read(name: str) -> bytes:
                file = archive.extractfile(members[name])
                assert file is not None, "only regular members are listed"
                return file.read()

            yield read


def is_image(name: str) -> bool:
    """Whether a file name is that of an image, and neither hidden nor a system's own (``__MACOSX``)."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not any(
        part.startswith((".", "__MACOSX")) for part in name.split("/") if part != "."
    )


def _below(folder: str | Path, prefix: str) -> Iterator[str]:
    """Names of the image files below a folder; nothing is asked of the files themselves, there may be many."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if not entry.name.startswith((".", "__MACOSX")) and prefix.count("/") < MOST_LEVELS:
                    yield from _below(entry.path, f"{prefix}{entry.name}/")
            elif is_image(entry.name):
                yield prefix + entry.name


@lru_cache(maxsize=8)
def _zip_images(path: Path, stamp: str) -> tuple[str, ...]:
    found = []
    with zipfile.ZipFile(path) as archive:
        for member in _checked(path, archive.infolist(), lambda m: m.filename, lambda m: m.file_size):
            if stat.S_ISLNK(member.external_attr >> 16):
                raise ValueError(f"path: {path.name} is refused: its member {member.filename!r} is a link")
            if member.flag_bits & 1:
                raise ValueError(f"path: {path.name} is refused: its member {member.filename!r} is encrypted")
            if not member.is_dir() and is_image(member.filename):
                found.append(member.filename)
    return tuple(sorted(found))


@lru_cache(maxsize=8)
def _tar_images(path: Path, stamp: str) -> tuple[str, ...]:
    found = []
    with _plain_tar(path) as archive:
        for member in _checked(path, archive, lambda m: m.name, lambda m: m.size):
            if not (member.isfile() or member.isdir()):
                raise ValueError(f"path: {path.name} is refused: its member {member.name!r} is a link or a device")
            if member.isfile() and is_image(member.name):
                found.append(_clean(member.name))
    return tuple(sorted(found))


def _clean(name: str) -> str:
    return PurePosixPath(name).as_posix()  # tar likes to write ./name


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"


def _checked(
    path: Path, members: Iterable[Member], name: Callable[[Member], str], size: Callable[[Member], int]
) -> Iterator[Member]:
    """Pass members on, each after it has been found harmless."""
    total = 0
    most = _most_bytes(path)
    for count, member in enumerate(members, 1):
        parts = PurePosixPath(name(member).replace("\\", "/")).parts
        if ".." in parts or name(member).startswith(("/", "\\")) or PureWindowsPath(name(member)).drive:
            raise ValueError(f"path: {path.name} is refused: its member {name(member)!r} leads out of the archive")
        total += size(member)
        if size(member) > MOST_MEMBER_BYTES or total > most or count > MOST_MEMBERS:
            raise ValueError(
                f"path: {path.name} is refused: it would grow to {total / 2**20:.0f} MiB or more in {count} members "
                f"(allowed: {most / 2**20:.0f} MiB, {MOST_MEMBER_BYTES / 2**20:.0f} MiB a member, "
                f"{MOST_MEMBERS} members)"
            )
        yield member


def _most_bytes(path: Path) -> int:
    """How large the archive may become."""
    return min(MOST_BYTES, max(FREE_BYTES, MOST_RATIO * path.stat().st_size))


@contextmanager
def _plain_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """The archive without compression: members can then be read in any order."""
    decompress = DECOMPRESSORS.get(path.suffix.lower())
    if decompress is None:
        with tarfile.open(path, "r:") as archive:
            yield archive
        return
    cache = home() / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache) as plain:
        with decompress(path, "rb") as packed:
            _copy(packed, plain, _most_bytes(path), path.name)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            yield archive


def _copy(source: IO[bytes], target: IO[bytes], most: int, name: str) -> None:
    """Copy at most ``most`` bytes."""
    written = 0
    while block := source.read(2**20):
        written += len(block)
        if written > most:
            raise ValueError(f"path: {name} is refused: it would grow beyond {most / 2**20:.0f} MiB")
        target.write(block)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of damaged or forbidden files which ones they are."""
    try:
        yield
    except DAMAGE as error:
        raise ValueError(f"path: {path.name} cannot be read ({error or type(error).__name__})") from error
