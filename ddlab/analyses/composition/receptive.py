"""Receptive fields: what a position of a map sees of the image, in a sub-network and in the composed network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ddlab.decomposition import Subdomain
from ddlab.models.architecture import Conv, Layer, MaxPool, Residual


@dataclass(frozen=True)
class Reach:
    """The pixels that position p of a map sees along an axis: from ``first + step·p`` to ``last + step·p``."""

    step: int = 1
    first: int = 0
    last: int = 0

    @property
    def radius(self) -> float:
        """Pixels seen to either side: r, the sum over layers of (t - 1)/2 times the stride."""
        return (self.last - self.first) / 2

    def through(self, layer: Layer) -> "Reach":
        """The reach of the output of ``layer``; of a residual block its body sees farther than its shortcut."""
        if isinstance(layer, Residual):
            return reduce(Reach.through, (part for _, part in layer.body), self)
        if not isinstance(layer, Conv | MaxPool):
            return self
        size, pad = layer.kernel if isinstance(layer, Conv) else layer.size, padding(layer)
        first, last = self.first - pad * self.step, self.last + (size - 1 - pad) * self.step
        return Reach(self.step * layer.step, first, last)


def padding(layer: Layer) -> int:
    """Zeros that a layer adds before and behind every axis."""
    if isinstance(layer, Conv):
        return layer.kernel // 2 if layer.padding == "same" else 0
    return layer.pad if isinstance(layer, MaxPool) else 0


def promised(
    reach: Reach, start: Sequence[int], shape: Sequence[int], box: Subdomain, image: Sequence[int]
) -> np.ndarray:
    """Return where a sub-network's map must agree with the composed network's: true where both see the same pixels.

    That is where the composed network sees nothing of the image beyond the sub-network's box. Beyond the image's border
    both see the same padding.

    Parameters
    ----------
    start, shape
        The activation field: its first position in the composed network's map, and its positions along every axis.
    box
        What the sub-network sees of the image.
    image
        Pixels of the image along every axis.

    References
    ----------
    Gu, Zhang, Liu, Cai, Theorem 2.1 has it for valid padding, where it is everywhere.
    """
    axes = []
    for at, count, low, high, extent in zip(start, shape, box.start, box.stop, image, strict=True):
        places = reach.step * (at + np.arange(count))
        inside = (np.maximum(places + reach.first, 0) >= low) & (np.minimum(places + reach.last, extent - 1) < high)
        axes.append(inside & (reach.step * at == low))  # else the two maps' positions lie on different pixels
    return reduce(np.logical_and.outer, axes)
