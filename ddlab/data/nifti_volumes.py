"""Labelled NIfTI files as a data set: every volume windowed to bytes and zoomed to one shape."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data.messages import shown
from ddlab.data.nifti_file import open_volume
from ddlab.data.source import Description, Source, Split, SplitName
from ddlab.data.splits import limit
from ddlab.data.volumes import as_bytes, blocks, volume_shape, volume_window

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

FEWEST = 2  # volumes a class: one to train with, one to validate
SAMPLE = 8  # training volumes that determine the window where the settings do not
SAMPLE_VOXELS = 100_000  # of each of them
PERCENTILES = (0.5, 99.5)
Stamp = tuple[Path, int, int]


@dataclass(frozen=True)
class Listing:
    """NIfTI files and their classes: paths and labels of each split, in order.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or one of them is missing in a split.
    """

    classes: tuple[str, ...]
    paths: dict[SplitName, list[Path]]
    labels: dict[SplitName, np.ndarray]

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise ValueError(f"path: needs at least 2 classes, got {shown(', '.join(self.classes)) or 'none'}")
        for split, labels in self.labels.items():
            counts = np.bincount(labels.astype(np.int64), minlength=len(self.classes))
            if counts.min() == 0:
                name = shown(self.classes[counts.argmin()])
                raise ValueError(f"path: there is no volume of class '{name}' in the {split} split")


class NiftiVolumes(Source):
    """The volumes of a listing.

    Parameters
    ----------
    shape
        Voxels where the settings say nothing; None: the medians of the files' extents.
    window
        Values that become 0 and 255 where the settings say nothing; None: the 0.5 and 99.5 percentiles of a sample of
        the training volumes.
    unit
        Of the values.
    """

    def __init__(
        self,
        listing: Listing,
        licence: str,
        source: str,
        *,
        shape: tuple[int, ...] | None = None,
        window: tuple[float, float] | None = None,
        unit: str = "",
    ) -> None:
        self.listing = listing
        self.licence = licence
        self.source = source
        self.shape = shape
        self.window = window
        self.unit = unit

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe the volumes from the files' headers; the window may need some of their voxels."""
        stamps = {split: tuple(map(stamp, paths)) for split, paths in self.listing.paths.items()}
        extents, sizes = _extents(stamps["train"] + stamps["validation"])
        shape = volume_shape(settings, self.shape or tuple(np.median(extents, axis=0).astype(int).tolist()))
        return Description(
            classes=self.listing.classes,
            channels=1,
            shape=shape,
            num_train=limit(len(stamps["train"]), settings.train_images),
            num_validation=limit(len(stamps["validation"]), settings.validation_images),
            source=self.source,
            licence=self.licence,
            values=volume_window(settings) or self.window or _percentiles(stamps["train"][:SAMPLE]),
            unit=self.unit,
            spacing=tuple(np.median(extents * sizes / shape, axis=0).tolist()),
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Read the volumes one by one, and pass them on in blocks."""
        description = self.describe(settings)
        paths, labels = self.listing.paths[split], self.listing.labels[split]
        count = description.num_train if split == "train" else description.num_validation
        for block in blocks(count, math.prod(description.shape)):
            volumes = [as_bytes(open_volume(paths[k]).voxels(), description.values, description.shape) for k in block]
            yield Split(np.stack(volumes)[:, None], labels[block])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return names, sizes and times of all files, and their labels, as one text."""
        stamps = [(split, list(map(stamp, paths))) for split, paths in self.listing.paths.items()]
        labels = [labels.tolist() for labels in self.listing.labels.values()]
        return hashlib.sha256(repr((stamps, labels, self.listing.classes)).encode()).hexdigest()


def stamp(path: Path) -> Stamp:
    """Return path, size and time of a file, which change when the file does.

    Raises
    ------
    ValueError
        If it is not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ValueError(f"path: the volume {shown(path.name)} cannot be used ({error.strerror})") from None
    return path, status.st_size, status.st_mtime_ns


def check_counts(classes: tuple[str, ...], labels: Iterable[int], where: str) -> None:
    """Refuse classes that cannot be both trained and validated.

    Raises
    ------
    ValueError
        Naming the class.
    """
    counts = np.bincount(np.fromiter(labels, np.int64), minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if count < FEWEST:
            raise ValueError(f"path: {where} has {count} volumes of class '{shown(name)}'; needs at least {FEWEST}")


@lru_cache(maxsize=8)
def _extents(stamps: tuple[Stamp, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and millimetres between them along the axes of every file: ``(M, 3)`` each."""
    volumes = [open_volume(path) for path, *_ in stamps]
    return np.array([volume.shape for volume in volumes]), np.array([volume.spacing for volume in volumes])


@lru_cache(maxsize=8)
def _percentiles(stamps: tuple[Stamp, ...]) -> tuple[float, float]:
    volumes = [open_volume(path) for path, *_ in stamps]
    steps = [max(1, round((math.prod(volume.shape) / SAMPLE_VOXELS) ** (1 / 3))) for volume in volumes]
    values = np.concatenate([volume.sample(step) for volume, step in zip(volumes, steps, strict=True)])
    low, high = np.percentile(values, PERCENTILES).tolist()
    return low, high if high > low else low + 1  # a constant volume is all 0
