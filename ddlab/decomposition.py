"""Subdomains of an image and the decomposition into them, in one, two or three dimensions.

Arrays here have any leading axes (samples, channels) and end with the spatial axes of the decomposition. numpy arrays
and torch tensors are both welcome: only slicing and addition are used.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal, Self

import numpy as np

Border = Literal["clip", "shift"]


def times(numbers: Sequence[int]) -> str:
    """Write a shape the way people do: ``32×32``."""
    return "×".join(str(number) for number in numbers)


@dataclass(frozen=True)
class Subdomain:
    """A box of the image domain, its overlap included: the pixels ``start <= position < stop`` along every axis."""

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along every spatial axis."""
        return tuple(stop - start for start, stop in zip(self.start, self.stop, strict=True))

    @property
    def slices(self) -> tuple[Any, ...]:
        """The index that cuts this box out of an array whose last axes are the spatial ones."""
        return (Ellipsis, *(slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True)))

    def __str__(self) -> str:
        return " × ".join(f"{start}..{stop - 1}" for start, stop in zip(self.start, self.stop, strict=True))


@dataclass(frozen=True)
class Decomposition:
    """A list of subdomains of one image domain.

    Parameters
    ----------
    shape
        Pixels of the image along every spatial axis.
    subdomains
        The boxes, in row-major order for a grid. They may overlap and need not cover the image.
    grid
        Cells along every spatial axis, or None for free boxes.

    Raises
    ------
    ValueError
        If there is no box, or a box is empty, has another dimension than the image or leaves it.

    References
    ----------
    Klawonn, Lanser, Weber: type A decompositions (tensor grids). Free boxes are ours.
    """

    shape: tuple[int, ...]
    subdomains: tuple[Subdomain, ...]
    grid: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not self.subdomains:
            raise ValueError("boxes: a decomposition needs at least one box, got none")
        for index, box in enumerate(self.subdomains):
            if len(box.start) != len(self.shape) or len(box.stop) != len(self.shape):
                raise ValueError(f"boxes[{index}]: has {len(box.start)} axes, the image has {len(self.shape)}")
            for axis, (start, stop, extent) in enumerate(zip(box.start, box.stop, self.shape, strict=True)):
                if not 0 <= start < stop <= extent:
                    raise ValueError(
                        f"boxes[{index}]: axis {axis} runs from {start} to {stop}; needs 0 <= start < stop <= {extent}"
                    )

    @classmethod
    def from_grid(
        cls, shape: Sequence[int], grid: Sequence[int], overlap: int | Sequence[int] = 0, border: Border = "clip"
    ) -> Self:
        """Cut the image into a tensor grid of equal cells and extend every cell by the overlap.

        Parameters
        ----------
        shape, grid
            Pixels and number of cells along every spatial axis; the cells divide the pixels.
        overlap
            δ in pixels, for all axes or for each: a cell grows by δ beyond each of its inner sides, so neighbours
            share 2δ pixels.
        border
            ``"clip"``: border cells do not grow outwards, sizes differ. ``"shift"``: border cells are shifted inwards
            and keep the full size, so all subimages have equal sizes.

        Raises
        ------
        ValueError
            If the grid does not divide the image or the overlap does not fit; says which number breaks which rule.
        """
        overlaps = [overlap] * len(shape) if isinstance(overlap, int) else list(overlap)
        if len(grid) != len(shape):
            raise ValueError(f"grid {times(grid)} has {len(grid)} axes, the image {times(shape)} has {len(shape)}")
        if len(overlaps) != len(shape):
            raise ValueError(f"overlap {times(overlaps)} has {len(overlaps)} axes, the image has {len(shape)}")
        intervals = []
        for extent, cells, delta in zip(shape, grid, overlaps, strict=True):
            _check_axis(tuple(shape), tuple(grid), extent, cells, delta, border)
            intervals.append(list(_intervals(extent, cells, delta, border)))
        boxes = (Subdomain(*map(tuple, zip(*intervals_, strict=True))) for intervals_ in product(*intervals))
        return cls(tuple(shape), tuple(boxes), tuple(grid))

    @classmethod
    def from_boxes(cls, shape: Sequence[int], boxes: Sequence[Sequence[Sequence[int]]]) -> Self:
        """Use any boxes, each ``[[start, stop], ...]`` with one pair an axis: a centre crop, the eight-box layout."""
        subdomains = (Subdomain(tuple(a for a, _ in box), tuple(b for _, b in box)) for box in boxes)
        return cls(tuple(shape), tuple(subdomains))

    def __len__(self) -> int:
        return len(self.subdomains)

    def __iter__(self) -> Iterator[Subdomain]:
        return iter(self.subdomains)

    @cached_property
    def multiplicity(self) -> np.ndarray:
        """Number of subdomains that hold each pixel; shape ``self.shape``, 0 where no box covers the image."""
        count = np.zeros(self.shape, dtype=np.int64)
        for box in self:
            count[box.slices] += 1
        return count

    @property
    def covers(self) -> bool:
        """Whether every pixel lies in at least one subdomain."""
        return bool((self.multiplicity > 0).all())

    def split(self, images: Any) -> list[Any]:
        """Cut images ``(..., *shape)`` into subimages, one view ``(..., *subdomain.shape)`` a subdomain."""
        if tuple(images.shape[-len(self.shape) :]) != self.shape:
            raise ValueError(f"images end with {times(images.shape)}, the decomposition is of {times(self.shape)}")
        return [images[box.slices] for box in self]

    def merge(self, subimages: Sequence[Any]) -> Any:
        """Put maps ``(..., *subdomain.shape)`` back on the image; overlaps are averaged, uncovered pixels are 0.

        For floating-point images, ``merge(split(x))`` equals ``x`` (to rounding, where subdomains overlap).
        """
        if len(subimages) != len(self):
            raise ValueError(f"merge needs {len(self)} maps, one a subdomain, got {len(subimages)}")
        first = subimages[0]
        leading = tuple(first.shape[: -len(self.shape)])
        is_array = isinstance(first, np.ndarray)
        total = np.zeros(leading + self.shape, first.dtype) if is_array else first.new_zeros(leading + self.shape)
        for box, subimage in zip(self, subimages, strict=True):
            total[box.slices] += subimage
        count = np.maximum(self.multiplicity, 1)
        return total / (count if is_array else first.new_tensor(count))


def _intervals(extent: int, cells: int, delta: int, border: Border) -> Iterator[tuple[int, int]]:
    """The intervals of one axis: cell k is [k·cell - δ, (k+1)·cell + δ], clipped at or shifted into [0, extent]."""
    cell = extent // cells
    if cells == 1:
        yield 0, extent
        return
    for index in range(cells):
        yield within(index * cell - delta, (index + 1) * cell + delta, extent, border)


def within(start: int, stop: int, extent: int, border: Border) -> tuple[int, int]:
    """Bring an interval that may leave the image back into ``[0, extent]``: clipped, or shifted and of equal size."""
    if border == "clip":
        return max(start, 0), min(stop, extent)
    shift = max(0, -start) - max(0, stop - extent)
    return start + shift, stop + shift


def _check_axis(
    shape: tuple[int, ...], grid: tuple[int, ...], extent: int, cells: int, delta: int, border: Border
) -> None:
    if cells < 1 or extent % cells:
        divisors = [n for n in range(1, min(extent, 64) + 1) if extent % n == 0]
        raise ValueError(
            f"grid {times(grid)} does not fit {times(shape)} px: {extent} is not divisible by {cells}; "
            f"it is by {', '.join(map(str, divisors))}"
        )
    cell = extent // cells
    limit = cell if border == "clip" else min(cell, (extent - cell) // 2)
    if cells > 1 and not 0 <= delta <= limit:
        raise ValueError(
            f"overlap {delta} px does not fit grid {times(grid)} of {times(shape)} px: cells of {cell} px "
            f"allow 0 to {limit} px with border {border!r}"
        )


def grid_presets(shape: Sequence[int], most: int = 64) -> list[tuple[int, ...]]:
    """Grids of equal cells that divide the image, coarsest first, with at most ``most`` subdomains."""
    choices = [[n for n in (1, 2, 3, 4, 8) if extent % n == 0 and extent // n >= 4] for extent in shape]
    grids = [grid for grid in product(*choices) if 1 < math.prod(grid) <= most]
    return sorted(grids, key=lambda grid: (math.prod(grid), grid[::-1]))
