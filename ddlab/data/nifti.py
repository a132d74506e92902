"""The user's own volumes: a folder of NIfTI files with a CSV of their labels.

The CSV has a row a file and names its columns: ``file`` (or ``name``, ``image``, ``volume``; below the CSV's folder,
``.nii.gz`` may be left out), ``label`` (or ``class``) and, if wanted, ``split`` (train or validation). Capitals do not
matter; commas, semicolons and tabs separate.
"""

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data.nifti_file import SUFFIXES
from ddlab.data.nifti_volumes import Listing, NiftiVolumes, Stamp, check_counts, stamp
from ddlab.data.source import SPLITS, DataMissing, Relayed, Source, SplitName
from ddlab.data.splits import mixed_order, stratified_split
from ddlab.home import data_home

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

LABELS_FILE = "labels.csv"
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
        path = data_home() / Path(settings.path).expanduser()
        table = path / LABELS_FILE if path.is_dir() else path
        if not path.exists():
            raise DataMissing(f"path: {path} is not there; give a folder of NIfTI files with a {LABELS_FILE}")
        if not table.exists() or table.suffix.lower() != ".csv":
            raise ValueError(f"path: {path} holds no {LABELS_FILE}; it names every NIfTI file and its label")
        return NiftiVolumes(_listing(stamp(table), settings.seed), "your own volumes", str(path))


def is_labelled(path: Path) -> bool:
    """Whether it is a folder of volumes with a CSV, or such a CSV."""
    return (path / LABELS_FILE).is_file() or path.suffix.lower() == ".csv"


@lru_cache(maxsize=8)
def _listing(table: Stamp, seed: int) -> Listing:
    path = table[0]
    lines, columns = _rows(path)
    paths = [_file(path, number, line[columns["file"]]) for number, line in lines]
    _check_files(path, paths)
    texts = [_label(path, number, line, columns) for number, line in lines]
    classes = tuple(sorted(set(texts), key=lambda text: (not text.isdecimal(), len(text) * text.isdecimal(), text)))
    labels = np.array([classes.index(text) for text in texts], dtype=np.int64)
    check_counts(classes, labels, path.name)
    if "split" in columns:
        splits = np.array([_split(path, number, line[columns["split"]]) for number, line in lines])
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


def _rows(path: Path) -> tuple[list[tuple[int, list[str]]], dict[str, int]]:
    """Rows that are not empty, with their line numbers, and where each known column is."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"path: {path.name} cannot be read as CSV ({error})") from error
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    head = [name.strip().lower() for name in next(reader, [])]
    columns = {}
    for column, names in COLUMNS.items():
        found = next((head.index(name) for name in names if name in head), None)
        if found is not None:
            columns[column] = found
        elif column != "split":
            raise ValueError(
                f"path: {path.name} has no column {column!r} (or {', '.join(names[1:])}); its first line names "
                f"{', '.join(filter(None, head)) or 'none'}"
            )
    lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader if any(map(str.strip, line))]
    for number, line in lines:
        if len(line) <= max(columns.values()):
            raise ValueError(f"path: {path.name}, line {number}: has {len(line)} columns, needs {len(head)}")
    return lines, columns


def _file(table: Path, number: int, name: str) -> Path:
    """The file that a row names."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if not name or ".." in parts.parts or parts.is_absolute() or PureWindowsPath(name).drive:
        raise ValueError(f"path: {table.name}, line {number}: needs the name of a file in its folder, got {name!r}")
    candidates = [table.parent / f"{parts}{suffix}" for suffix in ("", *SUFFIXES)]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise ValueError(f"path: {table.name}, line {number}: the file {name} is not there")
    return found


def _label(table: Path, number: int, line: list[str], columns: dict[str, int]) -> str:
    label = line[columns["label"]]
    if not label:
        raise ValueError(f"path: {table.name}, line {number}: the file {line[columns['file']]} has no label")
    return label


def _split(table: Path, number: int, word: str) -> SplitName:
    if word.lower() not in SPLIT_WORDS:
        raise ValueError(
            f"path: {table.name}, line {number}: the split is {word!r}; needs one of {', '.join(SPLIT_WORDS)}"
        )
    return SPLIT_WORDS[word.lower()]


def _check_files(table: Path, paths: Sequence[Path]) -> None:
    """Refuse files that are named twice, and NIfTI files beside them that are not named."""
    for number, path in enumerate(sorted(paths)[1:]):
        if path == sorted(paths)[number]:
            raise ValueError(f"path: {table.name}: the file {path.name} has two rows")
    listed = set(paths)
    for folder in sorted({path.parent for path in paths}):
        for path in sorted(folder.iterdir()):
            if path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".") and path not in listed:
                raise ValueError(f"path: the file {path.name} has no row in {table.name}; give it one, or move it away")
