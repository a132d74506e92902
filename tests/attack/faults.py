"""Lose parts of runs in other ways than by a kill: each must end with what an undisturbed run ends with, bit for bit.

A case is a run of a drawn strategy on one or two workers, and one fault at a drawn moment: a rank that is stopped and
answers to nothing, or hangs in a call while its heart beats; checkpoints that are damaged while nobody works, a data
file that is gone when the run is resumed; or the run is resumed on another number of workers, where it must only end.
"""

import os
import random
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ddlab.engine.control import resume, stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.home import home
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from tests.attack.kills import PATIENCE, SETTINGS, SOON, able_to_hang, ends, own_home, within
from tests.attack.tally import Fault, Kind, Tally
from tests.engine.real import processes, what_it_came_to

TIMEOUT = 4.0  # seconds without a heartbeat
SLOW = 60.0  # seconds in which a rank must be missed on a busy machine


def attack(count: int, seed: int) -> Tally:
    """Try so many faults; ``seed`` is that of the first."""
    tally = Tally("faults")
    with own_home(), able_to_hang():
        _write_images(images := home().parent / "images.npz")
        undisturbed: dict[tuple[str, int], dict[str, bytes]] = {}
        for number in range(seed, seed + count):
            case = Case(number, images, undisturbed)
            case.run_through()
            tally.add(case.faults)
            tally.say(count)
    return tally


def _write_images(path: Path) -> None:
    """Write images of one's own whose brightest corner tells the class."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 120, (200, 16, 16), dtype=np.uint8), np.arange(200) % 4
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 80
    np.savez(path, images=images, labels=labels)


@dataclass
class Case:
    """One run and one fault."""

    seed: int
    images: Path
    undisturbed: dict[tuple[str, int], dict[str, bytes]]
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.strategy = self.rng.choice(list(STRATEGIES))
        self.workers = self.rng.choice([1, 2]) if len(slots("cpu")) > 1 else 1
        kinds = [self._stopped_rank, self._hanging_rank, self._damaged_checkpoints, self._lost_data]
        self.fault = self.rng.choice([*kinds, self._moved] if len(slots("cpu")) > 1 else kinds)

    def run_through(self) -> None:
        """Let the fault happen, then compare."""
        expected = self._expected()
        run = self._start()
        try:
            self._train_a_while(run)
            self.fault(run)
            if not ends(run):
                self._tell("hung", f"the run wrote no record for {PATIENCE:.0f} s and did not end")
            elif run.state().state != "finished":
                self._tell("lost", f"the run ended as {run.state().state}: {run.state().message}")
            elif self.fault != self._moved and what_it_came_to(run) != expected:
                self._tell("lost", "the run came to something else than an undisturbed run")
        finally:
            stop_processes(run)
            shutil.rmtree(run.path, ignore_errors=True)

    # ---- the faults

    def _stopped_rank(self, run: RunFolder) -> None:
        """Stop a rank: the run must name it and go on by itself."""
        self._lose(run, signal.SIGSTOP, "was last heard of")

    def _hanging_rank(self, run: RunFolder) -> None:
        """Let a rank hang in a call, its heart still beating: the run must name it and go on by itself."""
        self._lose(run, signal.SIGUSR1, "has not come to |has kept the others waiting|has stood still for ")

    def _lose(self, run: RunFolder, number: signal.Signals, said: str) -> None:
        ranks = run.status().get("ranks") or []
        if not ranks or not run.state().is_live:
            return
        victim = self.rng.choice(ranks)
        try:
            os.kill(victim["pid"], number)
        except ProcessLookupError:
            return
        if not within(SLOW, lambda: run.state().restarts or not run.state().is_live):
            self._tell("hung", f"a rank that does nothing was not missed within {SLOW:.0f} s")
        told = run.state().restarts
        who = f"Rank {victim['rank']}|The training program" if self.workers == 1 else f"Rank {victim['rank']}"
        if told and not re.match(f"({who}) ({said})", told[-1]):
            self._tell("uncaught", f"rank {victim['rank']} does nothing, and is not named: {told[-1]}")

    def _damaged_checkpoints(self, run: RunFolder) -> None:
        """Damage the newest checkpoint of every stage and rank while nobody works."""
        self._end(run)
        for path in run.path.glob("stages/*/*/checkpoint-*.pt"):
            if not path.stem.endswith("-previous"):
                self._damage(path)
        self._go_on(run)

    def _damage(self, path: Path) -> None:
        content = path.read_bytes()
        place = self.rng.randrange(max(1, len(content) - 100))
        damage: list[Callable[[], object]] = [
            lambda: path.write_bytes(content[:place]),
            lambda: path.write_bytes(b""),
            lambda: path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :]),
            path.unlink,
        ]
        self.rng.choice(damage)()

    def _lost_data(self, run: RunFolder) -> None:
        """Take the images away between the end and the resume: a sentence must name them, and nothing be lost."""
        self._end(run)
        if run.state().state == "finished":
            return
        shutil.rmtree(home() / "cache", ignore_errors=True)
        away = self.images.rename(self.images.with_name("away.npz"))
        try:
            try:
                resume(run)
            except ValueError as error:
                told = str(error)
            else:
                ends(run)
                told = run.state().message
                if run.state().state != "failed" or run.state().restarts:
                    self._tell("uncaught", f"without its data the run is {run.state().state}: {told}")
            if self.images.name not in told:
                self._tell("uncaught", f"the file that is gone is not named: {told}")
        finally:
            away.rename(self.images)
        within(SOON, lambda: not processes(run))
        self._go_on(run)

    def _moved(self, run: RunFolder) -> None:
        """Resume it on another number of workers: it must go on there, or refuse with the number that it needs."""
        self._end(run)
        if run.state().state == "finished":
            return
        resume(run, workers=3 - self.workers)
        if not ends(run):
            return
        if run.state().state == "failed":
            if f"choices: {self.workers}" not in run.state().message:
                self._tell("uncaught", f"on {3 - self.workers} the run failed: {run.state().message}")
            within(SOON, lambda: not processes(run))
            resume(run, workers=self.workers)

    # ---- its parts

    def _train_a_while(self, run: RunFolder) -> None:
        epochs = self.rng.randint(1, 6)
        within(PATIENCE, lambda: len(run.metrics()) >= epochs or not run.state().is_live)

    def _end(self, run: RunFolder) -> None:
        pid = run.status().get("pid")
        if pid and run.state().is_live:
            os.kill(pid, signal.SIGKILL)
        if not within(SOON, lambda: not processes(run) and not run.state().is_live):
            self._tell("orphans", f"a process is left {SOON:.0f} s after a kill")
            stop_processes(run)

    def _go_on(self, run: RunFolder) -> None:
        if run.state().state != "finished":
            resume(run)

    def _expected(self) -> dict[str, bytes]:
        key = self.strategy, self.workers
        if key not in self.undisturbed:
            run = self._start()
            ended = ends(run)
            assert ended and run.state().state == "finished", f"{key}: {run.state()}, {run.log()}, {run.log(0)}"
            self.undisturbed[key] = what_it_came_to(run)
        return self.undisturbed[key]

    def _start(self) -> RunFolder:
        own = {"name": "faults", "dataset.name": "folder", "dataset.path": str(self.images)}
        own |= {"strategies": [self.strategy], "placement.workers": self.workers}
        own |= {"placement.heartbeat_timeout": TIMEOUT}
        run = RunFolder.create(Experiment().with_settings({**SETTINGS, **own}))
        launch(run)
        return run

    def _tell(self, kind: Kind, what: str) -> None:
        name = self.fault.__name__.strip("_").replace("_", " ")
        self.faults.append(Fault(kind, self.seed, what, f"{self.strategy} on {self.workers}, {name}"))
