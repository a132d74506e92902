"""Break runs under a real SLURM: every one must end with what an undisturbed run of this machine ends with, to the bit.

A case is a run of one strategy on one node or two, and one to three faults: a rank, an agent of torchrun or all of the
job's processes are killed, others want its nodes, a person cancels it and resumes it, or SLURM ends the job. SLURM
begins it again, or a person resumes it.
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import pytest

from ddlab.engine.control import cancel, resume, stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, damaged_files
from tests.attack.kills import PATIENCE, SETTINGS, SOON, ends, own_home, within
from tests.attack.tally import Fault, Kind, Tally
from tests.engine import cluster
from tests.engine.cluster import occupy, tell
from tests.engine.real import processes, what_it_came_to

FAULTS = (1, 3)  # of a case


def attack(count: int, seed: int) -> Tally:
    """Break so many runs; ``seed`` is that of the first. Nothing is tried where there is no SLURM."""
    tally = Tally("jobs")
    if why := cluster.missing():
        sys.stderr.write(f"jobs: skipped, SLURM is {why}\n")
        return tally
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    undisturbed: dict[tuple[str, int], dict[str, bytes]] = {}
    try:
        with own_home(), cluster.Cluster():
            for number in range(seed, seed + count):
                case = Case(number, undisturbed)
                case.run_through()
                tally.add(case.faults)
                tally.say(count)
    except pytest.skip.Exception as why_not:
        sys.stderr.write(f"jobs: skipped, {why_not}\n")
    return tally


@dataclass
class Case:
    """One run, and what happens to its job."""

    seed: int
    undisturbed: dict[tuple[str, int], dict[str, bytes]]
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.strategy = self.rng.choice(list(STRATEGIES))
        self.nodes = self.rng.choice([1, 2]) if len(slots("cpu")) > 1 else 1
        kinds: list[Callable[[RunFolder], None]] = [self._kill, self._kill, self._take, self._cancel, self._end]
        self.tried = [self.rng.choice(kinds) for _ in range(self.rng.randint(*FAULTS))]

    def run_through(self) -> None:
        """Let the faults happen, then compare."""
        expected = self._expected()
        own = {"placement.engine": "slurm", "placement.machines": self.nodes, "placement.workers": 1}
        run = self._start(own)
        try:
            for fault in self.tried:
                within(PATIENCE, lambda: _begun(run) or not run.state().is_live)
                before = len(run.metrics())
                within(3.0, lambda before=before: len(run.metrics()) > before + 1)  # type: ignore[misc]
                if run.state().is_live:
                    fault(run)
                self._go_on(run)
            if not ends(run):
                self._tell("hung", f"the run wrote nothing for {PATIENCE:.0f} s and did not end")
            elif run.state().state != "finished":
                self._tell("lost", f"the run ended as {run.state().state}: {run.state().message}")
            elif what_it_came_to(run) != expected:
                self._tell("lost", "the run came to something else than an undisturbed run of this machine")
            for damaged in damaged_files(run):
                self._tell("lost", damaged)
        finally:
            tell("scancel", "--full", "--signal=KILL", job := (run.status().get("job") or {}).get("id", "0"))
            tell("scancel", job)
            if not within(SOON, lambda: not processes(run)):
                self._tell("orphans", f"a process is left {SOON:.0f} s after the end of its job")
            shutil.rmtree(run.path, ignore_errors=True)

    def _go_on(self, run: RunFolder) -> None:
        """Resume a run whose job is over."""
        if run.state().can_resume:
            within(SOON, lambda: not processes(run))
            with suppress(ValueError):  # it had just begun again
                resume(run)

    # ---- the faults

    def _kill(self, run: RunFolder) -> None:
        """Kill a process of the job, or all."""
        alive = processes(run)
        for process in alive if self.rng.random() < 0.3 else self.rng.sample(alive, min(1, len(alive))):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self._settle(run)

    def _take(self, run: RunFolder) -> None:
        """Others of higher priority want the nodes for a moment."""
        occupy("--partition=urgent", seconds=1)
        self._settle(run)

    def _cancel(self, run: RunFolder) -> None:
        """A person cancels it."""
        with suppress(ValueError):
            cancel(run)
            if run.state().state not in ("cancelled", "finished"):
                self._tell("lost", f"a cancelled run is {run.state().state}")

    def _end(self, run: RunFolder) -> None:
        """SLURM is told to end the job, past ddlab."""
        tell("scancel", run.status()["job"]["id"])
        self._settle(run)

    def _settle(self, run: RunFolder) -> None:
        """Wait until SLURM has noticed: the run is over, waits, or has begun once more."""
        starts = (run.status().get("job") or {}).get("starts", 0)
        began = lambda: (run.status().get("job") or {}).get("starts", 0) > starts  # noqa: E731
        within(2 * SOON, lambda: began() or not run.state().is_live or run.state().state == "queued")

    # ---- its parts

    def _expected(self) -> dict[str, bytes]:
        key = self.strategy, self.nodes
        if key not in self.undisturbed:
            run = self._start({"placement.workers": self.nodes})
            ended = ends(run)
            assert ended and run.state().state == "finished", f"{key}: {run.state()}, {run.log()}, {run.log(0)}"
            self.undisturbed[key] = what_it_came_to(run)
            stop_processes(run)
        return self.undisturbed[key]

    def _start(self, own: dict[str, object]) -> RunFolder:
        asked = {**SETTINGS, "name": "jobs", "strategies": [self.strategy], **own}
        run = RunFolder.create(Experiment().with_settings(asked))
        launch(run)
        return run

    def _tell(self, kind: Kind, what: str) -> None:
        names = ", ".join(fault.__name__.strip("_") for fault in self.tried)
        self.faults.append(Fault(kind, self.seed, what, f"{self.strategy} on {self.nodes} nodes: {names}"))


def _begun(run: RunFolder) -> bool:
    """Whether its job trains: ranks have told their names."""
    return bool(run.status().get("ranks")) and run.state().state == "running"
