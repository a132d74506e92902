"""The user's own volumes: a folder of NIfTI files with a CSV of their labels.

The CSV has a row a file and names its columns: ``file`` (or ``name``, ``image``, ``volume``; below the CSV's folder,
``.nii.gz`` may be left out), ``label`` (or ``class``) and, if wanted, ``split`` (train or validation). Capitals do not
matter; commas, semicolons and tabs separate.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddlab.data import limits
from ddlab.data.files import check_file, is_file, listed, own_path, read_file, readable
from ddlab.data.messages import shown
from ddlab.data.nifti_file import SUFFIXES
from ddlab.data.nifti_volumes import Listing, NiftiVolumes, Stamp, check_counts, stamp
from ddlab.data.source import SPLITS, DataMissing, Relayed, Source, SplitName
from ddlab.data.splits import mixed_order, stratified_split

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

LABELS_FILE = "labels.csv"
AS_CSV = " as CSV"
COLUMNS = {
    "file": ("file", "filename", "name", "image", "volume", "path"),
    "label": ("label", "class", "target", "diagnosis"),
    "split": ("split", "set", "subset"),
}
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
    Data without classes need a derived target. For the hippocampus task of the Medical Segmentation Decathlon: write
    ``labels.csv`` beside its folder ``images``, a row ``images/hippocampus_001.nii.gz,large`` for every volume whose
    mask (the file of the same name in ``labels``) has more voxels above 0 than the median of all masks, 3326.5, and
    ``small`` for the others.
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
    paths = [_file(path, row) for row in rows]
    _check_files(path, paths)
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
    )


class _Row(NamedTuple):
    """A line of the CSV; the split is None where there is no such column."""

    number: int
    file: str
    label: str
    split: str | None


def _rows(path: Path) -> Iterator[_Row]:
    """Rows that are not empty."""
    with readable(path, AS_CSV):
        text = read_file(path, limits.MOST_TABLE_BYTES).decode("utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    physical = text.splitlines()
    widest = max(map(str.count, physical, repeat(delimiter)), default=0) + 1
    if widest > limits.MOST_COLUMNS:
        raise ValueError(
            f"path: {shown(path.name)} has {widest:,} columns; at most {limits.MOST_COLUMNS:,} are allowed"
        )
    lines = _lines(path, physical, delimiter)
    head = [name.strip().lower() for name in next(lines, (0, []))[1]]
    columns = _columns(path, head)
    last, most = max(columns.values()), limits.most_files()
    filled = ((number, line) for number, line in lines if any(map(str.strip, line)))
    for count, (number, line) in enumerate(filled, 1):
        if count > most:
            raise ValueError(
                f"path: {shown(path.name)} has more than {most:,} rows; DDLAB_MOST_FILES changes the limit"
            )
        if len(line) <= last:
            raise ValueError(f"path: {shown(path.name)}, line {number}: has {len(line)} columns, needs {len(head)}")
        split = line[columns["split"]].strip() if "split" in columns else None
        yield _Row(number, line[columns["file"]].strip(), line[columns["label"]].strip(), split)


def _lines(path: Path, physical: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of the CSV, each with its number."""
    reader = csv.reader(physical, delimiter=delimiter)
    with readable(path, AS_CSV):
        for line in reader:
            yield reader.line_num, line


def _columns(path: Path, head: list[str]) -> dict[str, int]:
    """Find the index of each known column."""
    columns = {}
    for column, names in COLUMNS.items():
        found = next((head.index(name) for name in names if name in head), None)
        if found is not None:
            columns[column] = found
        elif column != "split":
            raise ValueError(
                f"path: {shown(path.name)} has no column {column!r} (or {', '.join(names[1:])}); its first line names "
                f"{shown(', '.join(filter(None, head)), 200) or 'none'}"
            )
    return columns


def _file(table: Path, row: _Row) -> Path:
    """The file that a row names."""
    where, name = f"path: {shown(table.name)}, line {row.number}", row.file
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


def _check_files(table: Path, paths: list[Path]) -> None:
    """Refuse files that are named twice, and NIfTI files beside them that are not named."""
    listed_once = Counter(paths)
    for path, count in sorted(listed_once.items()):
        if count > 1:
            raise ValueError(f"path: {shown(table.name)}: the file {shown(path.name)} has two rows")
    for folder in sorted({path.parent for path in paths}):
        for path in listed(folder):
            if path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".") and path not in listed_once:
                raise ValueError(
                    f"path: the file {shown(path.name)} has no row in {shown(table.name)}; give it one, or move it away"
                )
