"""Pixels of an image under edits.

Edits work on the data set's own values before they are normalised: bytes, 256 steps from its darkest to its brightest
value. So the edited image is one that the data set could hold. Shapes: M images, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddlab.analyses.what_if.edits import Edit
from ddlab.data.source import Dataset, SplitName
from ddlab.decomposition import Decomposition

BRIGHTEST = 255


@dataclass(frozen=True)
class Material:
    """Ingredients of edits.

    Parameters
    ----------
    decomposition
        The places.
    mean
        The mean of the training images, a byte a channel, ``(C,)``.
    images
        Other images, bytes ``(M, C, *shape)``.
    """

    decomposition: Decomposition
    mean: np.ndarray
    images: np.ndarray

    @classmethod
    def of(cls, data: Dataset, decomposition: Decomposition, split: SplitName = "validation") -> "Material":
        """Return what there is to edit the images of a split with."""
        mean = np.rint(BRIGHTEST * np.asarray(data.mean)).astype(np.uint8)
        return cls(decomposition, mean.reshape(-1), data.split(split).images)

    def index(self, place: int) -> tuple[Any, ...]:
        """Return what cuts a place, as an :class:`Edit` names it, out of an image."""
        return self.decomposition.subdomains[place - 1].slices if place else (Ellipsis,)

    def fill(self, name: str) -> np.ndarray:
        """Return what empty pixels get, ``(C, 1, ...)``."""
        values = self.mean if name == "mean" else np.zeros_like(self.mean)
        return values.reshape(-1, *[1] * len(self.decomposition.shape))


def apply_edits(image: np.ndarray, edits: Sequence[Edit], material: Material) -> np.ndarray:
    """Return an image with the edits done one after the other.

    Where two subdomains overlap that are exchanged, the pixels of the second one win.

    Parameters
    ----------
    image
        Bytes ``(..., C, *shape)``: one image, or several that are edited alike. It stays as it is.

    Returns
    -------
    numpy.ndarray
        Bytes of the same shape.
    """
    edited = np.array(image)
    for edit in edits:
        where = material.index(edit.place)
        if edit.kind == "exchange":
            other = material.index(edit.numbers[0])
            edited[where], edited[other] = edited[other].copy(), edited[where].copy()
        else:
            edited[where] = _edited(edited[where], edit, material)
    return edited


def changed_subimages(before: np.ndarray, after: np.ndarray, decomposition: Decomposition) -> list[int]:
    """Return the subdomains, from 1, whose subimages differ between two images ``(C, *shape)``."""
    differs = (before != after).any(axis=0)
    return [number for number, part in enumerate(decomposition.split(differs), 1) if part.any()]


# ---- one edit


def _edited(part: np.ndarray, edit: Edit, material: Material) -> np.ndarray:
    """Return what stands in a place ``(..., C, *part)`` after an edit of it."""
    if edit.kind == "brighten":
        return _as_bytes(part + edit.numbers[0] / 100 * BRIGHTEST)
    if edit.kind == "multiply":
        return _as_bytes(part * (edit.numbers[0] / 100))
    if edit.kind == "shift":
        return _shifted(part, edit.numbers, material.fill(edit.fill))
    if edit.kind == "swap":
        other: np.ndarray = np.asarray(material.images[edit.numbers[0]])[material.index(edit.place)]
        return other
    assert edit.kind == "occlude"
    return material.fill(edit.fill)


def _as_bytes(values: np.ndarray) -> np.ndarray:
    rounded: np.ndarray = np.rint(np.clip(values, 0, BRIGHTEST)).astype(np.uint8)
    return rounded


def _shifted(part: np.ndarray, distances: Sequence[int], fill: np.ndarray) -> np.ndarray:
    moved = np.empty_like(part)
    moved[...] = fill
    to = tuple(slice(max(0, distance), min(0, distance) or None) for distance in distances)
    come_from = tuple(slice(max(0, -distance), min(0, -distance) or None) for distance in distances)
    moved[(Ellipsis, *to)] = part[(Ellipsis, *come_from)]
    return moved
