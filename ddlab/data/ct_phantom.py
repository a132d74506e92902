"""Drawn CT scans of chests, with and without lesions whose place is known: embedded, and read as real files are.

Volume i depends on the seed, the split and i alone. It is drawn in millimetres on the grid of voxels that is asked for,
made a NIfTI file of whole HU in one of several orientations, and read back by the reader of ``mosmed`` and ``nifti``.
"""

import csv
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from ddlab.data.chest import Grid, draw_chest, make_chest
from ddlab.data.nifti import LABELS_FILE
from ddlab.data.nifti_file import parse_volume, to_nifti
from ddlab.data.source import SPLITS, Description, Source, Split, SplitName
from ddlab.data.volumes import CT_WINDOW, LUNG_CT_SHAPE, as_bytes, blocks, volume_shape, volume_window
from ddlab.files import write_bytes

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

NUM_TRAIN, NUM_VALIDATION = 140, 60  # as in Klawonn, Lanser and Weber's table
CLASSES = ("normal", "lesions")
ORIENTATIONS = ("RAS", "LPS", "LAS", "PRS", "ASR", "SPL")  # of the files: all of them are met in practice


class CtPhantom(Source):
    """Chests in Hounsfield units, half of them with one to four lesions of ground glass; masks show the lesions.

    Notes
    -----
    A healthy lung has about -850 HU and ground glass -560 to -300, which voxels at the border of a lung or of a vessel
    have, too: no single voxel gives the class, and hardly the mean of a volume. All lesions of a chest lie in one lung,
    so that at least half of the subdomains of a 2×2×1 grid see a healthy body, but for what crosses the middle.
    """

    relevant = ("volume", "window", "train_images", "validation_images", "seed")

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe volumes of one channel with masks; the settings' limits say how many are drawn."""
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
            values=volume_window(settings) or CT_WINDOW,
            unit="HU",
            spacing=Grid(shape).spacing,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Draw the volumes in blocks."""
        description = self.describe(settings)
        count = description.num_train if split == "train" else description.num_validation
        for indices in blocks(count, math.prod(description.shape)):
            drawn = [_drawn(settings.seed, split, index, description) for index in indices]
            images, masks = (np.stack(part) for part in zip(*drawn, strict=True))
            yield Split(images[:, None], np.array(indices) % 2, masks)


def _drawn(seed: int, split: SplitName, index: int, description: Description) -> tuple[np.ndarray, np.ndarray]:
    """Draw a volume, and read it as bytes; with the mask of its lesions."""
    image, mask = scan(seed, split, index, Grid(description.shape))
    voxels = parse_volume(image.to_bytes(), "phantom").voxels()
    return as_bytes(voxels, description.values, description.shape), mask


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
    grid = Grid(description.shape)
    counts = dict(zip(SPLITS, (description.num_train, description.num_validation), strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for split, count in counts.items():
        for index in range(count):
            name = f"{split}-{index:04d}.nii.gz"
            nib.save(scan(settings.seed, split, index, grid)[0], folder / name)
            rows.append((name, CLASSES[index % 2], split))
            report(len(rows), sum(counts.values()))
    labels = io.StringIO()
    csv.writer(labels).writerows([("file", "label", "split"), *rows])
    write_bytes(folder / LABELS_FILE, labels.getvalue().encode())
