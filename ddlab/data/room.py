"""Room on the disk: what can be computed again is kept within a bound, and what was used longest ago goes first.

Decoded data sets and answers to what pages have asked lie in ``home()/cache``: a class that tries sizes fills it
without end (``benchmarks.lasting`` tells by how much). What is used is marked, by the time of one file. What was used a
quarter of an hour ago or less stays, however much there is, and so does what a training reads, which marks it
as it goes on.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ddlab.data.limits import most_cached
from ddlab.data.messages import amount

log = logging.getLogger(__name__)

RECENT = 900.0  # seconds in which what was used stays
EVERY = 60.0  # seconds between two marks of one reader
SPARE = 2**30  # bytes that stay free on the disk
META = "meta.json"  # written last into a folder of the cache
USED = ".used"  # a file in such a folder, whose time says when it was used last
COMPUTED = "computed"  # the folder of answers, a file each
WRITING = "writing-"  # begins the name of an answer that is being written


@dataclass(frozen=True)
class Kept:
    """A folder or a file that can be made again.

    Parameters
    ----------
    path
        It.
    used
        When it was used last, in seconds since the epoch.
    size
        Bytes.
    """

    path: Path
    used: float
    size: int


class InUse:
    """Marks something as used while it is being read, once a minute.

    Parameters
    ----------
    kept
        The folder or the file.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._next = 0.0

    def __call__(self) -> None:
        """Mark it, if a minute has passed since it was."""
        if (now := time.monotonic()) >= self._next:
            self._next = now + EVERY
            use(self._kept)


def use(kept: Path) -> None:
    """Say that a folder or a file was used just now; of what is gone, or belongs to others, nothing is said."""
    with suppress(OSError):
        if kept.is_dir():
            (kept / USED).touch()
        else:
            os.utime(kept)  # which makes no empty file where it was deleted meanwhile


def make_room(caches: Path, needed: int) -> None:
    """Delete what was used longest ago until there is room for ``needed`` bytes more.

    Parameters
    ----------
    caches
        The folder of all that is kept.

    Raises
    ------
    ValueError
        If the disk has no room for it even so.
    """
    kept = sorted(_kept(caches), key=lambda one: one.used)
    total, most = sum(one.size for one in kept), most_cached()
    for one in kept:
        if total + needed <= most and _free(caches) >= needed + SPARE:
            return
        if time.time() - one.used < RECENT:
            break
        if _delete(one):
            total -= one.size
            log.info("%s was not used for %.0f s and made room for others", one.path.name, time.time() - one.used)
    if (free := _free(caches)) < needed:
        raise ValueError(
            f"dataset: decoded, its images take {amount(needed)}, and {amount(free)} are free on the disk of "
            "DDLAB_HOME; make room there, or choose fewer or smaller images"
        )


def bytes_kept(caches: Path) -> int:
    """Bytes of all that is kept."""
    return sum(one.size for one in _kept(caches))


def _kept(caches: Path) -> Iterator[Kept]:
    """All that can be made again and is not being made."""
    for meta in caches.glob(f"*/{META}"):
        with suppress(OSError):
            told = {path.name: path.stat() for path in meta.parent.iterdir()}
            used = max(told[name].st_mtime for name in (META, USED) if name in told)
            yield Kept(meta.parent, used, sum(one.st_size for one in told.values()))
    for path in (caches / COMPUTED).glob("*.*"):
        with suppress(OSError):
            if path.suffix != ".lock" and not path.name.startswith(WRITING):
                yield Kept(path, path.stat().st_mtime, path.stat().st_size)


def _delete(one: Kept) -> bool:
    """Delete one of them; False where somebody makes it anew just now."""
    lock = one.path.with_suffix(".lock") if one.path.is_file() else one.path.with_name(f"{one.path.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            if one.path.is_file():
                one.path.unlink(missing_ok=True)
            else:
                (one.path / META).unlink(missing_ok=True)  # so that it is no cache any more, whoever looks
                shutil.rmtree(one.path, ignore_errors=True)
    except (Timeout, OSError):
        return False
    return True


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
