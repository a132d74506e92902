"""Data sets as the rest of ddlab sees them: a source that is read once, and the splits that the cache gives back."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ddlab.data import limits
from ddlab.data.messages import amount
from ddlab.decomposition import times

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

SplitName = Literal["train", "validation", "test"]
Fit = Literal["zoom", "centre"]
Progress = Callable[[int, int], None]
"""Called with the number of images done so far, and of all images."""
SPLITS: tuple[SplitName, ...] = ("train", "validation")  # that a source gives, and the cache holds


@dataclass(frozen=True)
class Description:
    """Facts about a data set that are known before any image is decoded.

    Parameters
    ----------
    classes
        Names of the K classes, in the order of the labels.
    channels, shape
        Of every image: 1 or 3, and pixels along the spatial axes.
    num_train, num_validation, num_test
        Images of the splits, after the limits that the settings put on them; no test images in the papers' protocol.
    has_masks
        Whether every image carries the mask of its evidence.
    values, unit
        What the bytes 0 and 255 stand for: ``(-1000, 400)`` Hounsfield units (``"HU"``) of a computed tomograph;
        ``(0.5, 99.5)`` of the unit ``"percentile"`` where every volume has a window of its own.
    spacing
        Millimetres between neighbouring voxels along every axis; empty where it is not known.
    fit
        How volumes of other extents are brought to the shape: zoomed, or cut and padded around their middle.

    Raises
    ------
    ValueError
        If an image, or all of them, would be larger than :mod:`ddlab.data.limits` allows.
    """

    classes: tuple[str, ...]
    channels: int
    shape: tuple[int, ...]
    num_train: int
    num_validation: int
    source: str
    licence: str
    has_masks: bool = False
    values: tuple[float, float] = (0.0, 1.0)
    unit: str = ""
    spacing: tuple[float, ...] = ()
    num_test: int = 0
    fit: Fit = "zoom"

    def __post_init__(self) -> None:
        values = self.channels * math.prod(self.shape)
        if values > limits.MOST_VALUES:
            field = "volume" if len(self.shape) == 3 else "size"
            raise ValueError(
                f"{field}: an image of {times((self.channels, *self.shape))} has {values:,} values; at most "
                f"{limits.MOST_VALUES:,} are allowed: set a smaller dataset.{field}"
            )
        if self.num_bytes > limits.most_bytes():
            count = self.num_train + self.num_validation + self.num_test
            raise ValueError(
                f"train_images: {count:,} images of {times((self.channels, *self.shape))} take "
                f"{amount(self.num_bytes)} in the cache; at most {amount(limits.most_bytes())} are allowed "
                f"(DDLAB_MOST_BYTES): use fewer, or smaller ones"
            )

    @property
    def num_classes(self) -> int:
        """The number of classes, K."""
        return len(self.classes)

    @property
    def num_bytes(self) -> int:
        """Bytes of all images and masks, decoded."""
        count = self.num_train + self.num_validation + self.num_test
        return count * (self.channels + self.has_masks) * math.prod(self.shape)


@dataclass(frozen=True)
class Split:
    """Images as bytes ``(M, C, *shape)``, labels ``(M,)`` int64 and evidence masks ``(M, *shape)`` of 0 and 1, or None.

    The arrays may be memory-mapped: index them in batches.
    """

    images: np.ndarray
    labels: np.ndarray
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def image(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """An image, bytes ``(C, *shape)``, and the mask ``(*shape)`` of its evidence where it has some.

        Raises
        ------
        ValueError
            If there is no such image.
        """
        if not 0 <= index < len(self):
            raise ValueError(f"image: needs 0 to {len(self) - 1}, got {index}")
        mask = None if self.masks is None else np.asarray(self.masks[index])
        return np.asarray(self.images[index]), mask if np.any(mask) else None


@dataclass(frozen=True)
class Dataset:
    """A decoded data set; ``mean`` and ``std`` are those of the training images a channel, on the scale 0..1.

    Parameters
    ----------
    test
        Images that judge what the validation images have chosen; None where these do both.
    """

    description: Description
    train: Split
    validation: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    test: Split | None = None

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """Names of the splits that there are."""
        return SPLITS if self.test is None else (*SPLITS, "test")

    @property
    def held_out(self) -> tuple[SplitName, ...]:
        """Names of the splits that nothing is trained on."""
        return self.splits[1:]

    def split(self, name: SplitName) -> Split:
        """The split of that name.

        Raises
        ------
        ValueError
            If the data set has no test images.
        """
        found = {"train": self.train, "validation": self.validation, "test": self.test}[name]
        if found is None:
            raise ValueError("dataset.test: 'validation' leaves no test images; set 'official' or a share")
        return found


class DataMissing(ValueError):
    """The files of a data set are not there; says where they were looked for and how to get them."""


class Source(ABC):
    """A kind of data: says what it would give, and gives it in blocks that fit in memory."""

    relevant: ClassVar[tuple[str, ...]] = ("size", "train_images", "validation_images")
    """Fields of the settings that change what it gives."""

    @abstractmethod
    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe the data without decoding images.

        Raises
        ------
        ValueError
            If the data are not there (:class:`DataMissing`) or cannot be used; names the field or the file, and what
            to do.
        """

    @abstractmethod
    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Yield the images of a split in blocks, in a fixed order."""

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return a text that changes with the files behind the data; empty for data that cannot change.

        Raises
        ------
        DataMissing
            If there are no files.
        """
        return ""

    def needs_torch(self, settings: "DatasetSettings") -> bool:
        """Whether reading imports torch (through torchvision)."""
        return False

    def download(self, settings: "DatasetSettings") -> None:
        """Fetch the files from their official place.

        Raises
        ------
        ValueError
            If there is no such place.
        """
        raise ValueError(f"data set {settings.name!r} cannot be downloaded")


class Relayed(Source):
    """A source that is another one, depending on the settings or on what files there are: :meth:`source` says which."""

    @abstractmethod
    def source(self, settings: "DatasetSettings") -> Source:
        """Give the source that does the work.

        Raises
        ------
        ValueError
            If the settings name none, or its files are not there (:class:`DataMissing`).
        """

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe it as the chosen source does."""
        return self.source(settings).describe(settings)

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Read it as the chosen source does."""
        return self.source(settings).read(settings, split)

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return the fingerprint of the chosen source's files."""
        return self.source(settings).fingerprint(settings)

    def needs_torch(self, settings: "DatasetSettings") -> bool:
        """Whether the chosen source imports torch."""
        return self.source(settings).needs_torch(settings)

    def download(self, settings: "DatasetSettings") -> None:
        """Fetch what the chosen source can fetch."""
        self.source(settings).download(settings)
