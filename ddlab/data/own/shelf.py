"""The shelf: data sets of the user's own that ddlab keeps, a folder each below ``home()/data/own``.

A folder holds ``images.zip``, ``images.npz`` or the folder ``volumes``, with nothing in it but what could be decoded,
and ``report.json``, the report on what it was made of. It appears at once, whole, and under its name.
"""

import os
import re
import shutil
import time
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from ddlab import access, files
from ddlab.data import limits
from ddlab.data.messages import amount, shown
from ddlab.data.own import arrays, copying, images
from ddlab.data.own.inspecting import Inspection
from ddlab.data.own.report import Report
from ddlab.data.source import Progress
from ddlab.home import data_name, home, kept_data
from ddlab.records import ANYTHING
from ddlab.registry import nearest, shortened

REPORT = "report.json"
CONTENTS = {"images.zip": "folder", "images.npz": "folder", "volumes": "nifti"}  # with the data set that reads them
MAKING = ".making-"
ABANDONED = 86_400.0  # seconds after which what was being made is of a process that was killed
LONGEST_NAME = 60
NAME = re.compile(rf"[^\W_][\w-]{{0,{LONGEST_NAME - 1}}}")
FREE = 2**30  # bytes of the disk that are left to everything else


@dataclass(frozen=True)
class OwnSet:
    """A data set on the shelf.

    Parameters
    ----------
    added
        When, as ISO 8601 in UTC.
    source
        The data set of the registry that reads it: ``folder`` or ``nifti``.
    """

    name: str
    added: str
    source: str
    content: Path
    report: Report

    @property
    def path(self) -> Path:
        """Folder of the data set."""
        return self.content.parent

    @property
    def settings(self) -> dict[str, str]:
        """Settings of an experiment's data set: what to train on it takes, also on the command line."""
        return {"name": self.source, "path": data_name(self.content)}


def shelf() -> Path:
    """The folder of the data sets that are kept."""
    return kept_data()


def keep(inspection: Inspection, name: str, progress: Progress | None = None) -> OwnSet:
    """Copy the files that can be decoded, and no others, onto the shelf.

    Raises
    ------
    ValueError
        If the name cannot be one, or is taken; if nothing could be trained with what is left; if there is no room.
    """
    wanted = shelf() / checked_name(name)
    report = inspection.report
    if report.obstacle:
        raise ValueError(f"path: {report.obstacle}")
    _check_room(inspection)
    making = shelf() / f"{MAKING}{uuid.uuid4().hex}"
    making.mkdir(parents=True)
    try:
        look, silent = inspection.look, (lambda done, total: None)
        if isinstance(look, images.Look):
            copying.copy_images(look, making / "images.zip", progress or silent)
        elif isinstance(look, arrays.Look):
            copying.copy_arrays(look, making / "images.npz", progress or silent)
        else:
            copying.copy_volumes(look, making / "volumes", progress or silent)
        access.mark(making)
        added = datetime.now(UTC).isoformat(timespec="seconds")
        files.write_sealed(making / REPORT, {"added": added, "report": report.to_json()})
        try:
            os.rename(making, wanted)
        except OSError:
            raise _taken(wanted.name) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return find(wanted.name)


def kept() -> list[OwnSet]:
    """The data sets on the shelf that whoever asks may see, by name; what cannot be read is passed over."""
    return access.visible(everything())


def everything() -> list[OwnSet]:
    """All data sets on the shelf, whoever asks."""
    found = [_read(folder) for folder in _folders()]
    return [entry for entry in found if entry is not None]


def find(name: str) -> OwnSet:
    """The data set of that name.

    Raises
    ------
    ValueError
        If there is none; names the nearest one.
    """
    known = {entry.name: entry for entry in kept()}
    if name not in known:
        guess = nearest(name, list(known))
        hint = f"; did you mean {guess!r}?" if guess else f"; there are: {', '.join(known) or 'none'}"
        raise ValueError(f"name: there is no data set {shortened(name)} of your own{hint}")
    return known[name]


def delete(name: str) -> None:
    """Delete a data set of one's own, and all that was decoded of it.

    Runs that were trained on it keep their results; their images can no longer be shown.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    folder = next((folder for folder in _folders() if folder.name == name), None)
    if folder is None:
        find(name)
        return
    access.check(folder, "delete")
    gone = folder.with_name(f"{MAKING}{uuid.uuid4().hex}")
    contents = {shown(folder / content, 1000) for content in CONTENTS}
    os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)
    for meta in (home() / "cache").glob("*/meta.json"):
        try:
            source = ANYTHING.read(meta)["description"]["source"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if source in contents:
            shutil.rmtree(meta.parent, ignore_errors=True)


def checked_name(name: str) -> str:
    """The name in the one way that Unicode writes it.

    Raises
    ------
    ValueError
        If it cannot be one, or is taken.
    """
    written = unicodedata.normalize("NFC", name)
    if not NAME.fullmatch(written):
        raise ValueError(
            f"name: needs 1 to {LONGEST_NAME} letters, digits, hyphens and underscores, the first a letter or a digit; "
            f"got {shortened(name)}"
        )
    if (shelf() / written).exists():
        raise _taken(written)
    return written


def proposed_name(text: str) -> str:
    """A free name made of any text, such as a file's name."""
    stem = text.split("/")[-1].partition(".")[0]
    stem = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", stem)).strip("-_")[: LONGEST_NAME - 4] or "images"
    number = 1
    while (shelf() / (name := stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return name


def _taken(name: str) -> ValueError:
    return ValueError(f"name: there is a data set '{name}' already; choose another name, or delete that one first")


def _folders() -> list[Path]:
    """Folders of the shelf; of those that a killed process was making, the old ones are removed."""
    if not shelf().is_dir():
        return []
    found = []
    for folder in sorted(shelf().iterdir()):
        if not folder.name.startswith(MAKING):
            found.append(folder)
        elif time.time() - folder.stat().st_mtime > ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def _read(folder: Path) -> OwnSet | None:
    try:
        return _read_at(folder, (folder / REPORT).stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=256)
def _read_at(folder: Path, changed: int) -> OwnSet:
    told = ANYTHING.read(folder / REPORT)
    content = next(name for name in CONTENTS if (folder / name).exists())
    return OwnSet(folder.name, told["added"], CONTENTS[content], folder / content, Report.from_json(told["report"]))


def _check_room(inspection: Inspection) -> None:
    """Refuse a copy for which there is no room, on the disk or among what may be kept."""
    needed, free = inspection.report.num_bytes, shutil.disk_usage(_existing(shelf())).free
    access.take_up(needed)
    used = sum(entry.report.num_bytes for entry in everything())
    if needed + FREE > free:
        raise ValueError(f"path: a copy takes {amount(needed)}, and the disk has {amount(free)} left")
    if used + needed > limits.most_bytes():
        raise ValueError(
            f"path: with a copy of {amount(needed)} your own data sets would take {amount(used + needed)}; at most "
            f"{amount(limits.most_bytes())} are allowed (DDLAB_MOST_BYTES): delete one first"
        )


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
