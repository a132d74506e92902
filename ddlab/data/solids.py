"""Solids on a grid of voxels: what drawn chests and drawn heads are made of.

Positions are ``(y, x, z)`` in millimetres from the middle of the scanner: y towards the back, x towards the right, z
towards the head. A border between two tissues is about one voxel wide, as partial volumes make it. Depths are
millimetres from the border inwards.
"""

from dataclasses import dataclass, field

import numpy as np

from ddlab.data.drawing import interpolation


@dataclass(frozen=True)
class Grid:
    """Voxels over the drawn box; ``y``, ``x`` and ``z`` are where their middles lie, ready to broadcast.

    Parameters
    ----------
    shape
        Voxels along the three axes.
    extent
        Millimetres of the box along them.
    """

    shape: tuple[int, ...]
    extent: tuple[float, ...]
    y: np.ndarray = field(init=False, repr=False)
    x: np.ndarray = field(init=False, repr=False)
    z: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        middles = [((np.arange(n) + 0.5) / n - 0.5) * side for n, side in zip(self.shape, self.extent, strict=True)]
        for name, axis in zip("yxz", np.ix_(*middles), strict=True):
            object.__setattr__(self, name, axis.astype(np.float32))

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres between voxels."""
        return tuple(side / n for side, n in zip(self.extent, self.shape, strict=True))


def paint(voxels: np.ndarray, share: np.ndarray, value: np.ndarray | float) -> None:
    """Replace a share of every voxel, in place."""
    voxels += share * (value - voxels)


def filled(depth: np.ndarray, blur: float) -> np.ndarray:
    """Share of a voxel that lies inside, by the depth of its middle."""
    return np.clip(depth / np.float32(blur) + np.float32(0.5), 0, 1)


def ellipsoid_depth(position: tuple[np.ndarray, ...], radii: tuple[float, ...]) -> np.ndarray:
    """Depth in an ellipsoid around the origin, exact on its shortest axis."""
    squares = sum(np.square(along / np.float32(radius)) for along, radius in zip(position, radii, strict=True))
    return (1 - np.sqrt(squares)) * np.float32(min(radii))


def stretched(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Stretch a coarse grid over a fine one, linearly."""
    for axis, size in enumerate(shape):
        points = np.moveaxis(np.tensordot(interpolation(points.shape[axis], size), points, axes=(1, axis)), 0, axis)
    return points.astype(np.float32)
