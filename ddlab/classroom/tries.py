"""Wrong codes and keys slow down: for the address that they come from, and a little for all.

What was tried is in files, since several processes answer. A waiting time is short enough for a class that comes
through one address, as behind a proxy, and long enough for 900 million codes: at 30 s a try, or a second for all
addresses together, a room that is open for a day lets 86,400 be tried.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from typing_extensions import TypedDict

from ddlab.classroom import store
from ddlab.records import Kind

FREE, FREE_OF_ALL = 5, 60  # wrong ones that cost nothing yet: people mistype
LONGEST, LONGEST_OF_ALL = 30.0, 1.0  # seconds until the next try
FORGOTTEN = 900.0  # seconds after the last wrong one
MOST_KEPT = 1000  # addresses


class _Tried(TypedDict):
    wrong: int
    last: float


_TRIED = Kind(_Tried)


def wait(address: str) -> float:
    """Return the seconds that have to pass before somebody at that address may try again; 0: at once."""
    return max(_left(_path(address), FREE, LONGEST), _left(_all(), FREE_OF_ALL, LONGEST_OF_ALL))


def note_wrong(address: str) -> None:
    """Note that a code or key was wrong."""
    with _locked():
        for path in (_path(address), _all()):
            known = _TRIED.read(path)
            is_old = not known or time.time() - known["last"] > FORGOTTEN
            store.write(path, {"wrong": 1 if is_old else known["wrong"] + 1, "last": time.time()})
        _forget()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one try be looked at after the other, so that many at once are no way around the waiting time."""
    with FileLock(store.folder("tries") / "try.lock"):
        yield


def delay(wrong: int, free: int, longest: float) -> float:
    """Return the seconds to wait after so many wrong ones: none at first, then 1, 2, 4 and so on."""
    return 0.0 if wrong < free else float(min(longest, 2.0 ** min(30, wrong - free)))


def _left(path: Path, free: int, longest: float) -> float:
    known = _TRIED.read(path)
    if not known or time.time() - known["last"] > FORGOTTEN:
        return 0.0
    passed = max(0.0, time.time() - known["last"])
    return max(0.0, delay(known["wrong"], free, longest) - passed)


def _forget() -> None:
    """Delete the oldest notes where there are too many."""
    paths = list(store.folder("tries").glob("from-*.json"))
    if len(paths) > MOST_KEPT:
        for path in sorted(paths, key=store.stamp)[: len(paths) - MOST_KEPT]:
            path.unlink(missing_ok=True)


def _path(address: str) -> Path:
    return store.folder("tries") / f"from-{hashlib.blake2b(address.encode(), digest_size=12).hexdigest()}.json"


def _all() -> Path:
    return store.folder("tries") / "all.json"


def _locked() -> FileLock:
    return FileLock(store.folder("tries") / "note.lock")
