"""Data sets with official files and an official test set, as torchvision lays them out in ``data_home()``."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from ddlab.data import limits
from ddlab.data.files import check_file, readable
from ddlab.data.messages import amount, reason
from ddlab.data.source import SPLITS, DataMissing, Description, Source, Split, SplitName
from ddlab.data.splits import limit, mixed_order
from ddlab.home import data_home

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

BLOCK = 1000
HELD_OUT_IS_TEST = "; its held-out images are the official test set"


class Official(Source):
    """Images that torchvision reads; the held-out images are the official test set.

    Under a limit the first images of a fixed order are taken, in which classes are mixed in proportion.
    """

    name: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]
    side: ClassVar[int]
    channels: ClassVar[int]
    counts: ClassVar[tuple[int, int]]
    source: ClassVar[str]
    licence: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    """Below ``data_home()``; if one of them is missing, so is the data set."""

    @abstractmethod
    def open(self, split: SplitName, download: bool = False) -> Any:
        """The torchvision data set, with all images in ``data`` and labels in ``targets``."""

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe the data without reading them; only whether the files are there is checked."""
        self.fingerprint(settings)
        size = settings.size or self.side
        train, validation = self.counts
        return Description(
            classes=self.classes,
            channels=self.channels,
            shape=(size, size),
            num_train=limit(train, settings.train_images),
            num_validation=limit(validation, settings.validation_images),
            source=self.source + HELD_OUT_IS_TEST,
            licence=self.licence,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Read through torchvision."""
        try:
            data = self.open(split)
            images, labels = np.asarray(data.data), np.asarray(data.targets, dtype=np.int64)
        except Exception as error:  # a file that is there, but not as it should be: torchvision does not foresee it
            raise ValueError(f"{self.name}: the files in {data_home()} cannot be used ({reason(error)})") from error
        count = self.counts[SPLITS.index(split)]
        if images.shape[:3] != (count, self.side, self.side) or labels.shape != (count,):
            raise ValueError(
                f"{self.name}: the files in {data_home()} hold {len(images)} images and {len(labels)} labels of the "
                f"{split} split, not {count}, or not of {self.side} px"
            )
        if labels.min() < 0 or labels.max() >= len(self.classes):
            raise ValueError(
                f"{self.name}: the files in {data_home()} have labels from {labels.min()} to {labels.max()}; needs 0 "
                f"to {len(self.classes) - 1}"
            )
        wanted = settings.train_images if split == "train" else settings.validation_images
        order = mixed_order(labels, seed=0)[: limit(len(labels), wanted)]
        for start in range(0, len(order), BLOCK):
            indices = order[start : start + BLOCK]
            yield Split(_channels_first(images[indices], settings.size or self.side), labels[indices])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return the files' sizes as a text: they are official, so they do not change otherwise."""
        paths = [data_home() / name for name in self.files]
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise DataMissing(
                f"{self.name}: {missing[0]} is not there; put the official files into {data_home()} "
                f"(the folder that DDLAB_DATA names), or let `ddlab data prepare {self.name} --download` fetch them"
            )
        return " ".join(str(_size(path)) for path in paths)

    def needs_torch(self, settings: "DatasetSettings") -> bool:
        """Return True: torchvision reads the files."""
        return True

    def download(self, settings: "DatasetSettings") -> None:
        """Let torchvision fetch the official files."""
        try:
            self.open("train", download=True)
            self.open("validation", download=True)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{self.name}: the download to {data_home()} failed ({error})") from error


def _size(path: Path) -> int:
    """Bytes of a file, and of nothing else, that may be read at once."""
    with readable(path):
        status = path.stat()
        check_file(status)
        if status.st_size > limits.MOST_IMAGE_BYTES:
            raise ValueError(f"it has {amount(status.st_size)}")
    return status.st_size


def _channels_first(images: np.ndarray, size: int) -> np.ndarray:
    """Images ``(M, H, W)`` or ``(M, H, W, C)`` as ``(M, C, size, size)``."""
    if images.shape[1] != size:
        images = np.stack([np.asarray(Image.fromarray(image).resize((size, size))) for image in images])
    return images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
