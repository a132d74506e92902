"""Images or volumes and labels in an npz file.

Keys, the first that fit: ``train_images, train_labels, val_images, val_labels`` (or ``test_``; as in MedMNIST);
``x_train, y_train, x_test, y_test`` (or ``x_val``; as in Keras); ``images, labels``, split by ddlab. Images are
``(M, H, W)``, ``(M, H, W, 1)`` or ``(M, H, W, 3)``; any other four axes are volumes ``(M, D, H, W)``. They are bytes
or numbers from 0 to 1; labels are whole numbers ``(M,)`` or ``(M, 1)``. ``classes`` may hold the classes' names. The
images are read into memory for decoding, and only then.
"""

import hashlib
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from PIL import Image, ImageOps

from ddlab.data.class_folders import FEWEST
from ddlab.data.source import SPLITS, DataMissing, Description, Relayed, Source, Split, SplitName
from ddlab.data.splits import limit, mixed_order, stratified_split
from ddlab.data.volumes import blocks, volume_shape, zoom
from ddlab.home import data_home

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

Keys = tuple[tuple[str, ...], ...]
KEYS: Keys = (
    ("train_images", "train_labels", "val_images", "val_labels"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_val", "y_val"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("images", "labels"),
)


@dataclass(frozen=True)
class Layout:
    """What an npz holds, without its images: their shape ``(*spatial, C)``, and of each split key, labels and order."""

    classes: tuple[str, ...]
    shape: tuple[int, ...]
    keys: dict[SplitName, str]
    labels: dict[SplitName, np.ndarray]
    orders: dict[SplitName, np.ndarray]


class Npz(Source):
    """The images of an npz file as the largest centred squares, or its volumes; scaled.

    Parameters
    ----------
    keys
        Those of the arrays, the first that fit.
    names
        Of the classes, where the file does not name them.
    """

    def __init__(self, path: Path, licence: str, keys: Keys = KEYS, names: tuple[str, ...] = ()) -> None:
        self.path = path
        self.licence = licence
        self.keys = keys
        self.names = names

    def describe(self, settings: "DatasetSettings") -> Description:
        """From the labels and the header of the images."""
        layout = self._layout(settings)
        *spatial, channels = layout.shape
        side = settings.size or min(spatial)
        return Description(
            classes=layout.classes,
            channels=channels,
            shape=volume_shape(settings, tuple(spatial)) if len(spatial) == 3 else (side, side),
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
        for block in blocks(count, math.prod(layout.shape)):
            indices = layout.orders[split][block]
            pixels = _as_bytes(images[indices], self.path)
            yield Split(_scaled(pixels, description.shape), layout.labels[split][indices])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Name, size and time of the file."""
        stamp = repr((str(self.path), *_stamp(self.path)))
        return hashlib.sha256(stamp.encode()).hexdigest()

    def _layout(self, settings: "DatasetSettings") -> Layout:
        return _look(self.path, _stamp(self.path), settings.seed, self.keys, self.names)


class AdrenalMnist(Relayed):
    """AdrenalMNIST3D: shapes of left adrenal glands in ``data_home()/adrenalmnist3d_64.npz``, healthy or enlarged.

    The 298 volumes of the official test set are the validation set, as in the papers; MedMNIST's own 98 are not used.
    Three quarters are healthy: judge by the balanced accuracy.

    References
    ----------
    Yang et al., "MedMNIST v2", Scientific Data 10, 41, 2023.
    """

    relevant = ("volume", "train_images", "validation_images")

    def source(self, settings: "DatasetSettings") -> Source:
        """The npz, if it is there."""
        path = data_home() / "adrenalmnist3d_64.npz"
        if not path.exists():
            raise DataMissing(
                f"adrenalmnist3d: {path} is not there; put MedMNIST's file of that name into {data_home()} (the folder "
                f"that DDLAB_DATA names)"
            )
        keys = ("train_images", "train_labels", "test_images", "test_labels")
        return Npz(path, "CC BY 4.0", (keys,), ("normal", "hyperplasia"))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataMissing(f"path: {path} is not there; give a folder or archive of class folders, or an npz") from None
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=4)
def _look(path: Path, stamp: tuple[int, int], seed: int, known: Keys, names: tuple[str, ...]) -> Layout:
    shapes = _shapes(path)
    keys = next((keys for keys in known if set(keys) <= set(shapes)), None)
    if keys is None:
        choices = "; ".join(", ".join(keys) for keys in known)
        raise ValueError(f"path: {path.name} holds {', '.join(shapes) or 'nothing'}; needs one of: {choices}")
    image_keys = keys[::2]
    image_shapes = {_image_shape(shapes[key], key, path) for key in image_keys}
    if len(image_shapes) > 1:
        raise ValueError(f"path: {path.name}: {' and '.join(image_keys)} have images of different shapes")
    labels = [_labels(path, key, shapes[image][0]) for image, key in zip(image_keys, keys[1::2], strict=True)]
    orders = stratified_split(labels[0], seed) if len(keys) == 2 else tuple(mixed_order(part, seed) for part in labels)
    named = _array(path, "classes").astype(str).tolist() if "classes" in shapes else names
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


def _image_shape(shape: tuple[int, ...], key: str, path: Path) -> tuple[int, ...]:
    """``(H, W, C)`` or ``(D, H, W, 1)`` of what an array of this shape holds."""
    has_channels = len(shape) == 4 and shape[3] in (1, 3)
    if len(shape) not in (3, 4) or 0 in shape:
        choices = "(M, H, W), (M, H, W, 1), (M, H, W, 3) or (M, D, H, W)"
        raise ValueError(f"path: {path.name}: {key} has shape {shape}; needs {choices}")
    return shape[1:] if has_channels else (*shape[1:], 1)


def _labels(path: Path, key: str, count: int) -> np.ndarray:
    array = _array(path, key)
    labels = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"path: {path.name}: {key} has shape {array.shape} and type {array.dtype}; needs {count} whole numbers "
            f"from 0, one an image"
        )
    return labels.astype(np.int64)


def _classes(labels: np.ndarray, named: Sequence[str], path: Path) -> tuple[str, ...]:
    count = int(labels.max()) + 1
    names = named or [str(label) for label in range(count)]
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


def _scaled(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images ``(M, *spatial, C)`` as ``(M, C, *shape)``."""
    if len(shape) == 3:
        return np.stack([zoom(volume[..., 0], shape) for volume in images])[:, None]
    if images.shape[1:3] != shape:
        pictures = map(Image.fromarray, images[..., 0] if images.shape[-1] == 1 else images)
        square = (shape[0], shape[1])
        fitted = [np.asarray(ImageOps.fit(picture, square, Image.Resampling.BICUBIC)) for picture in pictures]
        images = np.stack(fitted).reshape(len(images), *shape, -1)
    return images.transpose(0, 3, 1, 2)
