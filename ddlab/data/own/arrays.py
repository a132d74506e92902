"""A look through the images or volumes of an npz: every one of them is unpacked."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ddlab.data.arrays import Layout, look_into
from ddlab.data.class_folders import FEWEST
from ddlab.data.messages import shown
from ddlab.data.npz_file import unpacked
from ddlab.data.own.images import obstacle_of
from ddlab.data.own.report import ClassCount, Finding, Report, Twins, ordered, three_sizes
from ddlab.data.source import SPLITS, Progress
from ddlab.data.volumes import blocks


class Look:
    """A look through the images of an npz.

    Once :meth:`report` has been asked, ``usable`` holds what can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.usable: dict[str, np.ndarray] = {}

    def report(self, progress: Progress) -> Report:
        """Unpack every image.

        Raises
        ------
        ValueError
            If the npz cannot be read, holds no images, or is refused; names file and array.
        """
        layout, twins = look_into(self.path), Twins()
        labels = {layout.keys[split]: layout.labels[split] for split in SPLITS}
        total, done = sum(map(len, labels.values())), 0
        findings: list[Finding] = []
        found, good = Counter[str](), Counter[str]()
        for key, numbers in labels.items():
            is_usable = np.ones(len(numbers), bool)
            for index, image in self._images(layout, key):
                label, finding = layout.classes[numbers[index]], _finding(image, f"{key}[{index}]")
                finding = finding or twins.find(_digest(image), f"{key}[{index}]", label)
                findings += filter(None, [finding])
                is_usable[index] = finding is None or finding.problem != "unreadable"
                found[label] += 1
                good[label] += bool(is_usable[index])
                done += 1
                progress(done, total)
            self.usable[key] = np.flatnonzero(is_usable)
        classes = tuple(ClassCount(name, found[name], good[name]) for name in layout.classes)
        worst_first, counts = ordered(findings)
        sizes = three_sizes([layout.shape[:-1]] * min(1, good.total()))
        num_bytes = self.path.stat().st_size
        return Report("arrays", classes, worst_first, counts, sizes, self._obstacle(classes), num_bytes)

    def _images(self, layout: Layout, key: str) -> Iterator[tuple[int, np.ndarray]]:
        """Unpack the images of an array, each with its place."""
        with unpacked(self.path, key) as images:
            for block in blocks(len(images), math.prod(layout.shape) * images.itemsize):
                yield from zip(block, np.asarray(images[block.start : block.stop]), strict=True)

    def _obstacle(self, classes: tuple[ClassCount, ...]) -> str:
        few = next((count for count in classes if count.usable < FEWEST), None)
        if few is None or obstacle_of(classes):
            return obstacle_of(classes)
        return f"{shown(self.path.name)} has {few.usable} images of class '{few.name}'; needs at least {FEWEST}"


def _finding(image: np.ndarray, name: str) -> Finding | None:
    """Say what is wrong or odd with an image."""
    low, high = image.min(), image.max()
    if image.dtype.kind == "f" and not (low >= 0 and high <= 1):  # also where one is not a number
        return Finding(name, "unreadable", f"its values go from {low:g} to {high:g}; needs 0 to 1")
    return Finding(name, "odd", "all of its pixels have one value") if low == high else None


def _digest(image: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest()
