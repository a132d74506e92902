"""A look through image files in class folders: every one of them is decoded."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ddlab.data.class_folders import VALIDATION_FOLDERS, ClassFile, arrange, opened, sort_files, squared
from ddlab.data.containers import Container, Read, is_image
from ddlab.data.messages import reason, shown
from ddlab.data.own.report import LONGEST, ClassCount, Finding, Report, Twins, ordered, three_sizes
from ddlab.data.source import Progress
from ddlab.written import percent

SIDE = 64  # pixels at which images are compared: the size at which they are trained on, unless another is asked for
SMALLEST = 8  # pixels of a side that a network can do something with
FEWEST_KEPT = 1 / 3  # share of an image's pixels that the centred square holds


class Look:
    """A look through the images of a container.

    Once :meth:`report` has been asked, ``usable`` holds what can be decoded.
    """

    def __init__(self, container: Container) -> None:
        self.container = container
        self.names = tuple(dict.fromkeys(container.names()))
        self.files = sort_files(list(filter(is_image, self.names)))
        self.usable: tuple[str, ...] = ()

    def report(self, progress: Progress) -> Report:
        """Decode every image that belongs to a class.

        Raises
        ------
        ValueError
            If the container cannot be read, or is refused.
        """
        twins, findings, sizes, usable = Twins(), [*self._unused()], [], []
        with self.container.reader() as content:
            num_bytes = 0
            for number, file in enumerate(self.files, 1):
                seen = _Seen(content, file)
                num_bytes += seen.num_bytes
                findings += seen.findings(twins)
                if not seen.fault:
                    usable.append(file)
                    sizes.append(seen.size)
                progress(number, len(self.files))
        self.usable = tuple(file.name for file in usable)
        found, good = (Counter(file.label for file in files) for files in (self.files, usable))
        classes = tuple(ClassCount(shown(label, LONGEST), found[label], good[label]) for label in sorted(found))
        worst_first, counts = ordered(findings)
        obstacle = obstacle_of(classes) or self._obstacle()
        return Report("images", classes, worst_first, counts, three_sizes(sizes), obstacle, num_bytes)

    def _unused(self) -> Iterator[Finding]:
        """Files that are no images, or lie where the layout of the folders has no use for them."""
        placed = {file.name for file in self.files}
        splits = any(file.split for file in self.files)
        for name in self.names:
            if name in placed:
                continue
            if not is_image(name):
                why = "it is not an image"
            elif splits:
                why = f"it is in no class folder of train or of the first of {', '.join(VALIDATION_FOLDERS)}"
            else:
                why = "it is in no folder of a class"
            yield Finding(shown(name, LONGEST), "unused", why)

    def _obstacle(self) -> str:
        try:
            arrange(self.usable, Path(self.container.path.name), 0)
        except ValueError as error:
            return str(error).removeprefix("path: ")
        return ""


class _Seen:
    """One image file after a look at it."""

    def __init__(self, content: Read, file: ClassFile) -> None:
        self.file = file
        self.size: tuple[int, int] = (0, 0)
        self.num_bytes = 0
        self.fault = ""
        self.has_frames = False
        try:
            packed = content(file.name)
            self.num_bytes = len(packed)
            with opened(packed) as image:
                self.size = (image.height, image.width)
                self.pixels = squared(image, SIDE)
                self.has_frames = bool(getattr(image, "is_animated", False))
        except Exception as error:  # Pillow raises whatever the first wrong byte leads to
            self.fault = reason(error)

    def findings(self, twins: Twins) -> Iterator[Finding]:
        """Say what is wrong or odd with it."""
        name = shown(self.file.name, LONGEST)
        if self.fault:
            yield Finding(name, "unreadable", self.fault)
            return
        height, width = self.size
        if np.array_equal(self.pixels.min((1, 2)), self.pixels.max((1, 2))):
            yield Finding(name, "odd", "all of its pixels have one colour")
        else:
            digest = hashlib.blake2b(self.pixels.tobytes(), digest_size=16).digest()
            twin = twins.find(digest, self.file.name, self.file.label)
            if twin is not None:
                yield twin
        if min(height, width) < SMALLEST:
            yield Finding(name, "odd", f"it has only {width}×{height} px")
        elif min(height, width) < FEWEST_KEPT * max(height, width):
            share = min(height, width) / max(height, width)
            why = f"it has {width}×{height} px: the centred square, which is used, holds {percent(share, 0)} of it"
            yield Finding(name, "odd", why)
        if self.has_frames:
            yield Finding(name, "odd", "it has several frames or pages, of which the first is used")


def obstacle_of(classes: Sequence[ClassCount]) -> str:
    """Say that a class would vanish without its files that cannot be read; empty if none would."""
    gone = next((count for count in classes if count.found and not count.usable), None)
    return f"none of the {gone.found} files of class '{gone.name}' can be read" if gone else ""
