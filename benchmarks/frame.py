"""The rounds of the table: every bench in a process of its own, which waits between its rounds.

Benches of a group live at the same time and take turns, a round each, so that a disturbance of a minute spoils one
round of many rows and not all rounds of one. What a row compares takes turns within a round. Before every round it is
looked whether other programs work: such rounds are marked.
"""

import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from benchmarks.rows import RUNS, TRAININGS, Bench
from benchmarks.table import Row, Sample
from ddlab.engine.waiter import heap
from ddlab.machine.measuring import BUSY, TOO_BUSY
from ddlab.written import percent

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0  # seconds that a bench may need to prepare, or for a round
ENDING = 10.0  # seconds to leave in order
LAST_LINES = 6
BLOCK, BLOCKS = bytes(2**20), 150  # bytes hashed at once, and how often: an eighth of a second
LOOK = 0.2  # seconds in which we do nothing, and what is done is done by others
OTHERS = 0.25  # cores that others may use in a round that counts as quiet
UNTIL = {TRAININGS: 0.6, RUNS: 0.8}  # of the time, when a group is to end; the last one has the rest
Say = Callable[[str], None]


class Failed(Exception):
    """A bench could not be measured; says why."""


# ---- whether the machine is quiet


def free_share() -> float:
    """The share of a core that other programs leave to us while we work on all cores: the least of them, 0 to 1."""
    shares: list[float] = []

    def spin() -> None:  # hashing works without the interpreter's lock
        began, worked = time.perf_counter(), time.thread_time()
        for _ in range(BLOCKS):
            hashlib.sha256(BLOCK).digest()
        shares.append((time.thread_time() - worked) / (time.perf_counter() - began))

    threads = [threading.Thread(target=spin) for _ in psutil.Process().cpu_affinity()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return min(shares)


def others_cores() -> float:
    """How many of our cores other programs work on, while we do nothing."""
    own = psutil.Process().cpu_affinity()
    used = psutil.cpu_percent(LOOK, percpu=True)
    return sum(used[core] for core in own if core < len(used)) / 100


def is_disturbed() -> bool:
    """Whether other programs work now: they hold cores, or would use them beside us."""
    return others_cores() > OTHERS or free_share() < BUSY


def refuse_when_busy() -> None:
    """Look whether numbers would make sense.

    Raises
    ------
    ValueError
        If other programs hold the cores for a large part of the time.
    """
    if (share := free_share()) < TOO_BUSY:
        raise ValueError(
            f"machine: other programs leave {percent(share, 0)} of a core, and {percent(TOO_BUSY, 0)} are needed: too "
            "busy to be measured; try again when it is quiet, or measure all the same with --busy"
        )


# ---- a bench in its own process


class Worker:
    """The process of a bench: it prepares, says so, and then measures a round whenever it is told to.

    Parameters
    ----------
    log
        Where its output goes.
    """

    def __init__(self, name: str, home: Path, quick: bool, log: IO[bytes]) -> None:
        self._log = log
        environment = {**os.environ, **heap(os.environ), "DDLAB_HOME": str(home), "PYTHONPATH": _path()}
        command = [sys.executable, "-m", "benchmarks.rows", name, *["--quick"] * quick]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        self._answer()

    def measure(self) -> dict[str, Sample]:
        """One round: a sample of every row that the bench gives.

        Raises
        ------
        Failed
            If it ends, or takes too long; says its last words.
        """
        assert self._process.stdin
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self._last_words()) from None
        return {name: Sample(**plain) for name, plain in self._answer().items()}

    def close(self) -> None:
        """Let it leave: its input ends."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.close()
            self._process.wait(ENDING)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _answer(self) -> Mapping[str, Any]:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        if not ready:
            self._process.kill()
            raise Failed(f"took longer than {PATIENCE:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._last_words())
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._process.wait()
        self._log.flush()
        text = Path(self._log.name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-LAST_LINES:]) or f"ended with code {self._process.returncode}"


def _path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))


# ---- the rounds


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Parameters
    ----------
    rounds
        Of every bench, but not more than it says itself.
    seconds
        After which no round begins but the first of a bench; every group has its part of them.
    quick
        Whether rounds are shorter.
    """

    rounds: int
    seconds: float
    quick: bool = False


def measure(benches: Mapping[str, Bench], home: Path, effort: Effort, say: Say) -> dict[str, Row]:
    """Measure benches, group after group.

    Parameters
    ----------
    home
        A folder for what they make; each gets one of its own there.
    say
        Called with a line whenever something was done.

    Returns
    -------
    dict
        Rows by name, in the order of the benches; with what failed instead of samples where something did.
    """
    rows = {question.name: Row(question) for bench in benches.values() for question in bench.questions}
    began = time.monotonic()
    for group in dict.fromkeys(bench.group for bench in benches.values()):
        of_group = {name: bench for name, bench in benches.items() if bench.group == group}
        until = began + UNTIL.get(group, 1.0) * effort.seconds
        try:
            with _workers(of_group, home, effort.quick, rows, say) as workers:
                for turn in range(effort.rounds):
                    for name in [name for name in workers if turn < of_group[name].rounds]:
                        if turn and time.monotonic() > until:
                            break
                        if not _round(workers[name], of_group[name], rows, say):
                            del workers[name]
        finally:
            end_what_is_left(home)
    return rows


def end_what_is_left(home: Path) -> None:
    """End the processes that work for a folder of ours, such as the warm process of a server that has gone."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(word.startswith(f"{home}{os.sep}") for word in process.cmdline()):
                process.kill()
        except psutil.Error:  # it has gone, or is not ours
            continue


@contextmanager
def _workers(
    benches: Mapping[str, Bench], home: Path, quick: bool, rows: dict[str, Row], say: Say
) -> Iterator[dict[str, Worker]]:
    """Start and prepare the processes of a group, one after the other; those that fail are left out."""
    found: dict[str, Worker] = {}
    with ExitStack() as stack:
        for name, bench in benches.items():
            began, folder = time.monotonic(), home / name
            folder.mkdir(parents=True, exist_ok=True)
            log = stack.enter_context((folder / "log.txt").open("ab"))
            try:
                found[name] = Worker(name, folder, quick, log)
            except Failed as error:
                _fail(bench, rows, error, say)
                continue
            stack.callback(found[name].close)
            say(f"{name}: prepared in {time.monotonic() - began:.0f} s")
        yield found


def _round(worker: Worker, bench: Bench, rows: dict[str, Row], say: Say) -> bool:
    """One round of a bench; whether it can go on."""
    disturbed, began = is_disturbed(), time.monotonic()
    try:
        samples = worker.measure()
    except Failed as error:
        _fail(bench, rows, error, say)
        return False
    for name, sample in samples.items():
        rows[name].samples.append(sample)
        rows[name].disturbed += disturbed
    told = ", ".join(f"{name} {sample.value:.3g}" for name, sample in samples.items())
    say(f"{told} ({time.monotonic() - began:.0f} s{', others work, too' * disturbed})")
    return True


def _fail(bench: Bench, rows: dict[str, Row], error: Failed, say: Say) -> None:
    for question in bench.questions:
        rows[question.name].failed = str(error)
    say(f"{bench.questions[0].name}: {error}")
