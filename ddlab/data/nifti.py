"""The user's own volumes: a folder of NIfTI files with a CSV of their labels.

The CSV has a row a file and names its columns: ``file`` (or ``name``, ``image``, ``volume``; below the CSV's folder,
``.nii.gz`` may be left out), ``label`` (or ``class``) and, if wanted, ``split`` (train or validation) and ``mask`` (or
``evidence``): a NIfTI file with as many voxels, above 0 where the evidence of the class lies, or empty. Capitals do not
matter; commas, semicolons and tabs separate.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddlab.data import limits
from ddlab.data.files import check_file, is_file, listed, own_path, readable
from ddlab.data.messages import shown
from ddlab.data.nifti_file import SUFFIXES
from ddlab.data.nifti_volumes import Listing, NiftiVolumes, Stamp, check_counts, stamp
from ddlab.data.source import SPLITS, DataMissing, Relayed, Source, SplitName
from ddlab.data.splits import mixed_order, stratified_split
from ddlab.data.tables import AS_CSV, read_table

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

LABELS_FILE = "labels.csv"
COLUMNS = {
    "file": ("file", "filename", "name", "image", "volume", "path"),
    "label": ("label", "class", "target", "diagnosis"),
    "split": ("split", "set", "subset"),
    "mask": ("mask", "evidence"),
}
NEEDED = ("file", "label")
SPLIT_WORDS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "validation",
}


class Nifti(Relayed):
    """Volumes in NIfTI files, labelled by ``labels.csv`` in the folder ``settings.path``, or by a CSV given instead.

    Without a column for the split a fifth of every class, drawn by ``settings.seed``, is kept for validation. Every
    NIfTI file beside a labelled one needs a label, too. Values of ``settings.window`` become bytes; volumes are zoomed
    to ``settings.volume``.

    Notes
    -----
    Data without classes need a derived target: the data set ``hippocampus`` is an example.
    """

    relevant = ("volume", "window", "train_images", "validation_images", "path", "seed")

    def source(self, settings: "DatasetSettings") -> Source:
        """The volumes that the CSV names."""
        if not settings.path:
            raise ValueError(f"path: data set 'nifti' needs the folder of your volumes with a {LABELS_FILE}, got none")
        path = own_path(settings.path)
        if not path.exists():
            raise DataMissing(
                f"path: {shown(path, 200)} is not there; give a folder of NIfTI files with a {LABELS_FILE}"
            )
        if not path.is_dir():
            with readable(path, AS_CSV):
                check_file(path.stat())
        table = path / LABELS_FILE if path.is_dir() else path
        if not is_file(table) or table.suffix.lower() != ".csv":
            raise ValueError(
                f"path: {shown(path, 200)} holds no {LABELS_FILE}; it names every NIfTI file and its label"
            )
        return NiftiVolumes(_listing(stamp(table), settings.seed), "your own volumes", shown(path, 1000))


def is_labelled(path: Path) -> bool:
    """Whether it is a folder of volumes with a CSV, or such a CSV."""
    return is_file(path / LABELS_FILE) or path.suffix.lower() == ".csv"


@lru_cache(maxsize=8)
def _listing(table: Stamp, seed: int) -> Listing:
    path = table[0]
    rows = list(_rows(path))
    paths = [_file(path, row.number, row.file) for row in rows]
    masks = [_file(path, row.number, row.mask) if row.mask else None for row in rows]
    _check_files(path, paths, masks)
    texts = [_label(path, row) for row in rows]
    classes = tuple(sorted(set(texts), key=lambda text: (not text.isdecimal(), len(text) * text.isdecimal(), text)))
    limits.check_classes(classes, shown(path.name))
    numbers = {text: number for number, text in enumerate(classes)}
    labels = np.array([numbers[text] for text in texts], dtype=np.int64)
    check_counts(classes, labels, shown(path.name))
    if rows and rows[0].split is not None:
        splits = np.array([_split(path, row) for row in rows])
        members = [np.flatnonzero(splits == split) for split in SPLITS]
        orders = tuple(part[mixed_order(labels[part], seed)] for part in members)
    else:
        orders = stratified_split(labels, seed)
    named = dict(zip(SPLITS, orders, strict=True))
    return Listing(
        classes,
        {split: [paths[index] for index in order] for split, order in named.items()},
        {split: labels[order] for split, order in named.items()},
        {split: [masks[index] for index in order] for split, order in named.items()} if any(masks) else {},
    )


class _Row(NamedTuple):
    """A line of the CSV; split and mask are None where there is no such column."""

    number: int
    file: str
    label: str
    split: str | None
    mask: str | None


def _rows(path: Path) -> Iterator[_Row]:
    """Rows that are not empty."""
    for number, told in read_table(path, COLUMNS, NEEDED):
        yield _Row(number, told["file"], told["label"], told.get("split"), told.get("mask"))


def _file(table: Path, number: int, name: str) -> Path:
    """The file that a row names."""
    where = f"path: {shown(table.name)}, line {number}"
    parts = PurePosixPath(name.replace("\\", "/"))
    if not name or ".." in parts.parts or parts.is_absolute() or PureWindowsPath(name).drive:
        raise ValueError(f"{where}: needs the name of a file in its folder, got '{shown(name)}'")
    candidates = [table.parent / f"{parts}{suffix}" for suffix in ("", *SUFFIXES)]
    found = next((path for path in candidates if is_file(path)), None)
    if found is None:
        raise ValueError(f"{where}: the file {shown(name)} is not there, or not a file")
    return found


def _label(table: Path, row: _Row) -> str:
    if not row.label:
        raise ValueError(f"path: {shown(table.name)}, line {row.number}: the file {shown(row.file)} has no label")
    return row.label


def _split(table: Path, row: _Row) -> SplitName:
    word = (row.split or "").lower()
    if word not in SPLIT_WORDS:
        raise ValueError(
            f"path: {shown(table.name)}, line {row.number}: the split is '{shown(row.split)}'; needs one of "
            f"{', '.join(SPLIT_WORDS)}"
        )
    return SPLIT_WORDS[word]


def _check_files(table: Path, paths: list[Path], masks: list[Path | None]) -> None:
    """Refuse files that are named twice, and NIfTI files beside them that are not named."""
    listed_once = Counter(paths)
    known = {*paths, *masks}
    for path, count in sorted(listed_once.items()):
        if count > 1:
            raise ValueError(f"path: {shown(table.name)}: the file {shown(path.name)} has two rows")
    for folder in sorted({path.parent for path in paths}):
        for path in listed(folder):
            if path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".") and path not in known:
                raise ValueError(
                    f"path: the file {shown(path.name)} has no row in {shown(table.name)}; give it one, or move it away"
                )
