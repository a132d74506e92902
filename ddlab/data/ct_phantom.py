"""Drawn CT scans of chests, with and without lesions whose place is known: embedded, and read as real files are.

Volume i depends on the seed, the split and i alone. It is drawn in millimetres on the grid of voxels that is asked for,
made a NIfTI file of whole HU in one of several orientations, and read back by the reader of ``mosmed`` and ``nifti``.
"""

import csv
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from ddlab.data.chest import Grid, draw_chest, make_chest
from ddlab.data.nifti_file import parse_volume, to_nifti
from ddlab.data.source import SPLITS, Description, Source, Split, SplitName
from ddlab.data.volumes import CT_WINDOW, LUNG_CT_SHAPE, blocks, to_bytes, volume_shape

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

NUM_TRAIN, NUM_VALIDATION = 140, 60  # as in Klawonn, Lanser and Weber's table
CLASSES = ("normal", "lesions")
ORIENTATIONS = ("RAS", "LPS", "LAS", "PRS", "ASR", "SPL")  # of the files: all of them are met in practice
LABELS_FILE = "labels.csv"


class CtPhantom(Source):
    """Chests in Hounsfield units, half of them with one to four lesions of ground glass; masks show the lesions.

    Notes
    -----
    A healthy lung has about -850 HU, ground glass -600 to -300, and so has many a voxel at the border of a lung or of a
    vessel: neither one voxel nor the mean of a volume tells the class. With one lesion, which is the most frequent
    number, three of the four subdomains of a 2×2×1 grid see a healthy body.
    """

    relevant = ("volume", "train_images", "validation_images", "seed")

    def describe(self, settings: "DatasetSettings") -> Description:
        """Volumes of one channel with masks; the settings' limits say how many are drawn."""
        shape = volume_shape(settings, LUNG_CT_SHAPE)
        return Description(
            classes=CLASSES,
            channels=1,
            shape=shape,
            num_train=settings.train_images or NUM_TRAIN,
            num_validation=settings.validation_images or NUM_VALIDATION,
            source=f"Drawn by ddlab from seed {settings.seed}",
            licence="none needed: the volumes are made here",
            has_masks=True,
            values=CT_WINDOW,
            unit="HU",
            spacing=Grid(shape).spacing,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Draw the volumes in blocks."""
        description = self.describe(settings)
        grid = Grid(volume_shape(settings, LUNG_CT_SHAPE))
        count = description.num_train if split == "train" else description.num_validation
        for indices in blocks(count, math.prod(grid.shape)):
            drawn = [scan(settings.seed, split, index, grid) for index in indices]
            images = [to_bytes(parse_volume(image.to_bytes(), "phantom").voxels(), CT_WINDOW) for image, _ in drawn]
            labels = np.array([index % 2 for index in indices], dtype=np.int64)
            yield Split(np.stack(images)[:, None], labels, np.stack([mask for _, mask in drawn]))


def scan(seed: int, split: SplitName, index: int, grid: Grid) -> tuple[nib.Nifti1Image, np.ndarray]:
    """Draw a volume: a NIfTI image of whole HU, and the mask of its lesions ``grid.shape``; odd indices have some."""
    rng = np.random.default_rng((seed, SPLITS.index(split), index))
    orientation = ORIENTATIONS[rng.integers(len(ORIENTATIONS))]
    voxels, mask = draw_chest(make_chest(rng, index % 2 == 1), grid, rng)
    return to_nifti(np.round(voxels).astype(np.int16), grid.spacing, orientation), mask


def write_phantom(folder: Path, settings: "DatasetSettings", report: Callable[[int, int], None]) -> None:
    """Write the volumes as compressed NIfTI files with a ``labels.csv``, as the data set ``nifti`` reads them.

    Parameters
    ----------
    folder
        Made if it is not there.
    settings
        Those of ``ct_phantom``: how many, how large, the seed.
    report
        Called with the number of volumes written so far and of all volumes.

    Raises
    ------
    ValueError
        If the folder holds labels already, or the settings are wrong.
    """
    if (folder / LABELS_FILE).exists():
        raise ValueError(f"folder: {folder / LABELS_FILE} is there already; give a new folder")
    description = CtPhantom().describe(settings)
    grid = Grid(volume_shape(settings, LUNG_CT_SHAPE))
    counts = dict(zip(SPLITS, (description.num_train, description.num_validation), strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for split, count in counts.items():
        for index in range(count):
            name = f"{split}-{index:04d}.nii.gz"
            nib.save(scan(settings.seed, split, index, grid)[0], folder / name)
            rows.append((name, CLASSES[index % 2], split))
            report(len(rows), sum(counts.values()))
    temporary = folder / f"{LABELS_FILE}.part"
    with temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "label", "split"), *rows])
    os.replace(temporary, folder / LABELS_FILE)
