"""MosMedData: CT scans of chests, in folders after how much of the lungs is ill."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data.files import listed, own_path
from ddlab.data.messages import shown
from ddlab.data.nifti_file import SUFFIXES
from ddlab.data.nifti_volumes import Listing, NiftiVolumes, Preparation, check_counts
from ddlab.data.source import SPLITS, DataMissing, Relayed, Source, SplitName
from ddlab.data.splits import mixed_order
from ddlab.data.volumes import CT_WINDOW, LUNG_CT_SHAPE

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

CLASSES = ("normal", "pneumonia")
HEALTHY = "CT-0"
TRAIN_SHARE = 0.7


class Mosmed(Relayed):
    """Folders ``CT-0`` (healthy) and ``CT-1`` to ``CT-4`` or ``CT-23`` (ill) of ``study_XXXX.nii.gz``.

    They lie in ``settings.path``, or in ``data_home()/mosmed``, or there in ``studies``. As in Keras' example, whose
    100 scans of CT-0 and 100 of CT-23 the papers use: values of -1000 to 400 HU become bytes, 5.5 HU a step; volumes
    are turned by 90° in plane (so that they lie upright) and zoomed linearly to 128×128×64; the first 70 % of the scans
    of every folder, by name, are for training and the last 30 % for validation, 140 and 60 of them.

    References
    ----------
    Morozov et al., "MosMedData: Chest CT scans with COVID-19 related findings", arXiv 2005.06465, 2020.
    Zunair, "3D image classification from CT scans", keras.io/examples/vision/3D_image_classification, 2020.
    """

    relevant = ("volume", "window", "train_images", "validation_images", "path")

    def source(self, settings: "DatasetSettings") -> Source:
        """The scans, if they are there."""
        folder = own_path(settings.path or "mosmed")
        return NiftiVolumes(
            _listing(_studies(folder)),
            "CC BY-NC-ND 3.0",
            f"MosMedData, Morozov et al. 2020, in {folder}; validation scans are the last 30 % of every folder",
            Preparation(shape=LUNG_CT_SHAPE, window=CT_WINDOW, unit="HU"),
        )


def _studies(folder: Path) -> Path:
    """The folder that holds CT-0."""
    found = next((place for place in (folder, folder / "studies") if (place / HEALTHY).is_dir()), None)
    if found is None:
        raise DataMissing(
            f"mosmed: {shown(folder / HEALTHY, 200)} is not there; put MosMedData's folders CT-0 and CT-1 "
            f"to CT-4 (or CT-23) into {shown(folder, 200)} (below the folder that DDLAB_DATA names), or give "
            f"their folder as dataset.path"
        )
    return found


def _listing(folder: Path) -> Listing:
    paths: dict[SplitName, list[Path]] = {"train": [], "validation": []}
    labels: dict[SplitName, list[int]] = {"train": [], "validation": []}
    for grade in sorted(place for place in listed(folder) if place.name.startswith("CT-") and place.is_dir()):
        scans = [path for path in listed(grade) if _is_scan(path)]
        middle = round(TRAIN_SHARE * len(scans))
        for split, part in zip(SPLITS, (scans[:middle], scans[middle:]), strict=True):
            paths[split] += part
            labels[split] += [int(grade.name != HEALTHY)] * len(part)
    check_counts(CLASSES, labels["train"] + labels["validation"], shown(folder, 200))
    orders = {split: mixed_order(np.array(numbers), seed=0) for split, numbers in labels.items()}
    return Listing(
        CLASSES,
        {split: [paths[split][index] for index in order] for split, order in orders.items()},
        {split: np.array(labels[split])[order] for split, order in orders.items()},
    )


def _is_scan(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")
