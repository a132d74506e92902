"""Arrays of an npz file: headers are believed only as far as the file bears them out, values are unpacked on disk."""

import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from ddlab.data import limits
from ddlab.data.archives import open_zip, temporary_file, unpack
from ddlab.data.files import readable
from ddlab.data.messages import amount, shown

SUFFIX = ".npy"
AS_NPZ = " as npz"


@dataclass(frozen=True)
class Header:
    """The header of an array; ``start`` is the byte at which its values begin."""

    shape: tuple[int, ...]
    kind: np.dtype
    is_fortran: bool
    start: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the npy file with this header."""
        return self.start + math.prod(self.shape) * self.kind.itemsize


def array_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays that an npz holds.

    Raises
    ------
    ValueError
        If it cannot be read; names it.
    """
    with open_zip(path, AS_NPZ) as archive:
        names = tuple(name.removesuffix(SUFFIX) for name in archive.namelist() if name.endswith(SUFFIX))
    if len(names) > limits.MOST_ARRAYS:
        raise ValueError(
            f"path: {shown(path.name)} holds {len(names)} arrays; at most {limits.MOST_ARRAYS} are allowed"
        )
    return names


def read_header(path: Path, key: str) -> Header:
    """Read the header of an array, and compare it with what the file holds.

    Raises
    ------
    ValueError
        If it is damaged, does not fit the file, or promises more than a data set may hold; names file and array.
    """
    with open_zip(path, AS_NPZ) as archive:
        return _header(archive, path, key)


def read_small(path: Path, key: str, most: int) -> np.ndarray:
    """Read an array of at most ``most`` bytes into memory.

    Raises
    ------
    ValueError
        As :func:`read_header`, or if it is larger or damaged.
    """
    with open_zip(path, AS_NPZ) as archive:
        header = _header(archive, path, key)
        if header.num_bytes > most:
            raise ValueError(
                f"path: {shown(path.name)}: {key} takes {amount(header.num_bytes)}; at most {amount(most)} are allowed"
            )
        with readable(path, AS_NPZ):
            content = b"".join(unpack(archive, _member(archive, key)))
            return np.ndarray(header.shape, header.kind, content, header.start, order=_order(header))


@contextmanager
def unpacked(path: Path, key: str) -> Iterator[np.ndarray]:
    """Unpack an array into a temporary file and give it memory-mapped, however large it is.

    Raises
    ------
    ValueError
        As :func:`read_header`, or if it is damaged.
    """
    with open_zip(path, AS_NPZ) as archive, temporary_file() as plain:
        header = _header(archive, path, key)
        pieces = unpack(archive, _member(archive, key))
        while True:
            with readable(path, AS_NPZ):
                piece = next(pieces, b"")
            if not piece:
                break
            plain.write(piece)
        plain.flush()
        with readable(path, AS_NPZ):
            array = np.memmap(cast(Any, plain), header.kind, "r", header.start, header.shape, order=_order(header))
        yield array


def _member(archive: zipfile.ZipFile, key: str) -> zipfile.ZipInfo:
    return archive.getinfo(key + SUFFIX)


def _header(archive: zipfile.ZipFile, path: Path, key: str) -> Header:
    with readable(path, AS_NPZ):
        member = _member(archive, key)
        header = _parsed(next(unpack(archive, member), b"")[: 12 + limits.MOST_NPY_HEADER])  # 12: the longest beginning
    most = limits.most_unpacked(path.stat().st_size)
    if header.num_bytes > most:
        raise ValueError(
            f"path: {shown(path.name)}: {key} takes {amount(header.num_bytes)}, a file of this size may hold "
            f"{amount(most)}; save it uncompressed, or change DDLAB_MOST_BYTES"
        )
    if header.num_bytes != member.file_size:
        raise ValueError(
            f"path: {shown(path.name)}: {key} has {amount(member.file_size)}, its header promises "
            f"{amount(header.num_bytes)}; the file is damaged"
        )
    return header


def _parsed(content: bytes) -> Header:
    """Read the beginning of an npy file; numpy raises whatever is wrong with it."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, is_fortran, kind = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, is_fortran, kind = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"version {version[0]}.{version[1]} of its arrays is not known")
    if kind.hasobject or kind.itemsize == 0:
        raise ValueError("an array holds objects of Python, or nothing; needs numbers")
    if any(isinstance(axis, bool) or not 0 <= axis < 2**62 for axis in shape):
        raise ValueError("the shape of an array is not valid")
    return Header(shape, kind, is_fortran, file.tell())


def _order(header: Header) -> Literal["F", "C"]:
    return "F" if header.is_fortran else "C"
