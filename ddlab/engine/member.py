"""One of several machines of a run: the file that it tells the others in, what it sees of theirs, and its program."""

import sys
import time
from typing import Any

from ddlab import files
from ddlab.engine.meeting import Meeting
from ddlab.engine.supervisor import Program
from ddlab.engine.torchrun import exits_file
from ddlab.records import ANYTHING
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.machines import BEAT, FILE, QUIET, ROUND, ROUNDS, Machine, Round, machines_of
from ddlab.runs.processes import identity

LINGER = 5.0  # seconds that a program may take to end after its run


class Card:
    """The file in which this machine tells the others what it does: ``machine-<number>.json``."""

    def __init__(self, run: RunFolder, number: int, devices: list[str]) -> None:
        self.path = run.path / FILE.format(number=number)
        self.told: dict[str, Any] = {"word": "waits", "round": 0, "unreached": 0.0, "devices": devices}
        self.told |= {"began": time.time(), **identity()}
        self._last = float("-inf")

    def tell(self, **changes: Any) -> None:
        """Write at once where something changed, else as often as a sign of life is due."""
        changed = any(self.told.get(name) != value for name, value in changes.items() if name != "unreached")
        self.told |= changes
        if changed or time.monotonic() - self._last >= BEAT:
            self._last = time.monotonic()
            try:
                files.write_json(self.path, {**self.told, "time": time.time()})
            except OSError:
                pass  # a full disk, or a file system out of reach: others see the silence

    def end(self, code: int, exits: dict[str, int], told: str) -> None:
        """Tell how this machine's part of the round ended."""
        self.tell(word="ended", code=code, exits=exits, told=told)


class Others:
    """The other machines, and for how long each has been silent by this machine's clock."""

    def __init__(self, run: RunFolder, own: int) -> None:
        self.run, self.own = run, own
        self._seen: dict[int, tuple[float, float]] = {}
        self._looked = time.monotonic()

    def look(self) -> dict[int, tuple[Machine, float]]:
        """Read what they tell; of each the seconds since it changed."""
        now, found = time.monotonic(), {}
        if now - self._looked > QUIET / 2:  # this process was stopped, and maybe the others with it
            self._seen = {number: (told, now) for number, (told, _) in self._seen.items()}
        self._looked = now
        for number, machine in machines_of(self.run).items():
            if number != self.own:
                if number not in self._seen or self._seen[number][0] != machine["time"]:
                    # The file of one that has gone is not younger for being seen now.
                    age = max(0.0, time.time() - machine["time"]) if number not in self._seen else 0.0
                    self._seen[number] = machine["time"], now - age
                found[number] = machine, now - self._seen[number][1]
        return found


class Member:
    """One of the machines of a run; the first one and those that join it share this."""

    def __init__(self, run: RunFolder, number: int, devices: list[str]) -> None:
        gathering = run.status().get("gathering")
        assert gathering, "the first machine writes it before it or others come here"
        self.run, self.number, self.gathering = run, number, gathering
        self.meeting = Meeting.parse(gathering["at"])
        self.timeout = run.experiment.placement.heartbeat_timeout
        self.card, self.others = Card(run, number, devices), Others(run, number)
        self._over_since: float | None = None

    def round(self) -> Round:
        """The round that the first machine has told last."""
        return ROUNDS.read(self.run.path / ROUND) or Round(number=0, state="over")

    def run_is_over(self) -> bool:
        """Whether it has ended, or is to end."""
        return self.run.cancel_requested or self.run.status().get("state") in TERMINAL or not self.run.path.is_dir()

    def lingers(self) -> bool:
        """Whether the run ended a while ago, and its program here did not."""
        if self._over_since is None and self.run_is_over():
            self._over_since = time.monotonic()
        return self._over_since is not None and time.monotonic() - self._over_since > LINGER

    def program(self, round: int) -> Program:
        """The command of this machine's agent of torchrun, and the variables that it needs besides."""
        own = self.meeting.own_address()
        options = [
            f"--nnodes={self.gathering['machines']}",
            f"--node-rank={self.number}",
            f"--nproc-per-node={self.gathering['workers']}",
            "--max-restarts=0",  # a round is a fresh program with a fresh store
            "--rdzv-backend=static",  # who takes part is agreed already, and ranks follow the machines' numbers
            f"--rdzv-endpoint={self.meeting}",
            f"--rdzv-id={self.run.id}.{round}",
            f"--local-addr={own}",
        ]
        worker = ["-m", "ddlab.engine.worker", str(self.run.path), self.gathering["kind"]]
        return [sys.executable, "-m", "ddlab.engine.torchrun", *options, *worker], self.meeting.variables()

    def exits(self) -> dict[str, int]:
        """Exit codes of this machine's ranks that failed; they are forgotten then."""
        path = self.run.path / exits_file(self.number)
        exits = ANYTHING.read(path)
        path.unlink(missing_ok=True)
        return {rank: int(exit) for rank, exit in exits.items()}
