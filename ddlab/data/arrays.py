"""Images and labels in an npz file.

Keys, the first that fit: ``train_images, train_labels, val_images, val_labels`` (or ``test_``; as in MedMNIST);
``x_train, y_train, x_test, y_test`` (or ``x_val``; as in Keras); ``images, labels``, split by ddlab. Images are
``(M, H, W)``, ``(M, H, W, 1)`` or ``(M, H, W, 3)``, of bytes or of numbers from 0 to 1; labels are whole numbers
``(M,)`` or ``(M, 1)``. ``classes`` may hold the classes' names. The images are
read into memory for decoding, and only then.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Layout:
    """What an npz holds, without its images: their shape ``(H, W, C)``, and of each split key, labels and order."""

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    keys: dict[SplitName, str]
    labels: dict[SplitName, np.ndarray]
    orders: dict[SplitName, np.ndarray]


class Npz(Source):
    """The images of an npz file, as the largest centred squares, scaled."""

    def __init__(self, path: Path, licence: str) -> None:
        self.path = path
        self.licence = licence

    def describe(self, settings: "DatasetSettings") -> Description:
        """From the labels and the header of the images."""
        layout = self._layout(settings)
        height, width, channels = layout.shape
        size = settings.size or min(height, width)
        return Description(
            classes=layout.classes,
            channels=channels,
            shape=(size, size),
            num_train=limit(len(layout.orders["train"]), settings.train_images),
            num_validation=limit(len(layout.orders["validation"]), settings.validation_images),
            source=str(self.path),
            licence=self.licence,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Cut and scale the images in blocks."""
        description, layout = self.describe(settings), self._layout(settings)
        count = description.num_train if split == "train" else description.num_validation
        images = _array(self.path, layout.keys[split])
        images = images.reshape(len(images), *layout.shape)
        for start in range(0, count, BLOCK):
            indices = layout.orders[split][start : min(start + BLOCK, count)]
            block = _as_bytes(images[indices], self.path)
            yield Split(_square(block, description.shape[0]), layout.labels[split][indices])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Name, size and time of the file."""
        stamp = repr((str(self.path), *_stamp(self.path)))
        return hashlib.sha256(stamp.encode()).hexdigest()

    def _layout(self, settings: "DatasetSettings") -> Layout:
        return _look(self.path, _stamp(self.path), settings.seed)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataMissing(f"path: {path} is not there; give a folder or archive of class folders, or an npz") from None
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=4)
def _look(path: Path, stamp: tuple[int, int], seed: int) -> Layout:
    shapes = _shapes(path)
    keys = next((keys for keys in KEYS if set(keys) <= set(shapes)), None)
    if keys is None:
        choices = "; ".join(", ".join(keys) for keys in KEYS)
        raise ValueError(f"path: {path.name} holds {', '.join(shapes) or 'nothing'}; needs one of: {choices}")
    image_keys = keys[::2]
    image_shapes = {_image_shape(shapes[key], key, path) for key in image_keys}
    if len(image_shapes) > 1:
        raise ValueError(f"path: {path.name}: {' and '.join(image_keys)} have images of different shapes")
    labels = [_labels(path, key, shapes[image][0]) for image, key in zip(image_keys, keys[1::2], strict=True)]
    orders = stratified_split(labels[0], seed) if len(keys) == 2 else tuple(mixed_order(part, seed) for part in labels)
    named = _array(path, "classes").astype(str).tolist() if "classes" in shapes else None
    return Layout(
        _classes(np.concatenate(labels), named, path),
        image_shapes.pop(),
        dict(zip(SPLITS, image_keys * (2 // len(image_keys)), strict=True)),
        dict(zip(SPLITS, labels * (2 // len(labels)), strict=True)),
        dict(zip(SPLITS, orders, strict=True)),
    )


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every array, from the headers."""
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = {}
            for name in archive.namelist():
                with archive.open(name) as file:
                    version = np.lib.format.read_magic(file)
                    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
                    shapes[name.removesuffix(".npy")] = read(file)[0]
            return shapes
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"path: {path.name} cannot be read as npz ({error})") from error


def _array(path: Path, key: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(f"{key}.npy").file_size
        if size > _most_bytes():
            raise ValueError(f"{key} takes {size / 2**20:.0f} MiB, more than half of the free memory")
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[key]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"path: {path.name} cannot be read as npz ({error})") from error


def _most_bytes() -> int:
    return psutil.virtual_memory().available // 2


def _image_shape(shape: tuple[int, ...], key: str, path: Path) -> tuple[int, int, int]:
    """``(H, W, C)`` of the images in an array of this shape."""
    full = (*shape, 1) if len(shape) == 3 else shape
    if len(full) != 4 or full[3] not in (1, 3) or 0 in full:
        raise ValueError(f"path: {path.name}: {key} has shape {shape}; needs (M, H, W), (M, H, W, 1) or (M, H, W, 3)")
    return full[1], full[2], full[3]


def _labels(path: Path, key: str, count: int) -> np.ndarray:
    array = _array(path, key)
    labels = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"path: {path.name}: {key} has shape {array.shape} and type {array.dtype}; needs {count} whole numbers "
            f"from 0, one an image"
        )
    return labels.astype(np.int64)


def _classes(labels: np.ndarray, named: list[str] | None, path: Path) -> tuple[str, ...]:
    count = int(labels.max()) + 1
    names = [str(label) for label in range(count)] if named is None else named
    if len(names) < max(count, 2):
        raise ValueError(f"path: {path.name} has {len(names)} classes; needs at least {max(count, 2)}")
    counts = [int((labels == label).sum()) for label in range(len(names))]
    if min(counts) < FEWEST:
        rarest = names[counts.index(min(counts))]
        raise ValueError(f"path: {path.name} has {min(counts)} images of class {rarest!r}; needs at least {FEWEST}")
    return tuple(names)


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
    """As ``(M, C, size, size)``."""
    if images.shape[1:3] != (size, size):
        pictures = (Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image) for image in images)
        fitted = [np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)) for picture in pictures]
        images = np.stack(fitted).reshape(len(images), size, size, -1)
    return images.transpose(0, 3, 1, 2)
