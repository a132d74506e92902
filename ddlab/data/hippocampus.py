"""The hippocampus task of the Medical Segmentation Decathlon, with a class derived from its masks."""

import json
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data import limits
from ddlab.data.files import is_file, listed, own_path, read_file, readable
from ddlab.data.messages import shown
from ddlab.data.nifti_file import SUFFIXES, open_volume
from ddlab.data.nifti_volumes import Listing, NiftiVolumes, Preparation, Stamp, check_counts, stamp
from ddlab.data.source import SPLITS, DataMissing, Relayed, Source
from ddlab.data.splits import mixed_order, stratified_split

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

CLASSES = ("small", "large")
FOLDERS = ("Task04_Hippocampus", "hippocampus")  # below the data home: as distributed, and as copies are called
PARTS = (("imagesTr", "labelsTr"), ("images", "labels"))
TABLE = "dataset.json"
SHAPE = (56, 40, 48)  # holds 59×43×47 voxels, the largest extents, but for what has no mask
Pair = tuple[Path, Path]


class Hippocampus(Relayed):
    """MRI scans cut to a hippocampus, with masks of its front and back part; the class is derived from the masks.

    The folder ``Task04_Hippocampus`` with ``imagesTr``, ``labelsTr`` and, if it is there, ``dataset.json``, whose list
    ``training`` then says which files belong together; otherwise they have the same names. A fifth, drawn by
    ``settings.seed``, is held out. Volumes are cut or padded around their middle, never zoomed: their size is what the
    class is about. Each has its own window, the 0.5 to 99.5 percentiles of its values, since scanners differ by a
    factor of ten thousand. Masks are the evidence.

    Notes
    -----
    **The target is derived; it is not a diagnosis.** The task is one of segmentation and tells no class. Here a volume
    is ``large`` if its mask (both parts, in mm³) is larger than the median of the training volumes, ``small`` if not;
    held-out volumes are judged by the same median. What a network learns from it is to measure, and the volumes near
    the median cannot be told apart by anyone. The extents of the cut-out volumes alone give about two thirds.

    References
    ----------
    Antonelli et al., "The Medical Segmentation Decathlon", Nature Communications 13, 4128, 2022.
    Simpson et al., "A large annotated medical image dataset", arXiv 1902.09063, 2019.
    """

    relevant = ("volume", "window", "train_images", "validation_images", "path", "seed")

    def source(self, settings: "DatasetSettings") -> Source:
        """The volumes, if they are there."""
        folder = _found(settings.path)
        pairs = _listed_pairs(folder) if is_file(folder / TABLE) else _named_pairs(folder)
        listing = _listing(tuple((stamp(image), stamp(mask)) for image, mask in pairs), settings.seed)
        told = f"Medical Segmentation Decathlon, task 4, in {folder}; class: mask above or below the training median"
        return NiftiVolumes(listing, "CC BY-SA 4.0", told, Preparation(shape=SHAPE, each=True, fit="centre"))


def _found(path: str | None) -> Path:
    """The folder of the task."""
    folders = [own_path(path)] if path else [own_path(name) for name in FOLDERS]
    found = next((folder for folder in folders if any((folder / images).is_dir() for images, _ in PARTS)), None)
    if found is None:
        raise DataMissing(
            f"hippocampus: {shown(folders[0] / PARTS[0][0], 200)} is not there; put the folder {FOLDERS[0]} of the "
            f"Medical Segmentation Decathlon (imagesTr, labelsTr, {TABLE}) into {shown(folders[0].parent, 200)} (the "
            f"folder that DDLAB_DATA names), or give its place as dataset.path"
        )
    return found


def _named_pairs(folder: Path) -> list[Pair]:
    """Images and masks of the same names."""
    images, masks = next(parts for parts in PARTS if (folder / parts[0]).is_dir())
    names = [path.name for path in listed(folder / images)]
    scans = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    return [_checked(folder / images / name, folder / masks / name) for name in scans]


def _listed_pairs(folder: Path) -> list[Pair]:
    """Images and masks that the table names."""
    table = folder / TABLE
    with readable(table, " as JSON"):
        rows = json.loads(read_file(table, limits.MOST_TABLE_BYTES))["training"]
        named = [(PurePosixPath(row["image"]), PurePosixPath(row["label"])) for row in rows]
    for name in (name for pair in named for name in pair):
        if name.is_absolute() or ".." in name.parts:
            raise ValueError(f"path: {TABLE} names {shown(name)}; needs files in its folder")
    return [_checked(folder / image, folder / mask) for image, mask in named]


def _checked(image: Path, mask: Path) -> Pair:
    for path in (image, mask):
        if not is_file(path):
            raise ValueError(
                f"path: {shown(path.parent.name)}/{shown(path.name)} is not there; every image needs its mask, in the "
                f"folders {PARTS[0][0]} and {PARTS[0][1]}"
            )
    return image, mask


@lru_cache(maxsize=4)
def _listing(pairs: tuple[tuple[Stamp, Stamp], ...], seed: int) -> Listing:
    sizes = np.array([_size(mask) for _, mask in pairs])
    train, validation = stratified_split((sizes > np.median(sizes)).astype(np.int64), seed)
    labels = (sizes > np.median(sizes[train])).astype(np.int64)
    check_counts(CLASSES, labels, "the folder")
    parts = {split: np.sort(part) for split, part in zip(SPLITS, (train, validation), strict=True)}
    orders = {split: part[mixed_order(labels[part], seed)] for split, part in parts.items()}
    return Listing(
        CLASSES,
        {split: [pairs[index][0][0] for index in order] for split, order in orders.items()},
        {split: labels[order] for split, order in orders.items()},
        {split: [pairs[index][1][0] for index in order] for split, order in orders.items()},
    )


@lru_cache(maxsize=2000)
def _size(mask: Stamp) -> float:
    """Cubic millimetres of a mask."""
    volume = open_volume(mask[0])
    return float((volume.voxels() > 0).sum() * np.prod(volume.spacing))
