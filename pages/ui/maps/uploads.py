"""Files that visitors hand in: kept below the cache, so that a rerun finds them, until newer ones need the room."""

import hashlib
import os
import re
import shutil
from pathlib import Path

from ddlab.files import write_bytes
from ddlab.home import home

MOST_BYTES = 512 * 2**20  # of all of them together
LONGEST = 60  # characters of a name, the last ones


def keep(name: str, content: bytes) -> Path:
    """The file with this content, under a name that follows from it; the oldest others go where all are too many."""
    everything = home() / "cache" / "uploads"
    folder = everything / hashlib.blake2b(content, digest_size=12).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^\w.-]", "_", name)[-LONGEST:].lstrip(".") or "file")
    if not path.exists():
        write_bytes(path, content)
    os.utime(folder)
    _prune(everything, folder)
    return path


def _prune(everything: Path, newest: Path) -> None:
    left = MOST_BYTES - _size(newest)
    others = (folder for folder in everything.iterdir() if folder != newest)
    for folder in sorted(others, key=_used, reverse=True):
        left -= _size(folder)
        if left < 0:
            shutil.rmtree(folder, ignore_errors=True)  # another session may do the same


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*"))


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
