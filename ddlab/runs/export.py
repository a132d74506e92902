"""A copy of a run to give away: what it asked and what it came to, without what only this machine needs."""

import shutil
from collections.abc import Collection
from pathlib import Path

from ddlab import access, files
from ddlab.records import ANYTHING
from ddlab.runs.folder import RunFolder

ROOM = ("owner.json", "shared.json", "allowance.json")
PRIVATE = ("launcher", "pid", "birth", "boot", "created", "host", "ranks", "job")  # who ran it where


def export_run(run: RunFolder, destination: Path, *, light: bool = False) -> RunFolder:
    """Copy a run to ``destination/<id>``, without checkpoints, logs and the names of machine and processes.

    Parameters
    ----------
    light
        Leave the weights out too.

    Raises
    ------
    ValueError
        If the run still waits or works, the copy exists already, or it cannot be made.
    """
    access.check(run.path, "export")
    target = destination / run.id
    if run.state().is_live:
        raise ValueError(f"run {run.id}: is {run.state().state}; export it when it has ended")
    if target.exists():
        raise ValueError(f"{target}: exists already; choose another folder")
    left_out = ["checkpoint-*", "heartbeat*", "log*.txt", "batch.sh", *ROOM, ".*", *(["weights-*"] if light else [])]
    try:
        shutil.copytree(run.path, target, ignore=shutil.ignore_patterns(*left_out))
        for name, private in (("status.json", PRIVATE), ("environment.json", ("host",))):
            _forget(target / name, private)
    except OSError as error:  # a file that cannot be read, a disk that is full, or the run was deleted meanwhile
        shutil.rmtree(target, ignore_errors=True)
        raise ValueError(f"run {run.id}: cannot be copied to {target} ({_cause(error)})") from error
    return RunFolder(target)


def _cause(error: OSError) -> str:
    """Return the first error; copying a tree collects a list of them."""
    several = error.args[0] if isinstance(error, shutil.Error) else None
    return str(several[0][-1]) if several else str(error)


def _forget(path: Path, keys: Collection[str]) -> None:
    if path.exists():
        files.write_json(path, {key: value for key, value in ANYTHING.read(path).items() if key not in keys})
