"""Heavy layers split over several devices, described: which channels or rows each computes, and what must be sent.

Akintoye et al. break the computations of a layer over ``n_l = min(m, n)`` devices, m being how many there are to give
away, and merge neighbouring layers so that nothing is collected between them. They do not say along which axis; two
are exact. By channels (:class:`ChannelSplit`), the first layer of a pair gives its output channels away, the second
its input channels, and the partial sums are added once. By rows (:class:`RowSplit`), merged layers give the rows of
their last output away, and every device also computes what these rows depend on: the halo.

``split_modules.py`` computes what is described here.

References
----------
Akintoye et al. 2023, Section 3.2, Algorithm 1, lines 2 to 6 and 10 to 18.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ddlab.models.architecture import (
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    MaxPool,
    Named,
    Network,
    ReLU,
    Sigmoid,
)
from ddlab.pipeline.partition import output_shape, part_of
from ddlab.registry import Entry

BY_CHANNEL = BatchNorm | ReLU | Sigmoid | MaxPool | GlobalAveragePool | Flatten | Dropout

SPLITS: dict[str, Entry] = {
    "channels": Entry(
        "by channels",
        "Neighbouring layers in pairs: the first by output channels, the second by input channels, sums added once.",
        "ddlab.pipeline.split_modules:split_by_channels",
        "Akintoye et al. 2023, Algorithm 1; the axis is our reading",
    ),
    "rows": Entry(
        "by rows",
        "Merged layers by rows of their output; what neighbours both need, the halo, is computed twice.",
        "ddlab.pipeline.split_modules:split_by_rows",
        "Akintoye et al. 2023, Algorithm 1; the axis is our reading",
    ),
}


def shares(count: int, devices: int) -> tuple[range, ...]:
    """Give ``count`` neighbouring computations to ``min(count, devices)`` devices, as evenly as can be.

    Raises
    ------
    ValueError
        If there is no device.

    References
    ----------
    Akintoye et al. 2023, Algorithm 1, line 5.
    """
    if devices < 1:
        raise ValueError(f"devices: must be at least 1, got {devices}")
    used = min(count, devices)
    return tuple(range(index * count // used, (index + 1) * count // used) for index in range(used))


@dataclass(frozen=True)
class ChannelSplit:
    """A layer, or a pair of neighbouring layers, over devices by channels.

    Parameters
    ----------
    network
        The layers: one that computes, what works channel by channel, and in a pair the second one that computes.
    devices
        How many devices there are; those beyond the first layer's output channels are left unused.

    Raises
    ------
    ValueError
        If there is no device, or the layers are not such.
    """

    network: Network
    devices: int

    def __post_init__(self) -> None:
        layers = [layer for _, layer in self.network.layers]
        between = layers[1:-1] if self.is_pair else layers[1:]
        first_computes = layers and isinstance(layers[0], Conv | Linear)
        if not first_computes or not all(isinstance(layer, BY_CHANNEL) for layer in between):
            raise ValueError(
                "layers: a split by channels needs a convolution or linear layer, then layers that work channel by "
                f"channel, and may end with a second one; got {', '.join(type(layer).__name__ for layer in layers)}"
            )
        shares(1, self.devices)

    @property
    def is_pair(self) -> bool:
        """Tell whether a second layer computes, whose partial sums are added; else the channels are joined."""
        return len(self.network.layers) > 1 and isinstance(self.network.layers[-1][1], Conv | Linear)

    @cached_property
    def channels(self) -> tuple[range, ...]:
        """Output channels of the first layer that every used device computes."""
        first = self.network.layers[0][1]
        return shares(first.output(self.network.input)[0], self.devices)

    def part(self, device: int) -> Network:
        """Describe what a device computes: the layers with its channels only.

        In a pair, all but the first device hold zeros for the second layer's bias, which is added once.
        """
        layers: Named = ()
        for name, layer in self.network.layers:
            rows, columns = self.indices(device)[name]
            layers = (*layers, (name, _narrowed(layer, rows, columns)))
        return Network(layers, self.network.input, weights=self.network.weights)

    def indices(self, device: int) -> dict[str, tuple[range | None, range | None]]:
        """Outputs and inputs of every layer that a device has, None for all of them: rows and columns of its weight."""
        rows, shape = self.channels[device], self.network.input
        found: dict[str, tuple[range | None, range | None]] = {}
        second = self.network.layers[-1][0] if self.is_pair else ""
        for name, layer in self.network.layers:
            found[name] = (None, rows) if name == second else (rows, None)
            if isinstance(layer, Flatten):
                positions = math.prod(shape[1:])
                rows = range(rows.start * positions, rows.stop * positions)
            shape = layer.output(shape)
        return found

    @property
    def sent(self) -> int:
        """Numbers a sample that the busiest device sends in the forward pass: its partial sums, or its channels."""
        last = len(self.channels) - 1  # shares grow
        return math.prod(output_shape(self.part(last))) if last else 0


def _narrowed(layer: Layer, rows: range | None, columns: range | None) -> Layer:
    """The layer with some of its outputs and inputs."""
    if isinstance(layer, Conv):
        return replace(
            layer,
            in_channels=len(columns) if columns is not None else layer.in_channels,
            out_channels=len(rows) if rows is not None else layer.out_channels,
        )
    if isinstance(layer, Linear):
        return replace(
            layer,
            in_features=len(columns) if columns is not None else layer.in_features,
            out_features=len(rows) if rows is not None else layer.out_features,
        )
    return replace(layer, channels=len(rows)) if isinstance(layer, BatchNorm) and rows is not None else layer


def channel_runs(network: Network, pairs: bool = True) -> Iterator[tuple[Network, bool]]:
    """Cut a network in runs of layers: such that a :class:`ChannelSplit` takes, true, and single others, false.

    Residual blocks are others: the layers in them are runs of their own.

    Parameters
    ----------
    pairs
        Whether neighbours that compute are merged, so that nothing is collected between them.
    """
    start, shape = 0, network.input
    while start < len(network.layers):
        stop = start + 1
        splits = isinstance(network.layers[start][1], Conv | Linear)
        if splits:
            while stop < len(network.layers) and isinstance(network.layers[stop][1], BY_CHANNEL):
                stop += 1
            if pairs and stop < len(network.layers) and isinstance(network.layers[stop][1], Conv | Linear):
                stop += 1
        run = part_of(network, start, stop, shape)
        yield run, splits
        start, shape = stop, output_shape(run)
