"""Where cases run: processes of their own, with little memory, a home of their own, and somebody who holds a watch.

A case that hangs, or takes its process down, is a fault of its own seed; a new process goes on with the next one.
"""

import ctypes
import faulthandler
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from tests.attack.tally import Fault, Tally

ROOT = Path(__file__).parents[2]
MEMORY = 4 * 2**30  # bytes of address space for a case
START = 300.0  # seconds for opening a cage on a busy machine
WORTH_A_CAGE = 10  # cases; to open one takes seconds
OFTEN = 10.0  # seconds between two lines of progress
LONGEST = 2000  # characters of a message
PR_SET_PDEATHSIG = 1  # linux/prctl.h
OPEN = "open"
NOTE = "\ncase: "
ANY = re.compile(r'File "[^"]*?/([^/"]+/[^/"]+)", line (\d+),? in (\S+)')
FRAME = re.compile(r'File "[^"]*?/((?:ddlab|pages)/[^"]+|app\.py)", line (\d+),? in (\S+)')

Case = Callable[[int], list[Fault]]
Opener = Callable[[], Case]  # called in the cage: makes what all of its cases share


def run(name: str, opener: Opener, seeds: range, seconds: float) -> Tally:
    """Try a case for every seed, in as many cages as there are cores.

    Parameters
    ----------
    opener
        Called in every cage; gives the function that tries the case of a seed. Importable, since it is sent there.
    seconds
        That a case may take.
    """
    tally, lock, said = Tally(name), threading.Lock(), [time.monotonic()]
    waiting = iter(seeds)

    def put(faults: list[Fault]) -> None:
        with lock:
            tally.add(faults)
            if time.monotonic() > said[0] + OFTEN or tally.tried == len(seeds):
                said[0] = time.monotonic()
                tally.say(len(seeds))

    def draw() -> int | None:
        with lock:
            return next(waiting, None)

    def work(_: int) -> None:
        with tempfile.TemporaryDirectory(prefix="ddlab-attack-", ignore_cleanup_errors=True) as folder:
            for faults in _cases(opener, draw, seconds, Path(folder)):
                put(faults)

    workers = min(os.cpu_count() or 1, 1 + len(seeds) // WORTH_A_CAGE)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    tally.faults.sort(key=lambda fault: fault.seed)
    return tally


def _cases(opener: Opener, draw: Callable[[], int | None], seconds: float, folder: Path) -> Iterator[list[Fault]]:
    """The faults of one case after the other, until no seed is left."""
    cage: Cage | None = None
    try:
        while (seed := draw()) is not None:
            cage = cage or Cage(opener, folder / str(seed))
            yield cage.ask(seed, seconds)
            cage = cage if cage.open else None
    finally:
        if cage:
            cage.close()


class Cage:
    """A process that tries one case after the other."""

    def __init__(self, opener: Opener, folder: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        folder.mkdir()
        self.open = True
        self.log = folder / "log.txt"
        self.pipe, inside = spawn.Pipe()
        self.process = spawn.Process(target=_inside, args=(inside, opener, folder))
        self.process.start()
        inside.close()
        try:
            opened = self.pipe.poll(START) and self.pipe.recv() == OPEN
        except EOFError:
            opened = False
        if not opened:
            self.close()
            raise RuntimeError(f"no case could be tried:\n{self._last_words()}")

    def ask(self, seed: int, seconds: float) -> list[Fault]:
        """Try the case of a seed; on a machine that is busy with other things it may take as much longer."""
        self.pipe.send(seed)
        try:
            if self.pipe.poll(seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))):
                return self.pipe.recv()
            os.kill(self.process.pid or 0, signal.SIGUSR1)  # faulthandler writes where it is
            time.sleep(0.5)
            words = self._last_words()
            fault = Fault("hung", seed, f"no end after {seconds:g} s, {place(words)}", _noted(words))
        except EOFError:
            self.process.join()
            end = f"the process ended with {self.process.exitcode}"
            fault = Fault("uncaught", seed, end, _noted(self._last_words()))
        self.close()
        return [fault]

    def close(self) -> None:
        """Leave nothing behind."""
        self.open = False
        self.pipe.close()
        try:
            family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
            for process in family:
                process.kill()
        except psutil.NoSuchProcess:
            pass
        self.process.join()

    def _last_words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-20_000:]


def _inside(pipe: Connection, opener: Opener, folder: Path) -> None:
    """The life of a cage."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # an attack that is killed leaves nothing behind
    log = (folder / "log.txt").open("a")  # so that it can be emptied while it is written
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    faulthandler.enable()
    for variable, name in (("DDLAB_HOME", "home"), ("DDLAB_DATA", "data"), ("TMPDIR", "tmp")):
        os.environ[variable] = str(folder / name)
        (folder / name).mkdir(exist_ok=True)
    tempfile.tempdir = None  # so that TMPDIR is looked at again
    os.environ["STREAMLIT_LOGGER_ENABLE_RICH"] = "false"  # coloured tracebacks take seconds
    os.chdir(ROOT)
    case = opener()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pipe.send(OPEN)
    while True:
        seed = pipe.recv()
        log.truncate(0)
        pipe.send(_tried(case, seed))


def _tried(case: Case, seed: int) -> list[Fault]:
    try:
        return case(seed)
    except Exception:  # a case catches what it tries, so this is its own mistake
        return [Fault("uncaught", seed, f"the attack itself: {traceback.format_exc()[-500:]}")]


def note(case: str) -> None:
    """Put down what is done now, for those who will ask why it has no end."""
    sys.stderr.write(f"{NOTE}{case}\n")
    sys.stderr.flush()


def _noted(words: str) -> str:
    return words.rpartition(NOTE)[2].partition("\n")[0]


def attempt(action: Callable[[], object], seed: int, case: str) -> list[Fault]:
    """Do something that may succeed, or refuse with a short sentence; anything else is a fault."""
    note(case)
    try:
        action()
    except ValueError as refusal:
        if len(str(refusal)) > LONGEST:
            return [Fault("uncaught", seed, f"a message of more than {LONGEST} characters, {where(refusal)}", case)]
    except Exception as error:  # that is what we are here for
        return [Fault("uncaught", seed, f"{type(error).__name__}, {where(error)}", case)]
    return []


def where(error: BaseException) -> str:
    """The last place in our code that an exception passed."""
    return place("".join(traceback.format_exception(error, chain=False)), last=True)


def place(trace: str, *, last: bool = False) -> str:
    """The innermost place in our code of a printed stack: faulthandler begins with it, a traceback ends with it."""
    frames = FRAME.findall(trace) or ANY.findall(trace)
    return "in {}:{} ({})".format(*frames[-1 if last else 0]) if frames else "nobody knows where"


def shorten(value: object, most: int = 200) -> str:
    """A value as Python writes it, cut in the middle."""
    text = ascii(value)
    return text if len(text) <= most else f"{text[: most - 60]} ... {len(text)} characters ... {text[-20:]}"
