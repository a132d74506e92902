"""Let runs work on two machines and break something: each must end with what one machine comes to, bit for bit.

The machines are network namespaces with host names, processes and hosts files of their own. A case is a run of one
strategy that has collective stages, with two ranks on each, and one fault at a drawn moment: none; a rank that is
killed on either machine; a cable that is pulled and plugged in again; a machine whose programs are killed, and that
joins again; a first machine that is killed, and resumed; a run that is cancelled from either, and resumed. The other
side of the comparison is the same experiment with four ranks on one machine.
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from os import environ, kill

from ddlab.engine.devices import slots
from ddlab.engine.launch import environment
from ddlab.engine.waiter import training_command, variables
from ddlab.experiment import Experiment
from ddlab.problem import pose
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.stage import plan
from tests.attack.kills import SETTINGS, own_home, within
from tests.attack.tally import Fault, Kind, Tally
from tests.engine.hosts import PORT, Hosts, missing
from tests.engine.real import processes, what_it_came_to

TIMEOUT = 5.0  # seconds without a sign of life
SOON = 8.0  # seconds within which nobody may be left: five to cancel, and a busy machine
PATIENCE = 420.0  # seconds for a run that takes twenty on a quiet machine
EACH = 2  # ranks on each of the two machines, or fewer where it has fewer cores


def attack(count: int, seed: int) -> Tally:
    """Try so many runs on two machines; ``seed`` is that of the first. Nothing where there are no namespaces."""
    tally = Tally("hosts")
    if why := missing():
        sys.stderr.write(f"hosts: left out, {why}\n")
        return tally
    with own_home(), Hosts() as hosts:
        expected: dict[str, dict[str, bytes]] = {}
        for number in range(seed, seed + count):
            case = Case(number, hosts, expected)
            began = time.monotonic()
            case.run_through()
            tally.add(case.faults)
            sys.stderr.write(f"{case.told}: {time.monotonic() - began:.0f} s, restarts {case.restarts}\n")
            tally.say(count)
    return tally


def collective() -> list[str]:
    """The strategies of the registry that have a stage of all ranks together."""
    return [name for name in STRATEGIES if any(stage.kind == "collective" for stage in plan(pose(asked(name))))]


def asked(strategy: str) -> Experiment:
    """The experiment with which a strategy is tried."""
    return Experiment().with_settings({**SETTINGS, "name": "hosts", "strategies": [strategy], "training.epochs": 8})


@dataclass
class Case:
    """One run on two machines, and one fault."""

    seed: int
    hosts: Hosts
    expected: dict[str, dict[str, bytes]]
    faults: list[Fault] = field(default_factory=list)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        names, faults = collective(), [self._nothing, self._rank, self._cable, self._machine, self._first, self._cancel]
        self.strategy = names[self.seed % len(names)]
        self.fault = faults[(self.seed + self.seed // len(names)) % len(faults)]
        self.each = min(EACH, len(slots("cpu")))
        self.told = f"{self.strategy}, {self.fault.__name__.strip('_')}"

    def run_through(self) -> None:
        """Let the fault happen, then compare."""
        expected = self._on_one_machine()
        first, second = self.hosts.hosts
        self.id = first.ddlab("train", str(self._file()), "--detach").stdout.strip()
        run = self.run = RunFolder(self._home() / self.id)
        try:
            self._join()
            within(PATIENCE, lambda: len(run.metrics()) >= 1 or self._has_ended())
            within(self.rng.uniform(0, 4), self._has_ended)
            self.fault()
            if not within(PATIENCE, self._has_ended):
                self._tell("hung", f"no end within {PATIENCE:.0f} s: {first.ddlab('show', self.id).stdout[:300]}")
            elif run.status()["state"] != "finished":
                self._tell("lost", f"the run ended as {run.status()['state']}: {run.status().get('message')}")
            elif what_it_came_to(run) != expected:
                self._tell("lost", "the run came to something else than on one machine")
            self.restarts = len(run.status().get("restarts") or ())
            self._nobody_is_left()
        finally:
            for host in self.hosts.hosts:
                host.kill(str(run.path))
            self.hosts.mend()
            shutil.rmtree(run.path, ignore_errors=True)

    # ---- the faults

    def _nothing(self) -> None:
        """Let it train."""

    def _rank(self) -> None:
        """Kill a rank of either machine: the run must go on by itself, and count it once."""
        ranks = self.rng.choice(self.hosts.hosts).ranks(self.run)
        if not ranks or self._has_ended():
            return
        with suppress(ProcessLookupError):
            kill(self.rng.choice(ranks), signal.SIGKILL)
        within(60, lambda: self.run.status().get("restarts") or self._has_ended())
        told = [restart["sentence"] for restart in self.run.status().get("restarts") or ()]
        if len(told) > 1 or not all("was killed by signal 9" in sentence for sentence in told):
            self._tell("uncaught", f"a rank that was killed is told as {told}")

    def _cable(self) -> None:
        """Pull the cable for a while: the state must name the machine, and the run go on when it is back."""
        self.hosts.cut()
        if not self._is_told(lambda: "dd2 has not reached" in self._state()):
            self._tell("uncaught", f"the state does not name the machine that is cut off: {self._state()}")
        self.hosts.mend()

    def _machine(self) -> None:
        """Kill all programs of the second machine; it joins again."""
        self.hosts.hosts[1].kill(str(self.run.path))
        if not self._is_told(lambda: "dd2 has been silent" in self._state() or "Waits for 1 of 2" in self._state()):
            self._tell("uncaught", f"the state does not name the machine that is gone: {self._state()}")
        if not self._has_ended():
            self._join()

    def _first(self) -> None:
        """Kill all programs of the first machine: no rank stays on the second one, and Resume goes on."""
        first, second = self.hosts.hosts
        first.kill(str(self.run.path))
        if self._has_ended():
            return
        if not within(TIMEOUT + 5 * SOON, lambda: not second.ranks(self.run)):
            self._tell("orphans", "ranks of the second machine outlive the first one")
        first.ddlab("resume", self.id)

    def _cancel(self) -> None:
        """Cancel it from either machine: no rank is left anywhere within seconds; then it goes on."""
        if self._has_ended():
            return
        done = self.rng.choice(self.hosts.hosts).ddlab("cancel", self.id)
        if done.returncode and self.run.status()["state"] == "finished":
            return
        if not within(SOON, lambda: not any(host.ranks(self.run) for host in self.hosts.hosts)):
            self._tell("orphans", f"ranks are left {SOON:.0f} s after a cancel: {done.stderr}")
        if self.run.status()["state"] != "cancelled":
            self._tell("lost", f"a cancelled run is {self.run.status()['state']}: {done.stderr}")
        self._nobody_is_left()
        self.hosts.hosts[0].ddlab("resume", self.id)
        self._join()

    # ---- its parts

    def _join(self) -> None:
        done = self.hosts.hosts[1].ddlab("join", self.id, "--detach")
        if done.returncode and not self._has_ended():
            self._tell("uncaught", f"the second machine does not join: {done.stderr}")

    def _has_ended(self) -> bool:
        return self.run.status().get("state") in ("finished", "failed", "cancelled")

    def _is_told(self, condition) -> bool:  # type: ignore[no-untyped-def]
        return within(90, lambda: condition() or self._has_ended())

    def _state(self) -> str:
        """What the first machine says; a process of this one can't look at those of a namespace."""
        return self.hosts.hosts[0].ddlab("show", self.id).stdout.split("\n\n")[0]

    def _nobody_is_left(self) -> None:
        names = str(self.run.path)
        if not within(SOON, lambda: not any(host.processes(names) for host in self.hosts.hosts)):
            self._tell("orphans", f"a process is left {SOON:.0f} s after the end")

    def _on_one_machine(self) -> dict[str, bytes]:
        """What four ranks of this machine come to, past its queue: it may have fewer cores."""
        if self.strategy not in self.expected:
            run = RunFolder.create(asked(self.strategy))
            run.update_status(state="running", workers=2 * self.each)
            given = {**environment(), **variables(slots("cpu")), "GLOO_SOCKET_IFNAME": "lo"}
            command = training_command(run, "cpu", 2 * self.each)
            subprocess.run(command, env=given, capture_output=True, timeout=PATIENCE, check=False)
            assert run.status()["state"] == "finished", f"{self.strategy}: {run.status()}, {run.log(0)[-2000:]}"
            assert not processes(run)
            self.expected[self.strategy] = what_it_came_to(run)
            shutil.rmtree(run.path)
        return self.expected[self.strategy]

    def _file(self):  # type: ignore[no-untyped-def]
        place = {"machines": 2, "workers": self.each, "heartbeat_timeout": TIMEOUT}
        place |= {"rendezvous": f"{self.hosts.hosts[0].address}:{PORT}"}
        settings = {f"placement.{name}": value for name, value in place.items()}
        path = self._home().parent / "hosts.yaml"
        path.write_text(asked(self.strategy).with_settings(settings).to_yaml(), encoding="utf-8")
        return path

    def _home(self):  # type: ignore[no-untyped-def]
        from pathlib import Path

        return Path(environ["DDLAB_HOME"]) / "runs"

    def _tell(self, kind: Kind, what: str) -> None:
        self.faults.append(Fault(kind, self.seed, what, self.told))
