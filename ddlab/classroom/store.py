"""Files of a room, below ``home()/classroom``: readable by the user of the server alone, replaced whole."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ddlab import files
from ddlab.home import home


def folder(*names: str) -> Path:
    """Return a folder of the room's, made where it is not there."""
    return _made(os.environ.get("DDLAB_HOME", ""), os.getcwd(), names)


@lru_cache(maxsize=64)
def _made(home_named: str, here: str, names: tuple[str, ...]) -> Path:
    """Make a folder, once for each process: it is asked for at every look at a run."""
    path = home().joinpath("classroom", *names)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write(path: Path, tree: Any) -> None:
    """Write JSON that only this user may read, atomically."""

    def writer(temporary: Path) -> None:
        files_json = files.as_json(tree)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(files_json)

    files.write_atomically(path, writer)


def stamp(path: Path) -> int:
    """Return a number that another one follows when the file is written again; 0 where there is none."""
    try:
        told = path.stat()
    except OSError:
        return 0
    return (told.st_mtime_ns << 32) + (told.st_ino & 0xFFFFFFFF)  # a clock may stand still between two writes
