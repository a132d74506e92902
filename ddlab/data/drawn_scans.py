"""Drawn scans whose evidence is known: embedded, and read as real files are.

Scan i depends on the seed, the split and i alone; odd ones are ill. It is drawn in millimetres on the grid of voxels
that is asked for, made a NIfTI file of whole numbers in one of several orientations, and read back by the reader of the
data set ``nifti``.
"""

import csv
import io
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import nibabel as nib
import numpy as np

from ddlab.data.nifti import LABELS_FILE
from ddlab.data.nifti_file import parse_volume, to_nifti
from ddlab.data.solids import Grid
from ddlab.data.source import SPLITS, Description, Source, Split, SplitName
from ddlab.data.volumes import as_bytes, blocks, volume_shape, volume_window
from ddlab.files import write_bytes

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

ORIENTATIONS = ("RAS", "LPS", "LAS", "PRS", "ASR", "SPL")  # of the files: all of them are met in practice
MASKS = "masks"  # the folder of written masks


class DrawnScans(Source):
    """Bodies with and without an illness of known place, in turn; masks show it."""

    classes: ClassVar[tuple[str, str]]
    """Healthy and ill."""
    shape: ClassVar[tuple[int, int, int]]
    """Voxels where the settings say nothing."""
    counts: ClassVar[tuple[int, int]]
    """Scans for training and validation where the settings say nothing."""
    window: ClassVar[tuple[float, float]]
    """Values that become 0 and 255 where the settings say nothing."""
    unit: ClassVar[str]

    relevant = ("volume", "window", "train_images", "validation_images", "seed")

    @abstractmethod
    def grid(self, shape: tuple[int, ...]) -> Grid:
        """Voxels of that number over the box that is drawn."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, is_ill: bool, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Draw a body: values ``grid.shape``, and the mask of the illness, bytes of 0 and 1."""

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe volumes of one channel with masks; the settings' limits say how many are drawn."""
        shape = volume_shape(settings, self.shape)
        return Description(
            classes=self.classes,
            channels=1,
            shape=shape,
            num_train=settings.train_images or self.counts[0],
            num_validation=settings.validation_images or self.counts[1],
            source=f"Drawn by ddlab from seed {settings.seed}",
            licence="none needed: the volumes are made here",
            has_masks=True,
            values=volume_window(settings) or self.window,
            unit=self.unit,
            spacing=self.grid(shape).spacing,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Draw the volumes in blocks."""
        description = self.describe(settings)
        grid = self.grid(description.shape)
        count = description.num_train if split == "train" else description.num_validation
        for indices in blocks(count, math.prod(description.shape)):
            drawn = [self.scan(settings.seed, split, index, grid) for index in indices]
            voxels = (parse_volume(image.to_bytes(), "phantom").voxels() for image, _ in drawn)
            images = np.stack([as_bytes(values, description.values, description.shape) for values in voxels])
            yield Split(images[:, None], np.array(indices) % 2, np.stack([mask for _, mask in drawn]))

    def scan(self, seed: int, split: SplitName, index: int, grid: Grid) -> tuple[nib.Nifti1Image, np.ndarray]:
        """Draw a scan, a NIfTI image of whole numbers, and the mask ``grid.shape`` of the illness; odd ones are ill."""
        rng = np.random.default_rng((seed, SPLITS.index(split), index))
        orientation = ORIENTATIONS[rng.integers(len(ORIENTATIONS))]
        voxels, mask = self.draw(rng, index % 2 == 1, grid)
        return to_nifti(np.round(voxels).astype(np.int16), grid.spacing, orientation), mask


def write_scans(
    folder: Path, source: DrawnScans, settings: "DatasetSettings", report: Callable[[int, int], None]
) -> None:
    """Write the scans as compressed NIfTI files with a ``labels.csv``, as the data set ``nifti`` reads them.

    The masks lie in the folder ``masks``, with the names, the orientations and the affines of their scans.

    Parameters
    ----------
    folder
        Made if it is not there.
    settings
        How many, how large, the seed.
    report
        Called with the number of scans written so far and of all scans.

    Raises
    ------
    ValueError
        If the folder holds labels already, or the settings are wrong.
    """
    if (folder / LABELS_FILE).exists():
        raise ValueError(f"folder: {folder / LABELS_FILE} is there already; give a new folder")
    description = source.describe(settings)
    grid = source.grid(description.shape)
    counts = dict(zip(SPLITS, (description.num_train, description.num_validation), strict=True))
    (folder / MASKS).mkdir(parents=True, exist_ok=True)
    rows = []
    for split, count in counts.items():
        for index in range(count):
            name = f"{split}-{index:04d}.nii.gz"
            image, mask = source.scan(settings.seed, split, index, grid)
            nib.save(image, folder / name)
            orientation = "".join(nib.aff2axcodes(image.affine))
            nib.save(to_nifti(mask, grid.spacing, orientation), folder / MASKS / name)
            rows.append((name, source.classes[index % 2], split, f"{MASKS}/{name}"))
            report(len(rows), sum(counts.values()))
    labels = io.StringIO()
    csv.writer(labels).writerows([("file", "label", "split", "mask"), *rows])
    write_bytes(folder / LABELS_FILE, labels.getvalue().encode())
