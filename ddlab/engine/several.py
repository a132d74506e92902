"""The part of one machine in a run of several, without SLURM: it meets the others, and ends with them.

``python -m ddlab.engine.several RUN NUMBER DEVICE...``. Machines tell each other what they do in the run's folder
(:mod:`ddlab.runs.machines`), so that one that knows the folder alone may join. The first machine decides: it begins a
round (a training program on all machines) when all are ready, and ends it for all when a rank or a machine is lost.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from ddlab import files
from ddlab.engine.aftermath import ASKED, goes_on
from ddlab.engine.failures import PEER_LOST
from ddlab.engine.heartbeat import Watch
from ddlab.engine.meeting import Reach
from ddlab.engine.member import Member
from ddlab.engine.standstill import Silence
from ddlab.engine.supervisor import CANCELLED, Program, Supervisor
from ddlab.engine.torchrun import EXITS
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.machines import BEAT, GONE, QUIET, ROUND, Machine
from ddlab.words import duration

POLL = 0.3  # seconds between two looks while machines gather
ANSWER = 4.0  # seconds within which machines say that they have ended their part: they end it 3 s after they are asked
REACH = 2.0  # seconds between two tries to reach the meeting
ENDED = Silence(None, 0.0)  # another machine has ended the round, or the run has ended
Asked = Callable[[], bool]


class First(Member):
    """The first machine: it begins rounds, and decides what follows their ends."""

    def __init__(self, run: RunFolder, devices: list[str]) -> None:
        super().__init__(run, 0, devices)
        self._number = self.round()["number"]
        self._watch: Watch | None = None

    def gather(self, asked: Asked) -> Program | None:
        """Wait until all machines are ready; None where the run ends before."""
        self._number += 1
        self._tell_round("gathers")
        while not asked() and not self.run_is_over():
            taken = "" if self.meeting.is_free() else f"Port {self.meeting.port} is used by another program."
            self.card.tell(word="ready", round=self._number, told=taken)
            if not taken and self._all_ready():
                self._watch = Watch(self.run.path, self.timeout)
                self.run.update_status(state="running", ranks=[])
                self.card.tell(word="works")
                self._tell_round("on")
                return self.program(self._number)
            time.sleep(POLL)
        self._leave()
        return None

    def look(self) -> Silence | None:
        """Tell why the round is to be ended; None as long as all is well."""
        assert self._watch is not None, "a round is on"
        self.card.tell()
        silence = self._watch.look()
        if self.run_is_over():
            return ENDED if self.lingers() else None
        missed = self._missed(QUIET / 2, BEAT) if silence else self._missed(self.timeout, self.timeout)
        if missed:
            return Silence(None, 0.0, told=missed)
        for machine, _ in self.others.look().values():
            if machine["round"] == self._number and machine["word"] == "ended":
                if machine.get("code") or machine.get("told"):
                    return ENDED  # by what it told, or how its ranks ended
        return silence

    def goes_on(self, code: int, silence: Silence | None, asked: Asked) -> bool:
        """Let all machines end the round, and decide by what they tell whether there is another one."""
        self._tell_round("over")
        if asked() or code == 0 or self.run_is_over():
            self._leave()
            return False
        exits, told = self.exits(), silence.told if silence else ""
        if not silence and not exits:
            exits = {"0": code}
        for number, machine in self._reports().items():
            lost = {str(number * self.gathering["workers"]): machine.get("code") or 0}
            told = told or machine.get("told", "")
            exits |= machine.get("exits") or ({} if machine.get("told") else lost)
        if any(exit not in (0, PEER_LOST, *ASKED) for exit in exits.values()):
            silence = None  # a rank that was lost, before machines that are missed for it
        elif told := told or self._missed(QUIET / 2, BEAT):
            silence = Silence(None, 0.0, told=told)
        elif silence is ENDED:
            silence = None
        files.write_json(self.run.path / EXITS, exits)
        self.run.update_status(state="queued")
        if goes_on(self.run.path, code, silence, self.run.experiment.placement.restarts) and not asked():
            return True
        self._leave()
        return False

    def _reports(self) -> dict[int, Machine]:
        """Wait a while for what the others tell of the round's end."""
        deadline = time.monotonic() + ANSWER
        while True:
            self.card.tell()
            seen = self.others.look()
            reports = {n: m for n, (m, _) in seen.items() if m["round"] == self._number and m["word"] == "ended"}
            out = [n for n, (m, silent) in seen.items() if m["word"] == "left" or silent > QUIET]
            if len(reports) + len(out) >= self.gathering["machines"] - 1 or time.monotonic() > deadline:
                return reports
            time.sleep(POLL)

    def _all_ready(self) -> bool:
        ready = [
            number
            for number, (machine, silent) in self.others.look().items()
            if machine["word"] == "ready" and machine["round"] == self._number
            if silent < QUIET and not machine["unreached"]
        ]
        return len(ready) == self.gathering["machines"] - 1

    def _missed(self, silence: float, distance: float) -> str:
        """Say which machine has left, was silent or out of reach for so many seconds; 0: whatever the time."""
        for machine, silent in self.others.look().values():
            host = f"Machine {machine.get('host')}"
            if machine["word"] == "left":
                return f"{host} left the run"
            if silence and silent > silence:
                return f"{host} was silent for {duration(silent)}"
            if distance and machine["unreached"] > distance:
                return f"{host} did not reach {self.meeting} for {duration(machine['unreached'])}"
        return ""

    def _tell_round(self, state: str) -> None:
        files.write_json(self.run.path / ROUND, {"number": self._number, "state": state})

    def _leave(self) -> None:
        """Tell that this machine does no more, and of a cancelled run, once all have left, that it has ended."""
        if self.run.cancel_requested and self.run.path.is_dir():
            deadline = time.monotonic() + ANSWER
            while self._others_work() and time.monotonic() < deadline:
                time.sleep(POLL / 3)
            if self.run.status().get("state") not in TERMINAL:
                self.run.end("cancelled", CANCELLED)
        self.card.tell(word="left")

    def _others_work(self) -> bool:
        return any(machine["word"] == "works" and silent < QUIET for machine, silent in self.others.look().values())


class Joined(Member):
    """A machine that has joined: it takes part in the rounds that the first one begins."""

    def __init__(self, run: RunFolder, number: int, devices: list[str]) -> None:
        super().__init__(run, number, devices)
        self._heard = time.monotonic()  # of the first machine
        self._reach = Reach(self.meeting, min(REACH, (self.timeout or REACH) / 4))
        self._mine = 0  # the round that it is ready for, or works on

    def gather(self, asked: Asked) -> Program | None:
        """Wait for a round and take part in it; None where the run is over, or the first machine long silent."""
        while not asked() and not self._is_done():
            round = self.round()
            if round["state"] == "on" and round["number"] == self._mine and self.card.told["word"] == "ready":
                try:
                    program = self.program(self._mine)
                except (OSError, ValueError) as error:  # the way was lost between two looks
                    self.card.end(0, {}, f"Machine {self.card.told['host']} has no way to {self.meeting} ({error})")
                    continue
                self.card.tell(word="works")
                return program
            if round["state"] == "gathers":
                self._mine = round["number"]
                self.card.tell(word="ready", round=self._mine, unreached=self._reach.unreached)
            else:
                self.card.tell(unreached=self._reach.unreached)
            time.sleep(POLL)
        self.card.tell(word="left")
        return None

    def look(self) -> Silence | None:
        """Tell why this machine's part of the round is to be ended; None as long as all is well."""
        self.card.tell(unreached=self._reach.unreached)
        if self.run_is_over():
            return ENDED if self.lingers() else None
        if self.round() != {"number": self._mine, "state": "on"}:
            return ENDED
        silent, unreached = self._first_is_silent(), self._reach.unreached
        if self.timeout and silent > self.timeout:
            return Silence(None, silent)
        if self.timeout and unreached > self.timeout:
            host = self.card.told["host"]
            return Silence(
                None, unreached, told=f"Machine {host} did not reach {self.meeting} for {duration(unreached)}"
            )
        return None

    def goes_on(self, code: int, silence: Silence | None, asked: Asked) -> bool:
        """Tell how this machine's part ended; what follows is the first one's to decide."""
        self.card.end(0 if silence else code, self.exits(), silence.told if silence else "")
        if asked():
            self.card.tell(word="left")
            return False
        return True

    def _is_done(self) -> bool:
        """Whether nothing is left to do here: the run is over, was begun anew in another way, or led by nobody."""
        gathering = self.run.status().get("gathering")
        moved = gathering is not None and gathering != self.gathering
        return self.run_is_over() or moved or self._first_is_silent() > GONE

    def _first_is_silent(self) -> float:
        if first := self.others.look().get(0):
            self._heard = time.monotonic() - first[1]
        return time.monotonic() - self._heard


def main() -> None:
    """Supervise this machine's part of the run that the command line names."""
    run, number, devices = RunFolder(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    part = Joined(run, number, devices) if number else First(run, devices)
    try:
        sys.exit(abs(Supervisor(Path(run.path), part).supervise()))
    finally:
        part.card.tell(word="left")


if __name__ == "__main__":
    main()
