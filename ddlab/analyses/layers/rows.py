"""The layers of a network as rows to look at: names, kinds and shapes as the description has them; nothing is built."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from ddlab.decomposition import times
from ddlab.models import architecture as a
from ddlab.models.attention import SelfAttention

MOST_ROWS = 24  # of one figure


@dataclass(frozen=True)
class LayerRow:
    """A layer of a network, as it is shown.

    Parameters
    ----------
    kind
        The layer in words, such as ``convolution 3×3``.
    shape
        Of the output: channels and, where there are maps, their extents.
    rectified
        Whether no number of the output can be below 0: it is behind a rectifier or a logistic function.
    """

    name: str
    kind: str
    shape: a.Shape
    rectified: bool

    @property
    def has_maps(self) -> bool:
        """Whether a channel has positions; otherwise it is one number."""
        return len(self.shape) > 1


def layer_rows(network: a.Network) -> tuple[LayerRow, ...]:
    """The layers, first to last, residual blocks as a whole; those that evaluation passes by are left out."""
    return tuple(_rows(network))


def chosen_rows(rows: tuple[LayerRow, ...], every: bool, most: int = MOST_ROWS) -> tuple[LayerRow, ...]:
    """The rows to draw: all, or what leaves a rectifier, a pooling or a block, and the last; ``most`` of them, evenly.

    A layer behind which the same numbers are only rectified is left out where not ``every`` one is asked for.
    """
    told = rows if every else tuple(row for row in rows if row.rectified or row is rows[-1])
    if not every and len(told) < 2:  # a network without rectifiers
        told = rows
    if len(told) <= most:
        return told
    places = (round(place * (len(told) - 1) / (most - 1)) for place in range(most))
    return tuple(told[place] for place in places)


# ---- its parts

PASSED_BY = (a.Dropout, a.Flatten)  # the first does nothing in evaluation, the second only lays numbers out anew
KEEPING = (*PASSED_BY, a.MaxPool, a.GlobalAveragePool)  # no number below 0, if none goes in


def _rows(network: a.Network) -> Iterator[LayerRow]:
    shape, rectified = network.input, False
    for name, layer in network.layers:
        axes = len(shape) - 1
        shape = layer.output(shape)
        rectified = isinstance(layer, a.ReLU | a.Sigmoid) or (rectified and isinstance(layer, KEEPING))
        if not isinstance(layer, PASSED_BY):
            yield LayerRow(name, _kind(layer, axes), shape, rectified)


@singledispatch
def _kind(layer: a.Layer, axes: int) -> str:
    return type(layer).__name__


@_kind.register
def _(layer: a.Conv, axes: int) -> str:
    stride = f", stride {layer.stride}" if layer.stride > 1 else ""
    return f"convolution {times((layer.kernel,) * axes)}{stride}"


@_kind.register
def _(layer: a.MaxPool, axes: int) -> str:
    return f"max pooling {times((layer.size,) * axes)}"


@_kind.register
def _(layer: a.BatchNorm, axes: int) -> str:
    return "batch normalisation"


@_kind.register
def _(layer: a.ReLU, axes: int) -> str:
    return "rectifier"


@_kind.register
def _(layer: a.Sigmoid, axes: int) -> str:
    return "logistic function"


@_kind.register
def _(layer: a.GlobalAveragePool, axes: int) -> str:
    return "mean of every map"


@_kind.register
def _(layer: a.Linear, axes: int) -> str:
    return "fully connected"


@_kind.register
def _(layer: a.Residual, axes: int) -> str:
    return "residual block"


@_kind.register
def _(layer: SelfAttention, axes: int) -> str:
    return "self-attention"
