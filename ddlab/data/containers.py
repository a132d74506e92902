"""Containers of image files: a folder, a zip or a tar."""

import os
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath

from ddlab.data import limits
from ddlab.data.archives import DECOMPRESSORS, open_tar, open_zip, tar_images, unpack, zip_images
from ddlab.data.files import check_file, read_file, readable
from ddlab.data.messages import shown
from ddlab.data.source import DataMissing

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

Read = Callable[[str], bytes]


class Container(ABC):
    """Files with names, in one place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of all files, with slashes, in order; hidden ones and a system's own are left out.

        Raises
        ------
        ValueError
            If it cannot be read, or for an archive that is refused.
        """

    def images(self) -> tuple[str, ...]:
        """Names of all image files, as :meth:`names`."""
        return tuple(filter(is_image, self.names()))

    def stamp(self) -> str:
        """A text that changes when the files do: size and time of the archive."""
        with readable(self.path):
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
        raise DataMissing(
            f"path: {shown(path, 200)} is not there; give a folder or archive of class folders, or an npz"
        )
    if path.is_dir():
        return Folder(path)
    with readable(path):
        check_file(path.stat())
    if path.suffix.lower() == ".zip":
        return Zip(path)
    if path.suffix.lower() == ".tar" or path.suffix.lower() in DECOMPRESSORS:
        return Tar(path)
    raise ValueError(
        f"path: {shown(path.name)} is none of: a folder, .zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz, .npz"
    )


class Folder(Container):
    """A folder with everything below it."""

    def names(self) -> tuple[str, ...]:
        """All files below the folder, but hidden ones; of what is neither a file nor a folder, none."""
        with readable(self.path):
            return tuple(sorted(_below(self.path, is_visible)))

    def images(self) -> tuple[str, ...]:
        """All image files below the folder, but hidden ones."""
        with readable(self.path):
            return tuple(sorted(_below(self.path, is_image)))

    def stamp(self) -> str:
        """Size and time of every image file."""
        root = os.fspath(self.path)
        names = self.images()
        with readable(self.path):
            return "\n".join(f"{name} {_stamp(os.stat(f'{root}/{name}'))}" for name in names)

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Read files."""
        yield lambda name: read_file(self.path / name, limits.MOST_IMAGE_BYTES)


class Zip(Container):
    """A zip archive."""

    def names(self) -> tuple[str, ...]:
        """All members but hidden ones."""
        return _zip_names(self.path, self.stamp())

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Read members."""
        with open_zip(self.path) as archive:
            yield lambda name: _zip_content(archive, name)


class Tar(Container):
    """A tar archive, compressed or not."""

    def names(self) -> tuple[str, ...]:
        """All members but hidden ones."""
        return _tar_names(self.path, self.stamp())

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Read members, from a decompressed temporary file where that is needed to find them."""
        with open_tar(self.path) as archive:
            members = {_clean(member.name): member for member in tar_images(archive, self.path)}
            yield lambda name: _tar_content(archive, members[name])


def is_image(name: str) -> bool:
    """Whether a file name is that of an image, and neither hidden nor a system's own."""
    return name.lower().endswith(IMAGE_SUFFIXES) and is_visible(name)


def is_visible(name: str) -> bool:
    """Whether a file name is neither hidden nor a system's own (``__MACOSX``)."""
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/") if part != ".")


def _below(top: Path, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Names of the wanted files below a folder; asks links alone what they are, there may be many files."""
    seen, most = 0, limits.most_files()
    folders = [(os.fspath(top), "")]
    while folders:
        folder, prefix = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                seen += 1
                if seen > most:
                    raise OSError(f"it holds more than {most:,} files and folders; DDLAB_MOST_FILES changes the limit")
                if entry.is_dir():
                    if not entry.name.startswith((".", "__MACOSX")) and prefix.count("/") < limits.MOST_LEVELS:
                        folders.append((entry.path, f"{prefix}{entry.name}/"))
                elif wanted(entry.name):
                    if not entry.is_file():
                        if not is_image(entry.name):
                            continue
                        raise OSError(f"its {shown(prefix + entry.name)} is not a file")
                    yield prefix + entry.name


@lru_cache(maxsize=8)
def _zip_names(path: Path, stamp: str) -> tuple[str, ...]:
    with open_zip(path) as archive:
        names = (member.filename for member in zip_images(archive, path))
        return tuple(sorted(filter(is_visible, names)))


@lru_cache(maxsize=8)
def _tar_names(path: Path, stamp: str) -> tuple[str, ...]:
    with open_tar(path) as archive:
        names = [_clean(member.name) for member in tar_images(archive, path)]
        return tuple(sorted(filter(is_visible, names)))


def _zip_content(archive: zipfile.ZipFile, name: str) -> bytes:
    return b"".join(unpack(archive, archive.getinfo(name)))


def _tar_content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None, "only regular members are listed"
    return file.read()


def _clean(name: str) -> str:
    return PurePosixPath(name).as_posix()  # tar likes to write ./name


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"
