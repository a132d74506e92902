"""A copy of a run to give away: what it asked and what it came to, without what only this machine needs."""

import shutil
from collections.abc import Collection
from pathlib import Path

from ddlab import files
from ddlab.records import ANYTHING
from ddlab.runs.folder import RunFolder

PRIVATE = ("launcher", "pid", "birth", "boot", "created", "host", "ranks")  # who ran it where


def export_run(run: RunFolder, destination: Path, *, light: bool = False) -> RunFolder:
    """Copy a run to ``destination/<id>``, without checkpoints, logs and the names of machine and processes.

    Parameters
    ----------
    light
        Leave the weights out too.

    Raises
    ------
    ValueError
        If the run still waits or works, or the copy exists already.
    """
    target = destination / run.id
    if run.state().is_live:
        raise ValueError(f"run {run.id}: is {run.state().state}; export it when it has ended")
    if target.exists():
        raise ValueError(f"{target}: exists already; choose another folder")
    left_out = ["checkpoint-*", "log*.txt", ".*", *(["weights-*"] if light else [])]
    shutil.copytree(run.path, target, ignore=shutil.ignore_patterns(*left_out))
    for name, private in (("status.json", PRIVATE), ("environment.json", ("host",))):
        _forget(target / name, private)
    return RunFolder(target)


def _forget(path: Path, keys: Collection[str]) -> None:
    if path.exists():
        files.write_json(path, {key: value for key, value in ANYTHING.read(path).items() if key not in keys})
