"""Folders of ddlab: runs and caches under ``DDLAB_HOME``, data sets under ``DDLAB_DATA``."""

import os
from pathlib import Path

from ddlab.registry import shortened

KEPT = "own"  # begins the path of a data set that is kept
LONGEST_PATH, LONGEST_NAME = 4095, 255  # bytes that Linux takes; other systems take fewer and say so themselves


_PACKAGE = Path(__file__).parent


def data_name(path: Path) -> str:
    """The text that :func:`data_path` turns into a path: relative where it can be, so that it is right elsewhere."""
    for folder, below in ((kept_data(), KEPT), (data_home(), "")):
        if path != folder and path.is_relative_to(folder):
            return str(below / path.relative_to(folder))
    return str(path)


def shipped() -> Path:
    """The folder of what comes with ddlab beside the package: ``app.py``, ``pages/``, ``assets/``, ``examples/``.

    In an installed package they lie in ``ddlab/_app``, where ``setup.py`` puts them; in a checkout at its root.
    """
    inside = _PACKAGE / "_app"
    return inside if inside.is_dir() else _PACKAGE.parent


def home() -> Path:
    """The folder of runs, caches and the queue: ``$DDLAB_HOME``, or ``.ddlab`` in the current folder."""
    return Path(os.environ.get("DDLAB_HOME") or ".ddlab").resolve()


def data_home() -> Path:
    """The folder of data sets: ``$DDLAB_DATA``, or ``data`` in :func:`home`."""
    configured = os.environ.get("DDLAB_DATA")
    return Path(configured).resolve() if configured else home() / "data"


def kept_data() -> Path:
    """The folder of the data sets that people have sent and kept, wherever :func:`data_home` is."""
    return home() / "data" / KEPT


def data_path(text: str) -> Path:
    """Return the path of data that somebody named: absolute, in a home (``~``), or below :func:`data_home`.

    ``own/NAME`` is a data set that is kept, so that a link to it works wherever one is kept under that name.

    The disk is not accessed, so that this may be asked of any text.

    Raises
    ------
    ValueError
        If it cannot be a path.
    """
    try:
        named = Path(text).expanduser()
        path = kept_data().parent / named if named.parts[:1] == (KEPT,) else data_home() / named
        names = [os.fsencode(name) for name in path.parts]
    except RuntimeError:
        raise ValueError(f"path: {shortened(text)} is in the home of a user who is not known here") from None
    except UnicodeEncodeError:
        raise ValueError(f"path: {shortened(text)} has characters that no file name has") from None
    if any(b"\0" in name for name in names):
        raise ValueError(f"path: {shortened(text)} has a character 0, which no file name has")
    if max(map(len, names)) > LONGEST_NAME or len(os.fsencode(path)) > LONGEST_PATH:
        rule = f"at most {LONGEST_PATH:,} bytes are allowed, {LONGEST_NAME} in each of its names"
        raise ValueError(f"path: {shortened(text)} is too long; {rule}")
    return path
