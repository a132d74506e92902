"""Images in folders named after their classes, with or without folders for the splits, in a folder or an archive."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ddlab.data import limits
from ddlab.data.containers import IMAGE_SUFFIXES, Read, open_container
from ddlab.data.files import own_path
from ddlab.data.messages import reason, shown
from ddlab.data.source import SPLITS, Description, Source, Split, SplitName
from ddlab.data.splits import limit, mixed_order, stratified_split

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

VALIDATION_FOLDERS = ("val", "valid", "validation", "test")  # the first of them that is there
FEWEST = 2  # images a class: one to train with, one to validate
BLOCK_BYTES = 16 * 2**20
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # Pillow knows more, some of which start programs
SCAN = b"\xff\xda"  # begins a scan of a JPEG


@dataclass(frozen=True)
class Listing:
    """Image files and their classes: names and labels of each split, in a mixed order."""

    classes: tuple[str, ...]
    names: dict[SplitName, list[str]]
    labels: dict[SplitName, np.ndarray]


class ClassFolders(Source):
    """Class folders as square colour images: the largest centred square, scaled.

    Parameters
    ----------
    path
        Folder or archive, absolute or below ``data_home()``.
    size
        Pixels of a side where the settings say nothing.
    seed
        Of the order and the split; None: that of the settings.
    """

    def __init__(self, path: str, size: int, source: str, licence: str, seed: int | None = None) -> None:
        self.path = own_path(path)
        self.seed = seed
        self.size = size
        self.source = source
        self.licence = licence

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe the data: classes and counts from the names of the files."""
        listing = self._listing(settings)
        size = settings.size or self.size
        return Description(
            classes=listing.classes,
            channels=3,
            shape=(size, size),
            num_train=limit(len(listing.names["train"]), settings.train_images),
            num_validation=limit(len(listing.names["validation"]), settings.validation_images),
            source=self.source,
            licence=self.licence,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Decode the images in blocks of a few megabytes."""
        listing = self._listing(settings)
        size = settings.size or self.size
        wanted = settings.train_images if split == "train" else settings.validation_images
        count = limit(len(listing.names[split]), wanted)
        step = max(1, BLOCK_BYTES // (3 * size * size))
        with open_container(self.path).reader() as content:
            for start in range(0, count, step):
                stop = min(start + step, count)
                images = [decode(content, name, size) for name in listing.names[split][start:stop]]
                yield Split(np.stack(images), listing.labels[split][start:stop])

    def fingerprint(self, settings: "DatasetSettings") -> str:
        """Return names, sizes and times of all image files, as one text."""
        stamps = f"{self.path}\n{open_container(self.path).stamp()}"
        return hashlib.sha256(stamps.encode(errors="surrogateescape")).hexdigest()

    def _listing(self, settings: "DatasetSettings") -> Listing:
        names = open_container(self.path).images()
        return arrange(names, self.path, settings.seed if self.seed is None else self.seed)


@lru_cache(maxsize=8)
def arrange(names: tuple[str, ...], path: Path, seed: int) -> Listing:
    """Derive classes and splits from the names of the files.

    Folders that all files share are passed over. Where the next ones are ``train`` and one of ``VALIDATION_FOLDERS``,
    they are the splits; otherwise a fifth of every class, drawn by the seed, is kept for validation.

    Raises
    ------
    ValueError
        If there are no images, no class folders, one class only, or too few images of a class.
    """
    if not names:
        raise ValueError(f"path: {shown(path, 200)} holds no images ({', '.join(IMAGE_SUFFIXES)})")
    files = sort_files(names)
    classes = tuple(sorted({file.label for file in files}))
    numbers = {label: number for number, label in enumerate(classes)}
    labels = np.array([numbers[file.label] for file in files], dtype=np.int64)
    limits.check_classes(classes, shown(path, 200))
    _check(classes, labels, path)
    if files[0].split is None:
        train, validation = stratified_split(labels, seed)
    else:
        train, validation = (_mixed(files, labels, split, seed) for split in SPLITS)
        for split, indices in zip(SPLITS, (train, validation), strict=True):
            _check_folder(classes, labels[indices], split, path)
    indices_of: dict[SplitName, np.ndarray] = {"train": train, "validation": validation}
    return Listing(
        classes,
        {split: [files[index].name for index in indices] for split, indices in indices_of.items()},
        {split: labels[indices] for split, indices in indices_of.items()},
    )


@dataclass(frozen=True)
class ClassFile:
    """A file of a class; the split is None where no folders name the splits."""

    name: str
    label: str
    split: SplitName | None


def sort_files(names: Sequence[str]) -> list[ClassFile]:
    """Read class and split of each file off its folders; files outside class folders and unused splits are left out."""
    parts = _without_shared([tuple(name.split("/")) for name in names])
    folders = {part[0] for part in parts if len(part) > 2}
    held_out = next((folder for folder in VALIDATION_FOLDERS if folder in folders), None)
    if "train" not in folders or held_out is None:
        return [ClassFile(name, part[0], None) for name, part in zip(names, parts, strict=True) if len(part) > 1]
    splits: dict[str, SplitName] = {"train": "train", held_out: "validation"}
    return [
        ClassFile(name, part[1], splits[part[0]])
        for name, part in zip(names, parts, strict=True)
        if len(part) > 2 and part[0] in splits
    ]


def _without_shared(parts: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Drop leading folders that all files share, as long as a class folder is left to each."""
    while parts and all(len(part) > 2 and part[0] == parts[0][0] for part in parts):
        parts = [part[1:] for part in parts]
    return parts


def _mixed(files: list[ClassFile], labels: np.ndarray, split: SplitName, seed: int) -> np.ndarray:
    members = np.array([index for index, file in enumerate(files) if file.split == split], dtype=np.int64)
    mixed: np.ndarray = members[mixed_order(labels[members], seed)]
    return mixed


def _check(classes: tuple[str, ...], labels: np.ndarray, path: Path) -> None:
    if len(classes) < 2:
        found = f"has only '{shown(classes[0])}'" if classes else "has images, but none in a folder of its class"
        raise ValueError(f"path: {shown(path, 200)} {found}; needs at least 2 classes, each in a folder of its own")
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < FEWEST:
        raise ValueError(
            f"path: {shown(path, 200)} has {len(labels)} images, of class '{shown(classes[counts.argmin()])}' only "
            f"{counts.min()}; needs at least {FEWEST} of every class, to train and to validate"
        )


def _check_folder(classes: tuple[str, ...], labels: np.ndarray, split: SplitName, path: Path) -> None:
    missing = sorted(set(range(len(classes))) - set(labels.tolist()))
    if missing:
        raise ValueError(
            f"path: {shown(path, 200)} has no images of class '{shown(classes[missing[0]])}' in its {split} folder"
        )


def decode(content: Read, name: str, size: int) -> np.ndarray:
    """The largest centred square of an image, scaled to bytes ``(3, size, size)``.

    Raises
    ------
    ValueError
        If it cannot be read; names the file.
    """
    try:
        with opened(content(name)) as image:
            return squared(image, size)
    except Exception as error:  # Pillow raises whatever the first wrong byte leads to
        raise ValueError(f"path: the image {shown(name)} cannot be read ({reason(error)})") from error


@contextmanager
def opened(packed: bytes) -> Iterator[Image.Image]:
    """Open the content of an image file, whose pixels are not decoded yet.

    Raises
    ------
    ValueError
        If it is no image, or one that would take too much to decode.
    """
    if not packed:
        raise ValueError("it is empty: it has 0 bytes")
    try:
        opening = Image.open(io.BytesIO(packed), formats=FORMATS)
    except UnidentifiedImageError:  # its own words name an object in memory
        raise ValueError("it is damaged, or not an image") from None
    with opening as image:
        if image.width * image.height > limits.MOST_PIXELS or max(image.size) > limits.MOST_SIDE:
            raise ValueError(
                f"it has {image.width}×{image.height} px, at most {limits.MOST_PIXELS:,} are allowed, and "
                f"{limits.MOST_SIDE:,} a side"
            )
        if image.format in ("JPEG", "MPO") and packed.count(SCAN) > limits.MOST_SCANS:
            raise ValueError(f"it is drawn in more than {limits.MOST_SCANS} passes")
        yield image


def squared(image: Image.Image, size: int) -> np.ndarray:
    """Decode the largest centred square of an opened image, scaled to bytes ``(3, size, size)``."""
    image.draft("RGB", (size, size))  # a JPEG is decoded no larger than needed
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        upright = upright.point(lambda value: value / 256).convert("L")  # 16 bits of grey
    square = ImageOps.fit(upright.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(square).transpose(2, 0, 1)
