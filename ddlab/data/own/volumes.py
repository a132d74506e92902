"""A look through NIfTI files with their CSV, or in class folders: every one of them is decoded."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ddlab.data import limits
from ddlab.data.class_folders import sort_files
from ddlab.data.containers import Container, Read
from ddlab.data.files import readable
from ddlab.data.messages import reason, shown
from ddlab.data.nifti import COLUMNS, LABELS_FILE, NEEDED, SPLIT_WORDS
from ddlab.data.nifti_file import SUFFIXES, parse_volume
from ddlab.data.nifti_volumes import Listing, check_counts
from ddlab.data.own.images import obstacle_of
from ddlab.data.own.report import LONGEST, ClassCount, Finding, Report, Twins, ordered, three_sizes
from ddlab.data.source import Progress, SplitName
from ddlab.data.tables import read_table
from ddlab.decomposition import times


@dataclass(frozen=True)
class LabelledFile:
    """A volume's file, its class and, where they are told, its split and the file of its mask."""

    name: str
    label: str
    split: SplitName | None = None
    mask: str | None = None


def is_volume(name: str) -> bool:
    """Whether a file name is that of a NIfTI."""
    return name.lower().endswith(SUFFIXES)


class Look:
    """A look through the volumes of a container.

    Once :meth:`report` has been asked, ``usable`` holds what can be decoded.

    Parameters
    ----------
    table
        Name of the CSV in it; None: its ``labels.csv`` or only CSV, or the folders name the classes.
    """

    def __init__(self, container: Container, table: str | None = None) -> None:
        self.container = container
        self.names = tuple(dict.fromkeys(container.names()))
        self.table = table or _table(self.names)
        self.usable: tuple[LabelledFile, ...] = ()
        self.faults: list[Finding] = []

    def report(self, progress: Progress) -> Report:
        """Decode every volume that has a label, and its mask.

        Raises
        ------
        ValueError
            If the container or the table cannot be read, or is refused.
        """
        twins, sizes, usable, num_bytes = Twins(), [], [], 0
        with self.container.reader() as content:
            files = self._from_table(content) if self.table else self._from_folders()
            findings = [*self.faults, *self._unused(files)]
            for number, file in enumerate(files, 1):
                seen = _Seen(content, file)
                num_bytes += seen.num_bytes
                findings += seen.findings(twins)
                if not seen.fault:
                    usable.append(file)
                    sizes.append(seen.shape)
                progress(number, len(files))
        self.usable = tuple(usable)
        found, good = (Counter(file.label for file in part) for part in (files, usable))
        classes = tuple(ClassCount(shown(label, LONGEST), found[label], good[label]) for label in sorted(found))
        worst_first, counts = ordered(findings)
        obstacle = obstacle_of(classes) or _obstacle(usable)
        return Report("volumes", classes, worst_first, counts, three_sizes(sizes), obstacle, num_bytes)

    def _from_folders(self) -> list[LabelledFile]:
        files = sort_files(list(filter(is_volume, self.names)))
        return [LabelledFile(file.name, file.label, file.split) for file in files]

    def _from_table(self, content: Read) -> list[LabelledFile]:
        """Read the rows of the table; those that name no file, no class or no known split become findings."""
        assert self.table is not None
        found: dict[str, LabelledFile] = {}
        known = set(self.names)
        for number, told in _rows(self.table, content):
            name, why = self._file(told["file"], known), ""
            mask = self._file(told["mask"], known) if told.get("mask") else None
            split = told.get("split")
            if name is None:
                why = f"the file '{shown(told['file'])}' is not there, or not a NIfTI"
            elif name in found:
                why = f"the file '{shown(told['file'])}' has a row before this one"
            elif not told["label"]:
                why = f"the file '{shown(told['file'])}' has no label"
            elif split is not None and split.lower() not in SPLIT_WORDS:
                why = f"the split is '{shown(split)}'; needs one of {', '.join(SPLIT_WORDS)}"
            elif told.get("mask") and mask is None:
                why = f"the mask '{shown(told['mask'])}' is not there, or not a NIfTI"
            if why or name is None:
                self.faults.append(Finding(f"{PurePosixPath(self.table).name}, line {number}", "unreadable", why))
            else:
                found[name] = LabelledFile(name, told["label"], SPLIT_WORDS[split.lower()] if split else None, mask)
        return list(found.values())

    def _file(self, name: str, known: set[str]) -> str | None:
        """The file that a row names, as the data set ``nifti`` finds it: beside the table, with or without its end."""
        folder = PurePosixPath(self.table or "").parent
        path = (folder / name.replace("\\", "/")).as_posix()
        return next((path + end for end in ("", *SUFFIXES) if path + end in known and is_volume(path + end)), None)

    def _unused(self, files: Sequence[LabelledFile]) -> Iterator[Finding]:
        placed = {self.table, *(file.name for file in files), *(file.mask for file in files)}
        for name in self.names:
            if name not in placed:
                row = f"it has no row in {PurePosixPath(self.table).name}" if self.table else "it is in no class folder"
                yield Finding(shown(name, LONGEST), "unused", row if is_volume(name) else "it is not a NIfTI")


class _Seen:
    """One volume after a look at it."""

    def __init__(self, content: Read, file: LabelledFile) -> None:
        self.file = file
        self.shape: tuple[int, ...] = ()
        self.fault = self.oddity = ""
        self.num_bytes = 0
        try:
            packed = content(file.name)
            self.num_bytes = len(packed)
            volume = parse_volume(packed, file.name)
            voxels = volume.voxels()
            self.shape = voxels.shape
            self.digest = hashlib.blake2b(np.ascontiguousarray(voxels).data, digest_size=16).digest()
            if voxels.min() == voxels.max():
                self.oddity = f"it is empty: all of its voxels are {voxels.min():g}"
            if file.mask is not None:
                self._check_mask(parse_volume(content(file.mask), file.mask).voxels().shape)
        except Exception as error:  # nibabel raises whatever the first wrong byte leads to
            self.fault = reason(error).removeprefix("path: ")

    def _check_mask(self, shape: tuple[int, ...]) -> None:
        if shape != self.shape:
            raise ValueError(f"its mask has {times(shape)} voxels, the volume {times(self.shape)}")

    def findings(self, twins: Twins) -> Iterator[Finding]:
        """Say what is wrong or odd with it."""
        name = shown(self.file.name, LONGEST)
        if self.fault:
            yield Finding(name, "unreadable", self.fault)
            return
        if self.oddity:
            yield Finding(name, "odd", self.oddity)
        if (twin := twins.find(self.digest, self.file.name, self.file.label)) is not None:
            yield twin


def _table(names: Sequence[str]) -> str | None:
    """The CSV that names the volumes: ``labels.csv``, the outermost of several, or the only one."""
    tables = sorted((name for name in names if name.lower().endswith(".csv")), key=lambda name: name.count("/"))
    named = [name for name in tables if PurePosixPath(name).name.lower() == LABELS_FILE]
    return next(iter(named), tables[0] if len(tables) == 1 else None)


def _rows(table: str, content: Read) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Read the table, which may lie in an archive: the reader of tables wants a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        with readable(path):
            path.write_bytes(content(table))
        yield from read_table(path, COLUMNS, NEEDED)


def _obstacle(files: Sequence[LabelledFile]) -> str:
    """Say why the data set ``nifti`` would refuse these files; empty if it would not."""
    classes = tuple(sorted({file.label for file in files}))
    labels = np.array([classes.index(file.label) for file in files], dtype=np.int64)
    try:
        limits.check_classes(classes, "the table")
        check_counts(classes, labels, "the table")
        splits = np.array([file.split or "" for file in files])
        told: tuple[SplitName, ...] = ("train", "validation") if files and files[0].split else ()
        Listing(classes, {}, {split: labels[splits == split] for split in told})
    except ValueError as error:
        return str(error).removeprefix("path: ")
    return ""
