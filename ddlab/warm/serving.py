"""``python -m ddlab.warm.serving FOLDER NAME``: the warm process. It imports, listens and forks; the fork answers.

It must be forked as one thread, and so it never computes: threads of OpenMP, which torch begins at its first
operation, do not survive a fork. What a question needs beyond :data:`FIRST` is found by a rehearsal in a fork, which
says what it imported, so that this process imports the same between two questions.
"""

import gc
import os
import select
import signal
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from ddlab.warm.answering import answer
from ddlab.warm.place import PACKAGE, Place, is_own

IDLE = 600.0  # seconds without a visitor until it ends
LOOK = 15.0  # seconds between two looks whether it is wanted
POLITE = 5  # nice value of the imports, which then get a quarter of what a page or a training gets
FIRST = (  # most of what the questions of the pages need; it listens as soon as these are there
    "torch",
    "ddlab.cli",
    "ddlab.analyses.maps.of_run",
    "ddlab.analyses.composition.verification",
    "ddlab.exports.writers",
    "plotly.subplots",
    "pyarrow.pandas_compat",
)
REHEARSAL = "ddlab.exports.rehearsal"  # a module whose ``rehearse`` does what imports most


class Serving:
    """The loop of the warm process.

    Parameters
    ----------
    place
        Its files.
    lock
        Descriptor of the lock that it holds.
    """

    def __init__(self, place: Place, lock: int) -> None:
        self.place, self.lock = place, lock
        self.code = code_stamp()
        self.listener = place.listen()
        self.own = place.door.stat().st_ino

    def run(self) -> None:
        """Answer until nobody is there any more, the code has changed or the files are gone."""
        rehearsal = self._rehearse()
        names: list[str] = []  # of modules to import, the next one last
        while names or self.is_wanted():
            sources = [self.listener.fileno(), *([] if rehearsal is None else [rehearsal])]
            ready, _, _ = select.select(sources, [], [], 0 if names else LOOK)
            if self.listener.fileno() in ready:
                self._take()
            elif rehearsal is not None and rehearsal in ready:
                names, rehearsal = [*_told(rehearsal), *own_modules()][::-1], None
            elif names:
                politely(partial(import_all, [names.pop()]))
                if not names:
                    settle()
                    stand_back(0)

    def is_wanted(self) -> bool:
        """Whether somebody was there lately, who finds this process at its place, with the code that is there now."""
        try:
            idle = abs(time.time() - os.fstat(self.lock).st_mtime)
            return idle < IDLE and self.is_there() and self.code == code_stamp()
        except OSError:
            return False

    def is_there(self) -> bool:
        """Whether its socket is still at its place, and not that of another process."""
        with suppress(OSError):
            return self.place.door.stat().st_ino == self.own
        return False

    def _take(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            if is_own(connection) and self.is_wanted():
                self._fork(lambda: answer(connection))

    def _rehearse(self) -> int | None:
        """Fork a rehearsal; what it imports can be read from the descriptor."""
        reading, writing = os.pipe()

        def rehearse() -> None:
            os.nice(POLITE)
            stand_back(POLITE)
            before = set(sys.modules)
            with suppress(Exception):
                import_module(REHEARSAL).rehearse()
            with os.fdopen(writing, "w") as file:
                file.write("\n".join(name for name in sys.modules if name not in before))

        self._fork(rehearse)
        os.close(writing)
        return reading

    def _fork(self, work: Callable[[], None]) -> None:
        """Do something in a fork, which holds neither the lock nor the socket, and ends however that ends."""
        if os.fork():
            return
        try:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(self.lock)
            self.listener.close()
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)


def _told(descriptor: int) -> list[str]:
    """Names of modules, in the order in which they were imported."""
    with os.fdopen(descriptor) as file:
        return file.read().split()


def politely(work: Callable[[], None]) -> None:
    """Do something behind all others, on a thread: a process cannot go back to its priority, but a thread can end."""

    def begin() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + POLITE)
        work()

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()


def stand_back(nice: int) -> None:
    """Give the whole session a priority among all sessions, where Linux shares the processor out by sessions."""
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")


def settle() -> None:
    """Take all objects out of the garbage collector's sight, which would copy their pages into every fork."""
    gc.collect()
    gc.freeze()


def code_stamp() -> tuple[int, int]:
    """A value that changes with the files of ddlab and with what is installed beside it."""
    files = [path.stat().st_mtime_ns for path in PACKAGE.rglob("*.py")]
    return len(files), max(*files, os.stat(sysconfig.get_path("purelib")).st_mtime_ns)


def own_modules() -> list[str]:
    """Names of all modules of ddlab but programs, without importing them."""
    paths = [path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py")]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__"]


def import_all(names: Iterable[str]) -> None:
    """Import modules; whoever needs one that cannot be imported will say why."""
    for name in names:
        try:
            import_module(name)
        except Exception:
            traceback.print_exc()


def main() -> None:
    """Become the warm process of a place, unless there is one."""
    place = Place(Path(sys.argv[1]), sys.argv[2])
    lock = place.hold()
    if lock is None:
        return
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # of foreign libraries
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks leave no zombies
    stand_back(POLITE)
    politely(lambda: import_all(FIRST))
    settle()
    serving = Serving(place, lock)
    serving.run()
    if serving.is_there():
        place.door.unlink()


if __name__ == "__main__":
    main()
