"""The folder of a run as those who write it see it: made, changed and ended here; ``reader`` reads its content."""

import json
import re
import socket
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Self

from ddlab import access, files
from ddlab.experiment import SCHEMA, Experiment
from ddlab.home import home
from ddlab.runs.locks import locked
from ddlab.runs.processes import identity
from ddlab.runs.rank_records import Times
from ddlab.runs.reader import MOST_NAME, RunReader
from ddlab.runs.records import EpochRecord, Failure, Progress, Status
from ddlab.runs.state import RunState, derive
from ddlab.runs.summary import digest, summarize


class RunFolder(RunReader):
    """One execution of an experiment: everything that is known of it is in its folder."""

    @classmethod
    def create(cls, experiment: Experiment, command: str = "") -> Self:
        """Make the folder of a new run in ``home()/runs``; it appears whole, and never in the place of another.

        Parameters
        ----------
        command
            The command line that repeats it, kept for ``environment.json``.

        Raises
        ------
        ValueError
            If whoever asks may not have it, in a room with caps.
        """
        hidden = home() / "runs" / f".new-{uuid.uuid4().hex}"
        tree = {"schema": SCHEMA, "experiment": experiment.model_dump(mode="json"), "command": command}
        slug = re.sub(r"[^a-z0-9]+", "-", experiment.name.lower()).strip("-")[:40] or "run"
        with access.admitted(experiment) as mark:
            hidden.mkdir(parents=True)
            files.write_sealed(hidden / "experiment.json", tree)
            files.write_json(hidden / "status.json", _queued())
            mark(hidden)
            return cls(files.claim(hidden, hidden.with_name(f"{time.strftime('%Y%m%d-%H%M%S')}-{slug}")))

    def state(self) -> RunState:
        """Return the state of the run: a terminal one that was written, else what its processes show."""
        return derive(self)

    def summary(self) -> dict[str, Any]:
        """One row of a list of runs, as plain values from few and small files."""
        return summarize(self)

    def update_status(self, **changes: Any) -> None:
        """Change fields of ``status.json``; safe when several ranks do it at once.

        Raises
        ------
        ValueError
            If the run was deleted.
        """
        with locked(self.path, "status"):
            files.write_json(self.path / "status.json", {**self.status(), "time": time.time(), **changes})

    def changing(self) -> AbstractContextManager[None]:
        """Keep others from what only one may do at a time, such as resuming; raises as :func:`locked`."""
        return locked(self.path, "change")

    def record_rank(self, rank: int) -> None:
        """Note this process as a rank, so that it can be watched and stopped."""
        with locked(self.path, "status"):
            if rank == 0:
                files.reserve(self.path)
            ranks = [*(self.status().get("ranks") or ()), {"rank": rank, **identity()}]
            files.write_json(self.path / "status.json", {**self.status(), "ranks": ranks})

    def end(self, state: str, message: str = "") -> None:
        """Write a terminal state; a finished run also gets the digest of its results that lists show."""
        files.release(self.path)
        known = digest(self) if state == "finished" else {"accuracies": None}
        self.update_status(state=state, message=message, ended=time.time(), **known)

    def restart(self) -> None:
        """Forget how the last launch ended (failure, request to cancel, files left half-written) and begin anew."""
        endings = [self.path / f"{name}.json" for name in ("failure", "cancel", "heartbeat")]
        for path in (*endings, *self.path.glob("machine-*.json"), *self.path.rglob(f"{files.TEMPORARY}*")):
            path.unlink(missing_ok=True)
        with locked(self.path, "status"):
            files.write_json(self.path / "status.json", _queued())

    def beat(self) -> None:
        """Tell other machines that this one works on it."""
        files.write_json(self.path / "heartbeat.json", {"host": socket.gethostname(), "time": time.time()})

    def write_batch_script(self, text: str) -> None:
        """Keep what SLURM is sent, the first time and after every Resume."""
        files.write_text(self.batch_script, text)

    def place(self, placement: Mapping[str, Any]) -> None:
        """Let the next launch work elsewhere: ``workers`` and ``devices``, as the placement of an experiment."""
        kept = {key: placement[key] for key in ("workers", "devices") if placement.get(key) is not None}
        files.write_json(self.path / "placement.json", kept)

    def halve(self, batch_size: int) -> None:
        """Let the run go on with so many images a step, which its experiment does not say."""
        files.write_sealed(self.path / "halved.json", {"batch_size": batch_size})

    def request_cancel(self) -> None:
        """Request cancellation."""
        files.write_json(self.path / "cancel.json", {"time": time.time(), "host": socket.gethostname()})

    def write_failure(self, failure: Failure) -> bool:
        """Write the failure unless another rank already did; return whether it was the first."""
        files.release(self.path)
        try:
            with (self.path / "failure.json").open("x", encoding="utf-8") as file:
                json.dump(failure, file, ensure_ascii=False, indent=1)
        except FileExistsError:
            return False
        return True

    def write_progress(self, progress: Progress) -> None:
        """Write how far the run is."""
        files.write_json(self.path / "progress.json", progress)

    def append_metrics(self, rank: int, record: EpochRecord) -> None:
        """Append a record of a rank."""
        files.append_jsonl(self.path / f"metrics-{rank}.jsonl", record)

    def append_times(self, rank: int, times: Times) -> None:
        """Append a line of the timesheet of a rank."""
        files.append_jsonl(self.path / f"times-{rank}.jsonl", times)

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Keep what the run was made with."""
        files.write_json(self.path / "environment.json", environment)

    def rename(self, name: str) -> None:
        """Give it a name for people.

        Raises
        ------
        ValueError
            If the name is empty or longer than ``MOST_NAME`` characters, the run is gone or a shipped example.
        """
        self.check_writable("rename")
        name = " ".join(name.split())
        if not 1 <= len(name) <= MOST_NAME:
            raise ValueError(f"name: needs 1 to {MOST_NAME} characters, got {len(name)}")
        with locked(self.path, "status"):
            files.write_text(self.path / "name.txt", name)

    def check_writable(self, action: str = "change") -> None:
        """Raise a ValueError if it is a run that is shipped with ddlab, or another's in a room (:mod:`ddlab.access`).

        Parameters
        ----------
        action
            A verb for the sentence.
        """
        if self.read_only:
            raise ValueError(f"run {self.id}: is an example that comes with ddlab and stays as it is; train your own")
        access.check(self.path, action)


def _queued() -> Status:
    """The status of a run that this process is about to launch: it lives with us until it has a process of its own."""
    return {"state": "queued", "time": time.time(), "launcher": identity()}
