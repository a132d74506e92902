"""Kill runs anywhere: every chain of kills and resumes must end with what an undisturbed run ends with, bit for bit.

A case is a chain: a run of one strategy on one or two workers, killed two to six times at drawn moments (at its start,
in training, while a file is being written, while the images are decoded, while it waits for a device) and in drawn
places (the supervisor, torchrun or a rank, all at once). Where the supervisor is killed, the run is resumed; where it
lives, it must go on by itself.
"""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ddlab import files
from ddlab.data.cache import PART
from ddlab.engine import tickets
from ddlab.engine.control import resume, stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.home import home
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, damaged_files
from tests.attack.tally import Fault, Kind, Tally
from tests.engine.real import processes, what_it_came_to

KILLS = (2, 6)  # of a chain
SOON = 10.0  # seconds within which nobody may be left
PATIENCE = 240.0  # seconds without a record, of a run whose epoch takes one on a quiet machine
LOOK = 0.005  # seconds between two looks
STUCK = Path(__file__).parents[1] / "engine" / "stuck"  # lets a rank hang when it is asked to
POLITE = 4.0  # times that a nice program waits longer for its turn than others
SETTINGS = {
    "name": "kills",
    "dataset.name": "digits",
    "dataset.size": 16,
    "dataset.train_images": 300,
    "dataset.validation_images": 60,
    "training.epochs": 5,
    "training.batch_size": 50,
    "aggregator.epochs": 4,
    "transfer.epochs": 2,
    "apts.overlap": 0.0,
    "layerwise.micro_batches": 5,
    "gabra.micro_batches": 5,
    "model.reduction": "1/N",
    "placement.devices": "cpu",
    "placement.restarts": 100,
}


def attack(count: int, seed: int) -> Tally:
    """Kill at least ``count`` times, in chains; ``seed`` is that of the first chain."""
    tally = Tally("kills")
    with own_home():
        undisturbed: dict[tuple[str, int], Undisturbed] = {}
        while tally.tried < count:
            chain = Chain(seed, undisturbed)
            chain.run_through()
            tally.add(chain.faults)
            tally.tried += chain.kills - 1  # what is counted are kills
            tally.say(count)
            seed += 1
    return tally


@dataclass(frozen=True)
class Undisturbed:
    """What a run that nobody kills comes to, and the seconds that it takes."""

    came_to: dict[str, bytes]
    seconds: float


@dataclass
class Chain:
    """One run, and what is done to it."""

    seed: int
    undisturbed: dict[tuple[str, int], Undisturbed]
    kills: int = 0
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.strategy = self.rng.choice(list(STRATEGIES))
        self.workers = self.rng.choice([1, 2]) if len(slots("cpu")) > 1 else 1
        self.told = f"{self.strategy} on {self.workers}"

    def run_through(self) -> None:
        """Kill and resume, then compare."""
        expected = self._expected()
        if self.rng.random() < 0.2:
            shutil.rmtree(home() / "cache", ignore_errors=True)
        run = self._start()
        try:
            for _ in range(self.rng.randint(*KILLS)):
                if not self._kill(run, expected.seconds):
                    break
            if not ends(run):
                self._fault("hung", f"a resumed run wrote no record for {PATIENCE:.0f} s and did not end")
            elif run.state().state != "finished":
                self._fault("lost", f"the chain ended as {run.state().state}: {run.state().message}")
            elif what_it_came_to(run) != expected.came_to:
                self._fault("lost", "the chain came to something else than an undisturbed run")
            for damaged in damaged_files(run):
                self._fault("lost", damaged)
        finally:
            stop_processes(run)
            shutil.rmtree(run.path, ignore_errors=True)

    def _expected(self) -> Undisturbed:
        key = self.strategy, self.workers
        if key not in self.undisturbed:
            began = time.monotonic()
            run = self._start()
            ended = ends(run)
            assert ended and run.state().state == "finished", f"{self.told}: {run.state()}, {run.log()}, {run.log(0)}"
            self.undisturbed[key] = Undisturbed(what_it_came_to(run), time.monotonic() - began)
        return self.undisturbed[key]

    def _start(self) -> RunFolder:
        asked = {**SETTINGS, "strategies": [self.strategy], "placement.workers": self.workers}
        run = RunFolder.create(Experiment().with_settings(asked))
        launch(run)
        return run

    # ---- one kill

    def _kill(self, run: RunFolder, seconds: float) -> bool:
        """Wait for a drawn moment, kill, see that nobody is left, resume; False where the run was faster."""
        moments: list[Callable[[], bool]] = [
            lambda: within(self.rng.uniform(0, 0.3 * seconds), lambda: not run.state().is_live),
            lambda: within(self.rng.uniform(0, seconds), lambda: not run.state().is_live),
            lambda: within(seconds, lambda: writes(run) or not run.state().is_live),
        ]
        self.rng.choice(moments)()
        victims = self._victims(run)
        if not victims or not run.state().is_live:
            return False
        self.kills += 1
        restarts, below = len(run.state().restarts), self._below(run)
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        if run.status().get("pid") not in {victim.pid for victim in victims}:
            return self._goes_on(run, restarts, below)
        if not within(SOON, lambda: not processes(run)):
            self._fault("orphans", f"a process is left {SOON:.0f} s after a kill")
            stop_processes(run)
        if not within(SOON, lambda: not run.state().is_live):
            self._fault("hung", f"the run is still {run.state().state} {SOON:.0f} s after a kill")
        return self._resume(run)

    def _victims(self, run: RunFolder) -> list[psutil.Process]:
        """The program at the top, one of those below it, or all."""
        alive, below = processes(run), self._below(run)
        top = [process for process in alive if process not in below]
        drawn = self.rng.choice(["top", "below", "all"])
        return alive if drawn == "all" else [self.rng.choice(below)] if drawn == "below" and below else top

    def _below(self, run: RunFolder) -> list[psutil.Process]:
        return [process for process in processes(run) if process.pid != run.status().get("pid")]

    def _goes_on(self, run: RunFolder, restarts: int, below: list[psutil.Process]) -> bool:
        """See that a run whose supervisor lives ends its other processes and goes on; False where it was faster."""
        if not within(SOON, lambda: not any(process.is_running() and lives(process) for process in below)):
            self._fault("orphans", f"a process is left {SOON:.0f} s after another one was killed")
        if not within(SOON, lambda: len(run.state().restarts) > restarts or not run.state().is_live):
            self._fault("hung", f"the run was not restarted within {SOON:.0f} s")
        return run.state().is_live

    def _resume(self, run: RunFolder) -> bool:
        """Resume a run that was killed; sometimes it has to wait for a device first, and is killed there, too."""
        state = run.state()
        if state.state == "finished":
            return False
        if state.state != "lost":
            self._fault("uncaught", f"after a kill the run is {state.state}: {state.message}")
        if self.rng.random() < 0.2:
            with devices_taken():
                resume(run)
                self.kills += 1
                os.kill(run.status()["pid"], signal.SIGKILL)
                if not within(SOON, lambda: run.state().state == "lost" and not processes(run)):
                    self._fault("orphans", "a waiting process is left after a kill")
        resume(run)
        return True

    def _fault(self, kind: Kind, what: str) -> None:
        self.faults.append(Fault(kind, self.seed, what, f"{self.told}, kill {self.kills}"))


# ---- what is looked at


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Wait until something is so; False where it is not in time.

    Seconds are those of a machine that others leave to us: where they push us aside, each lasts longer. A look counts
    for a tenth of one at most, so while this process is stopped time stands still: what it waits for may be, too.
    """
    left, before = seconds, time.monotonic()
    while not condition():
        now = time.monotonic()
        left, before = left - min(now - before, 20 * LOOK) / _crowd(), now
        if left < 0:
            return False
        time.sleep(LOOK)
    return True


def _crowd() -> float:
    """How many want each core; programs that are as nice as this attack may be get what the others leave."""
    wanted = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    return wanted * POLITE if wanted > 1 and os.nice(0) > 0 else wanted


def ends(run: RunFolder) -> bool:
    """Wait for the end of a run, as long as it goes on; False where nothing is written for ``PATIENCE`` seconds."""
    while True:
        before = _written(run)
        if within(PATIENCE, lambda: not run.state().is_live or _written(run) != before):  # noqa: B023
            if not run.state().is_live:
                return True
        else:
            return False


def _written(run: RunFolder) -> tuple[int, ...]:
    """Tell how much there is of records, checkpoints and logs; heartbeats come of a rank that hangs, too."""
    files = [path for path in run.path.rglob("*") if path.suffix in (".jsonl", ".pt", ".txt", ".safetensors", ".npz")]
    sizes = []
    for path in files:
        with suppress(OSError):
            sizes += [path.stat().st_mtime_ns]
    return (*sorted(sizes),)


def lives(process: psutil.Process) -> bool:
    """Whether it is more than an entry that its parent has to read."""
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def writes(run: RunFolder) -> bool:
    """Whether a file is being written at the moment: of the run, or of the cache."""
    cache = home() / "cache"
    return any(run.path.rglob(f"{files.TEMPORARY}*")) or any(cache.glob(f"*{PART}"))


@contextmanager
def devices_taken() -> Iterator[None]:
    """Hold all devices for a while, as another run would."""
    other = RunFolder.create(Experiment(name="holder"))
    ticket = tickets.take(other, "cpu", len(slots("cpu")))
    tickets.claim(ticket, [device.name for device in slots("cpu")])
    try:
        yield
    finally:
        ticket.path.unlink(missing_ok=True)
        shutil.rmtree(other.path)


@contextmanager
def own_home() -> Iterator[None]:
    """Keep runs and caches apart from the user's."""
    before = os.environ.get("DDLAB_HOME")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["DDLAB_HOME"] = str(Path(folder) / "home")
        try:
            yield
        finally:
            os.environ.pop("DDLAB_HOME") if before is None else os.environ.update(DDLAB_HOME=before)


@contextmanager
def able_to_hang() -> Iterator[None]:
    """Let the processes of runs find what makes them hang."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(STUCK), before]))
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
