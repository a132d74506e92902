"""Volumes on their way to bytes: their extents, the window of their values, and blocks that fit in memory."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data.limits import LARGEST
from ddlab.data.source import Fit

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

CT_WINDOW = (-1000.0, 400.0)  # HU that become 0 and 255, as in Keras' example on CT scans: 5.5 HU a step
LUNG_CT_SHAPE = (128, 128, 64)  # of Klawonn, Lanser and Weber's volumes
BLOCK_BYTES = 8 * 2**20
SMALLEST = 4
PERCENTILES = (0.5, 99.5)  # of a volume's values, that become 0 and 255 where its scanner has no unit
PERCENTILE = "percentile"  # the unit of a description whose volumes have windows of their own


def volume_shape(settings: "DatasetSettings", default: tuple[int, ...]) -> tuple[int, ...]:
    """Voxels that the settings ask for along the three axes.

    Raises
    ------
    ValueError
        If there are too few for a network to look at.
    """
    shape = settings.volume or default
    if min(shape) < SMALLEST:
        raise ValueError(f"volume: needs at least {SMALLEST} voxels along every axis, got {shape}")
    return shape


def volume_window(settings: "DatasetSettings") -> tuple[float, float] | None:
    """Values that are to become 0 and 255, if the settings say so.

    Raises
    ------
    ValueError
        If there is nothing between them, or too much.
    """
    if settings.window and not settings.window[0] < settings.window[1]:
        raise ValueError("window: its first value must be below its second, got {:g} and {:g}".format(*settings.window))
    if settings.window and max(map(abs, settings.window)) > LARGEST:
        raise ValueError(f"window: its values must lie within ±{LARGEST:g}, got {settings.window}")
    return settings.window


def zoom(volume: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Stretch a volume to ``shape``, linearly: its first and last voxels along every axis stay the first and last."""
    if volume.shape == shape:
        return volume
    from scipy import ndimage  # imported here: it takes a third of a second

    stretched: np.ndarray = ndimage.zoom(
        volume, [new / old for new, old in zip(shape, volume.shape, strict=True)], order=1
    )
    return stretched


def centred(volume: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cut the middle out of a volume, or surround it by its lowest value, where an axis has more or fewer voxels."""
    spare = [old - new for old, new in zip(volume.shape, shape, strict=True)]
    middle = tuple(slice(max(0, more) // 2, max(0, more) // 2 + new) for more, new in zip(spare, shape, strict=True))
    around = [(max(0, -more) // 2, max(0, -more) - max(0, -more) // 2) for more in spare]
    return np.pad(volume[middle], around, constant_values=volume.min())


FITS: dict[str, Callable[[np.ndarray, tuple[int, ...]], np.ndarray]] = {"zoom": zoom, "centre": centred}
"""How a volume is brought to a shape."""


def own_window(voxels: np.ndarray) -> tuple[float, float]:
    """Give the values that become 0 and 255 where every volume has its own: its 0.5 and 99.5 percentiles."""
    low, high = np.percentile(voxels, PERCENTILES).tolist()
    return low, high if high > low else low + 1  # a constant volume is all 0


def as_bytes(voxels: np.ndarray, window: tuple[float, float], shape: tuple[int, ...], fit: Fit = "zoom") -> np.ndarray:
    """Clip a volume to the window, bring it to ``shape``, and make it bytes; in this order, as Keras' example does.

    The voxels are changed in place: a copy of a large volume would take another GiB.
    """
    low, high = map(np.float32, window)
    zoomed = FITS[fit](np.clip(voxels, low, high, out=voxels), shape)
    zoomed -= low
    zoomed *= 255 / (high - low)
    return np.round(zoomed, out=zoomed).astype(np.uint8)


def blocks(count: int, item_bytes: int) -> Iterator[range]:
    """Cut ``range(count)`` into blocks of items that take a few megabytes together, however large one is."""
    step = max(1, BLOCK_BYTES // item_bytes)
    return (range(start, min(start + step, count)) for start in range(0, count, step))
