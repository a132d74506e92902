"""Images or volumes and labels in an npz file.

Keys, the first that fit: ``train_images, train_labels, val_images, val_labels`` (or ``test_``; as in MedMNIST);
``x_train, y_train, x_test, y_test`` (or ``x_val``; as in Keras); ``images, labels``, split by ddlab. Images are
``(M, H, W)``, ``(M, H, W, 1)`` or ``(M, H, W, 3)``; any other four axes are volumes ``(M, D, H, W)``. They are bytes
or numbers from 0 to 1; labels are whole numbers ``(M,)`` or ``(M, 1)``. ``classes`` may hold the classes' names. The
images are unpacked into a temporary file for decoding, and only then.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from ddlab.data import limits
from ddlab.data.class_folders import FEWEST
from ddlab.data.files import check_file, readable
from ddlab.data.messages import amount, shown
from ddlab.data.npz_file import Header, array_names, read_header, read_small, unpacked
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
    """The content of an npz but its images: their shape ``(*spatial, C)``, and each split's key, labels and order."""

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
    seed
        Of the order and the split; None: that of the settings.
    """

    def __init__(
        self, path: Path, licence: str, keys: Keys = KEYS, names: tuple[str, ...] = (), seed: int | None = None
    ) -> None:
        self.path = path
        self.licence = licence
        self.keys = keys
        self.names = names
        self.seed = seed

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe the data from the labels and the header of the images."""
        layout = self._layout(settings)
        *spatial, channels = layout.shape
        side = settings.size or min(spatial)
        return Description(
            classes=layout.classes,
            channels=channels,
            shape=volume_shape(settings, tuple(spatial)) if len(spatial) == 3 else (side, side),
            num_train=limit(len(layout.orders["train"]), settings.train_images),
            num_validation=limit(len(layout.orders["validation"]), settings.validation_images),
            source=shown(self.path, 1000),
            licence=self.licence,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Cut and scale the images in blocks."""
        description, layout = self.describe(settings), self._layout(settings)
        count = description.num_train if split == "train" else description.num_validation
        with unpacked(self.path, layout.keys[split]) as images:
            images = images.reshape(len(images), *layout.shape)
            for block in blocks(count, math.prod(layout.shape)):
                indices = layout.orders[split][block]
                pixels = _as_bytes(np.asarray(images[indices]), self.path)
                yield Split(_scaled(pixels, description.shape), layout.labels[split][indices])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return name, size and time of the file."""
        stamp = repr((str(self.path), *_stamp(self.path)))
        return hashlib.sha256(stamp.encode()).hexdigest()

    def _layout(self, settings: "DatasetSettings") -> Layout:
        seed = settings.seed if self.seed is None else self.seed
        return _look(self.path, _stamp(self.path), seed, self.keys, self.names)


class AdrenalMnist(Relayed):
    """AdrenalMNIST3D: shapes of left adrenal glands in ``data_home()/adrenalmnist3d_64.npz``, healthy or enlarged.

    The 298 volumes of the official test set are held out; MedMNIST's own 98 for validation are not used.
    Three quarters are healthy: judge by the balanced accuracy.

    References
    ----------
    Yang et al., "MedMNIST v2", Scientific Data 10, 41, 2023.
    """

    relevant = ("volume", "train_images", "validation_images")

    def source(self, settings: "DatasetSettings") -> Source:
        """Return the npz as a source, if it is there."""
        path = data_home() / "adrenalmnist3d_64.npz"
        if not path.exists():
            raise DataMissing(
                f"adrenalmnist3d: {path} is not there; put MedMNIST's file of that name into {data_home()} (the folder "
                f"that DDLAB_DATA names)"
            )
        keys = ("train_images", "train_labels", "test_images", "test_labels")
        return Npz(path, "CC BY 4.0", (keys,), ("normal", "hyperplasia"), seed=0)


def look_into(path: Path) -> Layout:
    """Read what an npz holds but its images.

    Raises
    ------
    ValueError
        If it cannot be read, or cannot be a data set; names file and array.
    """
    layout = _look(path, _stamp(path), 0, KEYS, ())
    for key in layout.keys.values():
        kind = read_header(path, key).kind
        if kind != np.uint8 and kind.kind != "f":
            raise ValueError(f"path: {shown(path.name)}: {key} has type {kind}; needs bytes, or numbers from 0 to 1")
    return layout


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataMissing(
            f"path: {shown(path, 200)} is not there; give a folder or archive of class folders, or an npz"
        ) from None
    with readable(path, " as npz"):
        check_file(status)
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=4)
def _look(path: Path, stamp: tuple[int, int], seed: int, known: Keys, names: tuple[str, ...]) -> Layout:
    held = array_names(path)
    keys = next((keys for keys in known if set(keys) <= set(held)), None)
    if keys is None:
        choices = "; ".join(", ".join(keys) for keys in known)
        raise ValueError(
            f"path: {shown(path.name)} holds {shown(', '.join(held), 200) or 'nothing'}; needs one of: {choices}"
        )
    image_keys = keys[::2]
    headers = {key: read_header(path, key) for key in image_keys}
    image_shapes = {_image_shape(header, key, path) for key, header in headers.items()}
    if len(image_shapes) > 1:
        raise ValueError(f"path: {shown(path.name)}: {' and '.join(image_keys)} have images of different shapes")
    labels = [_labels(path, key, headers[image].shape[0]) for image, key in zip(image_keys, keys[1::2], strict=True)]
    classes = _classes(np.concatenate(labels), _names(path) if "classes" in held else names, path)
    orders = stratified_split(labels[0], seed) if len(keys) == 2 else tuple(mixed_order(part, seed) for part in labels)
    return Layout(
        classes,
        image_shapes.pop(),
        dict(zip(SPLITS, image_keys * (2 // len(image_keys)), strict=True)),
        dict(zip(SPLITS, labels * (2 // len(labels)), strict=True)),
        dict(zip(SPLITS, orders, strict=True)),
    )


def _image_shape(header: Header, key: str, path: Path) -> tuple[int, ...]:
    """``(H, W, C)`` or ``(D, H, W, 1)`` of what an array with this header holds."""
    shape = header.shape
    if len(shape) not in (3, 4) or 0 in shape:
        choices = "(M, H, W), (M, H, W, 1), (M, H, W, 3) or (M, D, H, W)"
        raise ValueError(f"path: {shown(path.name)}: {key} has shape {shown(shape)}; needs {choices}")
    if header.kind.kind not in "uifb":
        raise ValueError(f"path: {shown(path.name)}: {key} has type {shown(header.kind)}; needs numbers")
    if shape[0] > limits.most_files():
        raise ValueError(
            f"path: {shown(path.name)}: {key} has {shape[0]:,} images; at most {limits.most_files():,} are allowed "
            f"(DDLAB_MOST_FILES)"
        )
    num_bytes = math.prod(shape[1:]) * header.kind.itemsize
    if num_bytes > limits.MOST_IMAGE_BYTES:
        raise ValueError(
            f"path: {shown(path.name)}: an image of {key} takes {amount(num_bytes)}; at most "
            f"{amount(limits.MOST_IMAGE_BYTES)} are allowed"
        )
    has_channels = len(shape) == 4 and shape[3] in (1, 3)
    return shape[1:] if has_channels else (*shape[1:], 1)


def _labels(path: Path, key: str, count: int) -> np.ndarray:
    header = read_header(path, key)
    if header.shape not in ((count,), (count, 1)) or header.kind.kind not in "iu":
        raise ValueError(
            f"path: {shown(path.name)}: {key} has shape {shown(header.shape)} and type {shown(header.kind)}; needs "
            f"{count} whole numbers from 0, one an image"
        )
    labels = read_small(path, key, header.num_bytes).ravel()
    if labels.min() < 0 or labels.max() >= limits.MOST_CLASSES:
        raise ValueError(
            f"path: {shown(path.name)}: {key} has labels from {labels.min()} to {labels.max()}; needs whole numbers "
            f"from 0 to below {limits.MOST_CLASSES:,}, the most classes that are allowed"
        )
    return labels.astype(np.int64)


def _names(path: Path) -> tuple[str, ...]:
    header = read_header(path, "classes")
    if len(header.shape) != 1 or header.kind.kind not in "USiu":
        raise ValueError(
            f"path: {shown(path.name)}: classes has shape {shown(header.shape)} and type {shown(header.kind)}; needs "
            f"a list of names"
        )
    if header.shape[0] > limits.MOST_CLASSES:
        raise ValueError(
            f"path: {shown(path.name)} has {header.shape[0]:,} classes; at most {limits.MOST_CLASSES:,} are allowed"
        )
    names = read_small(path, "classes", limits.MOST_TABLE_BYTES)
    with readable(path, " as npz"):
        return tuple(names.astype(str).tolist())


def _classes(labels: np.ndarray, named: tuple[str, ...], path: Path) -> tuple[str, ...]:
    count = int(labels.max()) + 1
    names = named or tuple(map(str, range(count)))
    if len(names) < max(count, 2):
        raise ValueError(f"path: {shown(path.name)} has {len(names)} classes; needs at least {max(count, 2)}")
    limits.check_classes(names, shown(path.name))
    counts = np.bincount(labels, minlength=len(names))
    if counts.min() < FEWEST:
        raise ValueError(
            f"path: {shown(path.name)} has {counts.min()} images of class '{shown(names[counts.argmin()])}'; needs at "
            f"least {FEWEST}"
        )
    return names


def _as_bytes(images: np.ndarray, path: Path) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f" or not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"path: {shown(path.name)}: the images have type {images.dtype} and values {images.min()} to "
            f"{images.max()}; needs bytes, or numbers from 0 to 1"
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
