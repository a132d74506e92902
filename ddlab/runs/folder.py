"""The folder of a run.

::

    experiment.json       {"schema", "experiment"}: what was asked, written first
    environment.json      versions, machine, command line
    name.txt              the name that people gave it
    status.json           where it stands, and who works for it
    failure.json          why the rank that failed first did
    cancel.json           that somebody asked it to stop
    progress.json         how far it is
    metrics-<rank>.jsonl  one record an epoch and network, appended
    log-<rank>.txt        output of a rank; log.txt that of the launcher
    stages/<stage>/seed<seed>/

What the files hold is typed in :mod:`ddlab.runs.records`.
"""

import json
import re
import time
import uuid
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ddlab import files
from ddlab.experiment import SCHEMA, Experiment, parse_experiment, upgraded
from ddlab.home import home
from ddlab.records import ANYTHING
from ddlab.runs.locks import locked
from ddlab.runs.processes import identity
from ddlab.runs.records import ASKED, FAILURE, METRICS, PROGRESS, RESULT, STATUS, outlined
from ddlab.runs.stage_folder import StageFolder
from ddlab.runs.state import RunState, derive
from ddlab.runs.summary import digest, summarize

MOST_NAME = 80  # characters


class RunFolder:
    """One execution of an experiment: everything that is known of it is in its folder.

    Parameters
    ----------
    path
        The folder. Nothing is read before it is asked for.
    read_only
        Whether it is shipped with ddlab and must stay as it is.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only

    def __repr__(self) -> str:
        return f"RunFolder({self.id!r})"

    @classmethod
    def create(cls, experiment: Experiment, command: str = "") -> Self:
        """Make the folder of a new run in ``home()/runs``; it appears whole, and never in the place of another.

        Parameters
        ----------
        command
            The command line that repeats it, kept for ``environment.json``.
        """
        hidden = home() / "runs" / f".new-{uuid.uuid4().hex}"
        hidden.mkdir(parents=True)
        tree = {"schema": SCHEMA, "experiment": experiment.model_dump(mode="json"), "command": command}
        files.write_sealed(hidden / "experiment.json", tree)
        files.write_json(hidden / "status.json", _queued())
        slug = re.sub(r"[^a-z0-9]+", "-", experiment.name.lower()).strip("-")[:40] or "run"
        return cls(files.claim(hidden, hidden.with_name(f"{time.strftime('%Y%m%d-%H%M%S')}-{slug}")))

    # ---- what was asked

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def name(self) -> str:
        """The name that people gave it, or the experiment's."""
        return self.given_name or str(self.asked().get("name") or self.id)

    @property
    def given_name(self) -> str:
        """The name that people gave it; empty if they gave none."""
        try:
            return (self.path / "name.txt").read_text(encoding="utf-8", errors="replace").strip()[:MOST_NAME]
        except OSError:
            return ""

    @cached_property
    def experiment(self) -> Experiment:
        """What was asked, validated.

        Raises
        ------
        ValueError
            If the folder is damaged or comes from a newer ddlab.
        """
        tree = ASKED.read(self.path / "experiment.json")
        if not tree:
            raise ValueError(f"run {self.id}: {self.damage()}")
        if tree["schema"] > SCHEMA:
            raise ValueError(
                f"run {self.id}: comes from a newer ddlab (schema {tree['schema']}, this one reads up to {SCHEMA}); "
                "update ddlab to open it"
            )
        return parse_experiment(upgraded(tree["experiment"], tree["schema"]))

    @property
    def command(self) -> str:
        """The command line it was asked for with; empty if it was asked for otherwise."""
        return str(ASKED.read(self.path / "experiment.json").get("command") or "")

    def asked(self) -> dict[str, Any]:
        """The experiment as it was written, not validated but for its outline; empty if the folder is damaged."""
        tree = ASKED.read(self.path / "experiment.json")
        return outlined(upgraded(tree["experiment"], tree["schema"])) if tree else {}

    # ---- where it stands

    def state(self) -> RunState:
        """Where it stands: a terminal state that was written, else what its processes tell."""
        return derive(self)

    def damage(self) -> str:
        """Tell what is wrong with the files that everything else stands on, in a sentence; empty if nothing is."""
        asked, status = self.path / "experiment.json", self.path / "status.json"
        fault = (ASKED.fault(asked) if asked.exists() else f"{asked.name} is not there") or STATUS.fault(status)
        return fault and f"The run's folder is damaged: {fault}."

    def status(self) -> dict[str, Any]:
        """What ``status.json`` says; :meth:`state` tells whether it still holds."""
        return STATUS.read(self.path / "status.json")

    def processes(self, status: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Identities of all processes of its own; the launcher, maybe a server, is none."""
        status = self.status() if status is None else status
        names = ("pid", "birth", "boot", "created", "host")
        first = [{key: status[key] for key in names if key in status}] if status.get("pid") else []
        return first + list(status.get("ranks") or ())

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
        """Forget how the last launch ended (its failure, a wish to cancel, files left half-written) and begin anew."""
        endings = (self.path / "failure.json", self.path / "cancel.json")
        for path in (*endings, *self.path.rglob(f"{files.TEMPORARY}*")):
            path.unlink(missing_ok=True)
        with locked(self.path, "status"):
            files.write_json(self.path / "status.json", _queued())

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked it to stop."""
        return (self.path / "cancel.json").exists()

    def request_cancel(self) -> None:
        """Request cancellation."""
        files.write_json(self.path / "cancel.json", {"time": time.time()})

    def failure(self) -> dict[str, Any] | None:
        """Why the rank that failed first did; None if none failed."""
        return FAILURE.read(self.path / "failure.json") or None

    def write_failure(self, failure: dict[str, Any]) -> bool:
        """Write the failure unless another rank already did; tells whether it was the first."""
        files.release(self.path)
        try:
            with (self.path / "failure.json").open("x", encoding="utf-8") as file:
                json.dump(failure, file, ensure_ascii=False, indent=1)
        except FileExistsError:
            return False
        return True

    # ---- what it tells

    def progress(self) -> dict[str, Any]:
        """How far it is; empty before the first epoch."""
        return PROGRESS.read(self.path / "progress.json")

    def write_progress(self, progress: dict[str, Any]) -> None:
        """Tell how far it is."""
        files.write_json(self.path / "progress.json", progress)

    def metrics(self) -> list[dict[str, Any]]:
        """All records of all ranks by time; of an epoch that was repeated after a resume, the last."""
        records = [record for path in self.path.glob("metrics-*.jsonl") for record in METRICS.lines(path)]
        records.sort(key=lambda record: record.get("time", 0))
        keys = ("stage", "seed", "subdomain", "fold", "epoch")
        latest = {tuple(map(record.get, keys)): record for record in records}
        return sorted(latest.values(), key=lambda record: record.get("time", 0))

    def append_metrics(self, rank: int, record: dict[str, Any]) -> None:
        """Append a record of a rank."""
        files.append_jsonl(self.path / f"metrics-{rank}.jsonl", record)

    def log_path(self, rank: int | None = None) -> Path:
        """The file of a rank's output, or of the launcher's."""
        return self.path / ("log.txt" if rank is None else f"log-{rank}.txt")

    def log(self, rank: int | None = None) -> str:
        """Output of a rank, or of the launcher; empty if there is none."""
        try:
            return self.log_path(rank).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def environment(self) -> dict[str, Any]:
        """Versions, machine and command line of the last launch."""
        return ANYTHING.read(self.path / "environment.json")

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Keep what the run was made with."""
        files.write_json(self.path / "environment.json", environment)

    # ---- what it came to

    def stage(self, name: str, seed: int) -> StageFolder:
        """The folder of a stage for a seed; it need not exist yet."""
        return StageFolder(self.path / "stages" / name / f"seed{seed}", name, seed)

    def results(self) -> list[dict[str, Any]]:
        """The results of all stages that are done, by seed and stage."""
        found = [RESULT.read(path) for path in self.path.glob("stages/*/seed*/result.json")]
        return sorted(filter(None, found), key=lambda result: (result["seed"], result["stage"]))

    def summary(self) -> dict[str, Any]:
        """One row of a list of runs, as plain values from few and small files."""
        return summarize(self)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(files.size(path) for path in self.path.rglob("*"))

    def rename(self, name: str) -> None:
        """Give it a name for people.

        Raises
        ------
        ValueError
            If the name is empty or longer than ``MOST_NAME`` characters, the run is gone or the shipped example.
        """
        self.check_writable()
        name = " ".join(name.split())
        if not 1 <= len(name) <= MOST_NAME:
            raise ValueError(f"name: needs 1 to {MOST_NAME} characters, got {len(name)}")
        with locked(self.path, "status"):
            files.write_atomically(self.path / "name.txt", lambda path: path.write_text(name, encoding="utf-8"))

    def check_writable(self) -> None:
        """Raise a ValueError if it is the run that is shipped with ddlab."""
        if self.read_only:
            raise ValueError(f"run {self.id}: is the example that comes with ddlab and stays as it is; train your own")


def _queued() -> dict[str, Any]:
    """The status of a run that this process is about to launch: it lives with us until it has a process of its own."""
    return {"state": "queued", "time": time.time(), "launcher": identity()}
