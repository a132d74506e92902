"""Images and labels in an npz file.

Keys, the first that fit: ``train_images, train_labels, val_images, val_labels`` (or ``test_``; as in MedMNIST);
``x_train, y_train, x_test, y_test`` (or ``x_val``; as in Keras); ``images, labels``, split by ddlab. Images are
``(M, H, W)``, ``(M, H, W, 1)`` or ``(M, H, W, 3)``, of bytes or of numbers from 0 to 1; labels are whole numbers
``(M,)`` or ``(M, 1)``. ``classes`` may hold the classes' names. The file is read into memory, once.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from PIL import Image, ImageOps

from ddlab.data.class_folders import FEWEST
from ddlab.data.source import SPLITS, DataMissing, Description, Source, Split, SplitName
from ddlab.data.splits import limit, mixed_order, stratified_split

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

BLOCK = 500
KEYS = (
    ("train_images", "train_labels", "val_images", "val_labels"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_val", "y_val"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("images", "labels"),
)
Arrays = dict[str, np.ndarray]


class Npz(Source):
    """The images of an npz file."""

    def __init__(self, path: Path, licence: str) -> None:
        self.path = path
        self.licence = licence

    def describe(self, settings: "DatasetSettings") -> Description:
        """From the shape of the images and the labels."""
        images, labels = self._splits(settings)
        classes = self._classes(np.concatenate([labels[split] for split in SPLITS]))
        _, height, width, channels = images["train"].shape
        size = settings.size or min(height, width)
        return Description(
            classes=classes,
            channels=channels,
            shape=(size, size),
            num_train=limit(len(images["train"]), settings.train_images),
            num_validation=limit(len(images["validation"]), settings.validation_images),
            source=str(self.path),
            licence=self.licence,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Cut and scale the images in blocks."""
        description = self.describe(settings)
        images, labels = (part[split] for part in self._splits(settings))
        order = mixed_order(labels, settings.seed)
        order = order[: description.num_train if split == "train" else description.num_validation]
        for start in range(0, len(order), BLOCK):
            indices = order[start : start + BLOCK]
            block = _as_bytes(images[indices], self.path)
            yield Split(_square(block, description.shape[0]), labels[indices])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Name, size and time of the file."""
        stamp = repr((str(self.path), *_stamp(self.path)))
        return hashlib.sha256(stamp.encode()).hexdigest()

    def _classes(self, labels: np.ndarray) -> tuple[str, ...]:
        arrays = _load(self.path, _stamp(self.path))
        count = int(labels.max()) + 1
        names = [str(name) for name in arrays["classes"]] if "classes" in arrays else [str(k) for k in range(count)]
        if len(names) < max(count, 2):
            raise ValueError(f"path: {self.path.name} has {len(names)} classes; needs at least {max(count, 2)}")
        fewest = np.bincount(labels, minlength=len(names))
        if fewest.min() < FEWEST:
            rarest = names[fewest.argmin()]
            raise ValueError(
                f"path: {self.path.name} has {fewest.min()} images of class {rarest!r}; needs at least {FEWEST}"
            )
        return tuple(names)

    def _splits(self, settings: "DatasetSettings") -> tuple[dict[SplitName, np.ndarray], dict[SplitName, np.ndarray]]:
        """Images and labels of both splits."""
        arrays = _load(self.path, _stamp(self.path))
        keys = next((keys for keys in KEYS if set(keys) <= set(arrays)), None)
        if keys is None:
            choices = "; ".join(", ".join(keys) for keys in KEYS)
            raise ValueError(f"path: {self.path.name} holds {', '.join(arrays) or 'nothing'}; needs one of: {choices}")
        images = [_images(arrays[key], key, self.path) for key in keys[::2]]
        labels = [_labels(arrays[key], key, len(part), self.path) for key, part in zip(keys[1::2], images, strict=True)]
        if len(keys) == 4:
            return dict(zip(SPLITS, images, strict=True)), dict(zip(SPLITS, labels, strict=True))
        indices = dict(zip(SPLITS, stratified_split(labels[0], settings.seed), strict=True))
        return {s: images[0][i] for s, i in indices.items()}, {s: labels[0][i] for s, i in indices.items()}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataMissing(f"path: {path} is not there; give a folder or archive of class folders, or an npz") from None
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=1)
def _load(path: Path, stamp: tuple[int, int]) -> Arrays:
    """All arrays of the file; kept until another one is wanted."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
        if total > _most_bytes():
            raise ValueError(f"it takes {total / 2**20:.0f} MiB, more than half of the free memory; use class folders")
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"path: {path.name} cannot be read as npz ({error})") from error


def _most_bytes() -> int:
    return psutil.virtual_memory().available // 2


def _images(array: np.ndarray, key: str, path: Path) -> np.ndarray:
    """As ``(M, H, W, C)``."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3) or not array.size:
        raise ValueError(
            f"path: {path.name}: {key} has shape {array.shape}; needs (M, H, W), (M, H, W, 1) or (M, H, W, 3)"
        )
    return array


def _labels(array: np.ndarray, key: str, count: int, path: Path) -> np.ndarray:
    labels = array.reshape(len(array), -1)[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"path: {path.name}: {key} has shape {array.shape} and type {array.dtype}; needs {count} whole numbers "
            f"from 0, one an image"
        )
    return labels.astype(np.int64)


def _as_bytes(images: np.ndarray, path: Path) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f" or not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"path: {path.name}: the images have type {images.dtype} and values {images.min()} to {images.max()}; "
            f"needs bytes, or numbers from 0 to 1"
        )
    return np.round(images * 255).astype(np.uint8)


def _square(images: np.ndarray, size: int) -> np.ndarray:
    """The largest centred squares, scaled: ``(M, C, size, size)``."""
    if images.shape[1:3] != (size, size):
        pictures = (Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image) for image in images)
        fitted = [np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)) for picture in pictures]
        images = np.stack(fitted).reshape(len(images), size, size, -1)
    return images.transpose(0, 3, 1, 2)
