"""Files that other processes read while they are written: replaced whole, or appended to line by line."""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ddlab.records import sealed

RESERVE = ".reserve"
RESERVE_BYTES = 65_536  # enough for a status, a failure with its traceback, and the blocks they are kept in
_SEAL = b"\nsha256 %s\n"
_SEAL_BYTES = len(_SEAL % bytes(64))
_ELSEWHERE = uuid.uuid4().hex[:6]  # a process of another machine or container may have our pid
TEMPORARY = ".writing-"  # a prefix, because some writers (numpy's) insist on their own suffix


def write_atomically(path: Path, writer: Callable[[Path], Any]) -> None:
    """Let ``writer`` fill a temporary file beside ``path`` and put it in its place: readers see the old or the new one.

    Raises
    ------
    OSError
        If the disk is full or the folder is gone; the old file is then untouched.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}{_ELSEWHERE}-{path.name}")
    try:
        writer(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_json(path: Path, tree: Any) -> None:
    """Write ``tree`` as JSON, atomically."""
    write_text(path, as_json(tree))


def as_json(tree: Any) -> str:
    """Return ``tree`` as the text that the other writers here write."""
    return json.dumps(tree, ensure_ascii=False, indent=1)


def write_sealed(path: Path, tree: Mapping[str, Any]) -> None:
    """Write ``tree`` as JSON with a checksum of itself, atomically."""
    write_text(path, sealed(tree))


def seal(path: Path) -> None:
    """Append a checksum to a file whose readers pass over what follows its end, as those of zip archives do.

    It is on the disk when this returns: what takes the place of an older file is whole even if the machine goes down.
    """
    with path.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, os.SEEK_END)
        file.write(_SEAL % digest.encode())
        file.flush()
        os.fsync(file.fileno())


def check_seal(path: Path) -> None:
    """Compare a file with the checksum that :func:`seal` appended; one by an older ddlab has none, and passes.

    Raises
    ------
    ValueError
        If they differ.
    """
    with path.open("rb") as file:
        content = max(0, file.seek(0, os.SEEK_END) - _SEAL_BYTES)
        file.seek(content)
        found = file.read()
        if not found.startswith(_SEAL[:8]):
            return
        file.seek(0)
        digest = hashlib.sha256()
        while content > 0:
            block = file.read(min(content, 2**20))
            digest.update(block)
            content -= len(block)
    if found != _SEAL % digest.hexdigest().encode():
        raise ValueError("its checksum differs from what was written")


def size(path: Path) -> int:
    """Bytes of a file; 0 for a folder, and for a temporary file that was put in its place just now."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def append_jsonl(path: Path, record: Mapping[str, object]) -> None:
    """Append one line; a line that an earlier process left unfinished is closed first."""
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)


def claim(folder: Path, wanted: Path) -> Path:
    """Rename ``folder`` (which is not empty) to ``wanted``, or to ``wanted-2``, ``-3``, ... if that is taken."""
    number = 1
    while True:
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            return folder.rename(path)
        except OSError:
            if not path.exists():
                raise
            number += 1


def reserve(folder: Path) -> None:
    """Hold some disk space, so that a run that fills the disk can still say so."""
    (folder / RESERVE).write_bytes(os.urandom(RESERVE_BYTES))


def release(folder: Path) -> None:
    """Give the space back, now that there is something to say."""
    (folder / RESERVE).unlink(missing_ok=True)
