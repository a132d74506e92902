"""Labelled NIfTI files as a data set: every volume windowed to bytes and brought to one shape, with its mask."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data.messages import shown
from ddlab.data.nifti_file import open_volume
from ddlab.data.source import Description, Fit, Source, Split, SplitName
from ddlab.data.splits import limit
from ddlab.data.volumes import PERCENTILE, PERCENTILES, as_bytes, blocks, own_window, volume_shape, volume_window
from ddlab.decomposition import times

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

FEWEST = 2  # volumes a class: one to train with, one to validate
SAMPLE = 8  # training volumes that determine the window where the settings do not
SAMPLE_VOXELS = 100_000  # of each of them
Stamp = tuple[Path, int, int]


@dataclass(frozen=True)
class Listing:
    """NIfTI files and their classes: paths and labels of each split, in order.

    Parameters
    ----------
    masks
        Files of the evidence of each split, None where a volume has none; empty if no volume has any.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or one of them is missing in a split.
    """

    classes: tuple[str, ...]
    paths: dict[SplitName, list[Path]]
    labels: dict[SplitName, np.ndarray]
    masks: dict[SplitName, list[Path | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise ValueError(f"path: needs at least 2 classes, got {shown(', '.join(self.classes)) or 'none'}")
        for split, labels in self.labels.items():
            counts = np.bincount(labels.astype(np.int64), minlength=len(self.classes))
            if counts.min() == 0:
                name = shown(self.classes[counts.argmin()])
                raise ValueError(f"path: there is no volume of class '{name}' in the {split} split")


@dataclass(frozen=True)
class Preparation:
    """Treatment of the voxels of files.

    Parameters
    ----------
    shape
        Voxels where the settings say nothing; None: the medians of the files' extents.
    window
        Values that become 0 and 255 where the settings say nothing; None: the 0.5 and 99.5 percentiles, of every volume
        if ``each``, of a sample of the training volumes if not.
    unit
        Of the values.
    each
        Whether every volume has a window of its own: scanners of magnetic resonance know no unit.
    fit
        How volumes are brought to the shape.
    """

    shape: tuple[int, ...] | None = None
    window: tuple[float, float] | None = None
    unit: str = ""
    each: bool = False
    fit: Fit = "zoom"


class NiftiVolumes(Source):
    """The volumes of a listing, and their masks where it names some."""

    def __init__(self, listing: Listing, licence: str, source: str, preparation: Preparation | None = None) -> None:
        self.listing = listing
        self.licence = licence
        self.source = source
        self.preparation = preparation or Preparation()

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe the volumes from the files' headers; the window may need some of their voxels."""
        stamps = {split: tuple(map(stamp, paths)) for split, paths in self.listing.paths.items()}
        extents, sizes = _extents(stamps["train"] + stamps["validation"])
        shape = volume_shape(settings, self.preparation.shape or tuple(np.median(extents, axis=0).astype(int).tolist()))
        values, unit = self._values(settings, stamps["train"])
        zoomed = extents / shape if self.preparation.fit == "zoom" else 1.0
        return Description(
            classes=self.listing.classes,
            channels=1,
            shape=shape,
            num_train=limit(len(stamps["train"]), settings.train_images),
            num_validation=limit(len(stamps["validation"]), settings.validation_images),
            source=self.source,
            licence=self.licence,
            has_masks=bool(self.listing.masks),
            values=values,
            unit=unit,
            spacing=tuple(np.median(sizes * zoomed, axis=0).tolist()),
            fit=self.preparation.fit,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Read the volumes one by one, and pass them on in blocks."""
        description = self.describe(settings)
        labels, has_masks = self.listing.labels[split], description.has_masks
        count = description.num_train if split == "train" else description.num_validation
        for block in blocks(count, math.prod(description.shape)):
            volumes = np.stack([self._volume(split, index, description) for index in block])[:, None]
            masks = np.stack([self._mask(split, index, description) for index in block]) if has_masks else None
            yield Split(volumes, labels[block], masks)

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return names, sizes and times of all files, and their labels, as one text."""
        stamps = [(split, list(map(stamp, paths))) for split, paths in self.listing.paths.items()]
        labels = [labels.tolist() for labels in self.listing.labels.values()]
        masks = [(split, [path and stamp(path) for path in paths]) for split, paths in self.listing.masks.items()]
        found = (stamps, labels, self.listing.classes, *masks)
        return hashlib.sha256(repr(found).encode()).hexdigest()

    def _values(self, settings: "DatasetSettings", train: tuple[Stamp, ...]) -> tuple[tuple[float, float], str]:
        """Values that become 0 and 255, and their unit."""
        window = volume_window(settings) or self.preparation.window
        if window is None and self.preparation.each:
            return PERCENTILES, PERCENTILE
        return window or _percentiles(train[:SAMPLE]), self.preparation.unit

    def _volume(self, split: SplitName, index: int, description: Description) -> np.ndarray:
        voxels = open_volume(self.listing.paths[split][index]).voxels()
        window = own_window(voxels) if description.unit == PERCENTILE else description.values
        return as_bytes(voxels, window, description.shape, description.fit)

    def _mask(self, split: SplitName, index: int, description: Description) -> np.ndarray:
        """Read the mask of a volume: bytes of 0 and 1, of its evidence."""
        path = self.listing.masks[split][index]
        if path is None:
            return np.zeros(description.shape, np.uint8)
        mask, volume = open_volume(path), open_volume(self.listing.paths[split][index])
        if mask.shape != volume.shape:
            raise ValueError(
                f"path: the mask {shown(path.name)} has {times(mask.shape)} voxels, its volume {times(volume.shape)}"
            )
        marked = (mask.voxels() > 0).astype(np.float32)
        return (as_bytes(marked, (0, 1), description.shape, description.fit) > 127).astype(np.uint8)


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
    return own_window(values)
