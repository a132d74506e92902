"""A look through files before anything is trained on them: every one is decoded, whatever kind they are."""

from dataclasses import dataclass
from pathlib import Path

from ddlab.data.containers import open_container
from ddlab.data.own import arrays, images, volumes
from ddlab.data.own.report import Report
from ddlab.data.source import Progress

Look = images.Look | volumes.Look | arrays.Look


@dataclass(frozen=True)
class Inspection:
    """A look through files, after it: what was found, and the files that can be used."""

    path: Path
    look: Look
    report: Report


def inspect(path: Path, progress: Progress | None = None) -> Inspection:
    """Decode every file of a folder, an archive or an npz, or those that a CSV names, and report on all of them.

    Where there is a NIfTI file, the data are volumes; their labels are in a CSV, or are the names of their folders.

    Parameters
    ----------
    progress
        Called after every image; what it raises ends the look.

    Raises
    ------
    ValueError
        If there is nothing (:class:`~ddlab.data.source.DataMissing`), or none of it can be used: an archive that is
        refused, a table that cannot be read, an npz without images.
    """
    look = _look(path)
    return Inspection(path, look, look.report(progress or _silent))


def _look(path: Path) -> Look:
    if path.suffix.lower() == ".npz":
        return arrays.Look(path)
    if path.suffix.lower() == ".csv":
        return volumes.Look(open_container(path.parent), path.name)
    container = open_container(path)
    has_volumes = any(map(volumes.is_volume, container.names()))
    return volumes.Look(container) if has_volumes else images.Look(container)


def _silent(done: int, total: int) -> None:
    pass
