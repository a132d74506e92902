"""Cancel runs anywhere: within five seconds the run is cancelled, and nobody is left.

A case is a run of one strategy on one worker or two, and a moment: while it waits, starts, decodes images, trains in
a drawn stage, writes a file; while one of its ranks is stopped or hangs in a call that no signal ends, and the other
waits for it; while its supervisor begins anew after a loss. How long a cancellation takes is told with the load.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

from ddlab.engine.control import cancel, stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.home import home
from ddlab.problem import pose
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.stage import plan
from tests.attack.kills import PATIENCE, SETTINGS, able_to_hang, devices_taken, own_home, within, writes
from tests.attack.tally import Fault, Kind, Tally
from tests.engine.real import processes

LIMIT = 5.0  # seconds from the wish to the end
EPOCHS = {"cnn_dnn": "aggregator.epochs", "transfer": "transfer.epochs", "composed": "composed.epochs"}


def attack(count: int, seed: int) -> Tally:
    """Cancel so many runs; ``seed`` is that of the first."""
    tally, seconds, loads = Tally("cancels"), [], []
    with own_home(), able_to_hang():
        for number in range(seed, seed + count):
            case = Case(number)
            case.run_through()
            tally.add(case.faults)
            tally.say(count)
            seconds += case.seconds
            loads.append(os.getloadavg()[0])
    if seconds:
        most = f"95 % within {np.quantile(seconds, 0.95):.1f} s, all within {max(seconds):.1f} s"
        sys.stderr.write(f"cancels: {len(seconds)} took {most}, at a load of {min(loads):.0f} to {max(loads):.0f}\n")
    return tally


@dataclass
class Case:
    """One run, and the moment at which it is cancelled."""

    seed: int
    faults: list[Fault] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        workers = self.rng.choice([1, 2]) if len(slots("cpu")) > 1 else 1
        self.strategy = self.rng.choice(list(STRATEGIES))
        own = {"name": "cancels", "strategies": [self.strategy], "placement.workers": workers}
        own |= {"placement.heartbeat_timeout": 60.0, "aggregator.early_stopping": 0}
        experiment = Experiment().with_settings({**SETTINGS, **own})
        stages = [stage.name for stage in plan(pose(experiment)) if stage.tasks]
        self.stage = self.rng.choice(stages or [""])
        self.moment = self.rng.choice(MOMENTS)
        # The stage that is drawn lasts, those before it are short.
        lasting = EPOCHS.get(self.stage, "training.epochs")
        self.experiment = experiment.with_settings({"training.epochs": 2, lasting: 1000})
        self.told = f"{self.strategy} on {workers}, {self.moment.__name__.strip('_').replace('_', ' ')} {self.stage}"

    def run_through(self) -> None:
        """Wait for the moment, cancel, and look who is left."""
        with ExitStack() as around:
            if self.moment is _waiting:
                around.enter_context(devices_taken())
            if self.moment is _decoding:
                shutil.rmtree(home() / "cache", ignore_errors=True)
            run = RunFolder.create(self.experiment)
            try:
                launch(run)
                self.moment(self, run)
                self._cancel(run)
            finally:
                stop_processes(run)
                shutil.rmtree(run.path, ignore_errors=True)

    def _cancel(self, run: RunFolder) -> None:
        began = time.monotonic()
        try:
            cancel(run)
        except ValueError as error:
            if "nothing to cancel" not in str(error):
                self._fault("uncaught", str(error))
            return  # it was faster
        self.seconds.append(time.monotonic() - began)
        state, left = run.state(), processes(run)
        if state.state != "cancelled":
            self._fault("lost", f"a cancelled run is {state.state}: {state.message}")
        if left:
            self._fault("orphans", f"{len(left)} processes are left after a cancellation")
        if self.seconds[-1] > LIMIT and os.getloadavg()[0] < 2 * (os.cpu_count() or 1):
            self._fault("hung", f"a cancellation took {self.seconds[-1]:.1f} s")

    def _fault(self, kind: Kind, what: str) -> None:
        self.faults.append(Fault(kind, self.seed, what, self.told))


# ---- the moments


def _waiting(case: Case, run: RunFolder) -> None:
    case.stage = ""
    time.sleep(case.rng.uniform(0, 1))


def _starting(case: Case, run: RunFolder) -> None:
    time.sleep(case.rng.uniform(0, 4))


def _decoding(case: Case, run: RunFolder) -> None:
    within(PATIENCE, lambda: writes(run) or run.metrics() or not run.state().is_live)


def _training(case: Case, run: RunFolder) -> None:
    within(PATIENCE, lambda: _trains(run, case.stage) or not run.state().is_live)
    time.sleep(case.rng.uniform(0, 0.3))


def _writing(case: Case, run: RunFolder) -> None:
    _training(case, run)
    within(3.0, lambda: writes(run) or not run.state().is_live)


def _with_a_rank_stopped(case: Case, run: RunFolder) -> None:
    _training(case, run)
    _signal(case, run, signal.SIGSTOP)
    time.sleep(case.rng.uniform(0, 1))


def _with_a_rank_that_hangs(case: Case, run: RunFolder) -> None:
    _training(case, run)
    _signal(case, run, signal.SIGUSR1)
    time.sleep(case.rng.uniform(0, 1))


def _beginning_anew(case: Case, run: RunFolder) -> None:
    _training(case, run)
    _signal(case, run, signal.SIGKILL)
    time.sleep(case.rng.uniform(0, 3))


def _alone(case: Case, run: RunFolder) -> None:
    """After one of its processes, whichever, was stopped: its supervisor perhaps."""
    _training(case, run)
    for process in case.rng.sample(alive := processes(run), min(1, len(alive))):
        with suppress(psutil.NoSuchProcess):
            process.suspend()


MOMENTS: tuple[Callable[[Case, RunFolder], None], ...] = (
    *(_waiting, _starting, _decoding, _training, _training, _writing, _with_a_rank_stopped, _with_a_rank_that_hangs),
    *(_beginning_anew, _alone),
)


def _trains(run: RunFolder, stage: str) -> bool:
    return any(record["stage"] == stage for record in run.metrics())


def _signal(case: Case, run: RunFolder, number: signal.Signals) -> None:
    if ranks := run.status().get("ranks"):
        with suppress(ProcessLookupError):
            os.kill(case.rng.choice(ranks)["pid"], number)
