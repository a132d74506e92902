"""The folder of a run.

::

    experiment.json       {"schema", "experiment"}: what was asked, written first
    environment.json      versions, machine, command line
    name.txt              the name that people gave it
    notes.json            {"note", "tags"}: what people wrote about it
    owner.json            {"seat", "name"}: who made it, in a room; shared.json: all who are there may see it
    allowance.json        {"minutes", "spent"}: the time that it may take, in a room
    status.json           where it stands, and who works for it
    failure.json          why the rank that failed first did
    cancel.json           request that the run stop
    heartbeat.json        which machine works on it, and when it last said so
    round.json            of several machines without SLURM: which training program they gather for, or work on
    machine-<number>.json what each of them does, and when it last said so
    batch.sh              what SLURM is sent, where it works there
    progress.json         how far it is
    metrics-<rank>.jsonl  one record an epoch and network, appended
    times-<rank>.jsonl    one record a stage: how long the rank computed, and how long it took, appended
    log-<rank>.txt        output of a rank; log.txt that of the launcher, log-<host>.txt of a machine that joined
    stages/<stage>/seed<seed>/

What the files hold is typed in :mod:`ddlab.runs.records`.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from ddlab import files
from ddlab.experiment import SCHEMA, Experiment, parse_experiment, upgraded
from ddlab.records import ANYTHING
from ddlab.runs.rank_records import BEAT, TIMES, Times
from ddlab.runs.records import (
    ASKED,
    FAILURE,
    HALVED,
    HEARTBEAT,
    METRICS,
    PLACED,
    PROGRESS,
    RESULT,
    STATUS,
    WRITTEN,
    EpochRecord,
    Failure,
    Heartbeat,
    Process,
    Progress,
    StageResult,
    Status,
    Written,
    outlined,
)
from ddlab.runs.stage_folder import StageFolder

MOST_NAME = 80  # characters
RENAMED = {"sweeps": "data_passes"}  # fields of an epoch's record


class RunReader:
    """A reader of a run's folder: its experiment, its state, its records and its results.

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

    @property
    def note(self) -> str:
        """Note that people wrote about it; empty if none."""
        return self.written().get("note", "")

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that people gave it."""
        return tuple(self.written().get("tags", ()))

    def written(self) -> Written:
        """Read note and tags; empty if there are none."""
        return WRITTEN.read(self.path / "notes.json")

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment of the run, validated.

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

    def check_seed(self, seed: int) -> None:
        """Refuse a seed that the run has not, by a ValueError that names those it has."""
        if seed not in self.experiment.seeds:
            raise ValueError(f"seed: the run has {', '.join(map(str, self.experiment.seeds))}, got {seed}")

    @property
    def command(self) -> str:
        """The command line it was asked for with; empty if it was asked for otherwise."""
        return str(ASKED.read(self.path / "experiment.json").get("command") or "")

    def asked(self) -> dict[str, Any]:
        """The experiment as it was written, not validated but for its outline; empty if the folder is damaged."""
        tree = ASKED.read(self.path / "experiment.json")
        return outlined(upgraded(tree["experiment"], tree["schema"])) if tree else {}

    def placement(self) -> dict[str, Any]:
        """Read where it works: as its experiment says, or as it was resumed elsewhere."""
        return {**(self.asked().get("placement") or {}), **PLACED.read(self.path / "placement.json")}

    @property
    def halved(self) -> int:
        """Images a step since the run was short of memory; 0 if it never was."""
        return int(HALVED.read(self.path / "halved.json").get("batch_size", 0))

    # ---- where it stands

    def damage(self) -> str:
        """Say in a sentence what is wrong with the files that everything else depends on; empty if nothing is."""
        asked, status = self.path / "experiment.json", self.path / "status.json"
        fault = (ASKED.fault(asked) if asked.exists() else f"{asked.name} is not there") or STATUS.fault(status)
        return fault and f"The run's folder is damaged: {fault}."

    def status(self) -> Status:
        """Read ``status.json``; :meth:`state` says whether it still holds."""
        return STATUS.read(self.path / "status.json")

    def processes(self, status: Status | None = None) -> list[Process]:
        """Return the identities of all processes of its own; the launcher, maybe a server, is not among them."""
        status = self.status() if status is None else status
        names = ("pid", "birth", "boot", "created", "host")
        known: Mapping[str, object] = status
        own = cast(Process, {key: known[key] for key in names if key in known})
        return ([own] if status.get("pid") else []) + list(status.get("ranks") or ())

    @property
    def cancel_requested(self) -> bool:
        """Whether cancellation was requested."""
        return (self.path / "cancel.json").exists()

    def failure(self) -> Failure | None:
        """Read why the first rank that failed did; None if none failed."""
        return FAILURE.read(self.path / "failure.json") or None

    def heartbeat(self) -> Heartbeat:
        """Read which machine works on it, and when one of its processes last said so; empty before the first sign."""
        signs = filter(None, map(HEARTBEAT.read, self.path.glob("heartbeat*.json")))
        return max(signs, key=lambda sign: sign["time"], default=HEARTBEAT.read(self.path / "heartbeat.json"))

    def heartbeats(self) -> dict[int, dict[str, Any]]:
        """The last sign of life of every rank that has given one; what it must have is its time."""
        found = {int(path.stem.rpartition("-")[2]): BEAT.read(path) for path in self.path.glob("heartbeat-[0-9]*.json")}
        return {rank: dict(beat) for rank, beat in found.items() if beat}

    @property
    def batch_script(self) -> Path:
        """The file that SLURM is sent."""
        return self.path / "batch.sh"

    # ---- its records

    def progress(self) -> Progress:
        """Read how far the run is; empty before the first epoch."""
        return PROGRESS.read(self.path / "progress.json")

    def metrics(self) -> list[EpochRecord]:
        """All records of all ranks by time; of an epoch that was repeated after a resume, the last."""
        records = [_renamed(record) for path in self.path.glob("metrics-*.jsonl") for record in METRICS.lines(path)]
        records.sort(key=lambda record: record.get("time", 0))
        keys = ("stage", "seed", "subdomain", "fold", "epoch")
        latest = {tuple(map(record.get, keys)): record for record in records}
        return sorted(latest.values(), key=lambda record: record.get("time", 0))

    def times(self) -> list[Times]:
        """All lines of the timesheets of all ranks: of a stage that was interrupted, one for each turn."""
        return [line for path in sorted(self.path.glob("times-*.jsonl")) for line in TIMES.lines(path)]

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

    # ---- what it came to

    def stage(self, name: str, seed: int) -> StageFolder:
        """The folder of a stage for a seed; it need not exist yet."""
        return StageFolder(self.path / "stages" / name / f"seed{seed}", name, seed)

    def results(self) -> list[StageResult]:
        """The results of all stages that are done, by seed and stage."""
        found = [RESULT.read(path) for path in self.path.glob("stages/*/seed*/result.json")]
        return sorted(filter(None, found), key=lambda result: (result["seed"], result["stage"]))

    def results_stamp(self) -> int:
        """Return the newest time of a result of the run, which a stage writes last; it changes whenever one is written.

        Nothing else is looked at: a run that works replaces its other files at any moment.
        """
        return _newest(self.path.glob("stages/*/*/result.json"))

    def records_stamp(self) -> int:
        """Return the newest time of the run's records; it changes whenever an epoch is recorded."""
        return _newest(self.path.glob("metrics-*.jsonl"))

    def work_stamp(self) -> int:
        """Return the newest time of records and checkpoints; it changes whenever there is more to go on from."""
        return max(self.records_stamp(), _newest(self.path.glob("stages/*/*/checkpoint-*.pt")))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(files.size(path) for path in self.path.rglob("*"))


def _newest(paths: Iterable[Path]) -> int:
    return max((path.stat().st_mtime_ns for path in paths), default=0)


def _renamed(record: EpochRecord) -> EpochRecord:
    """Give the fields of a record of an older ddlab the names that they have now."""
    return cast(EpochRecord, {RENAMED.get(name, name): value for name, value in record.items()})
