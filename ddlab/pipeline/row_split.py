"""Merged layers split over devices by the rows of their last output, described: the rows that each device computes.

Rows are positions along the first spatial axis. Going back from the rows that a device shall give, every convolution
of kernel E asks for (E − 1)/2 more on both sides: the halo of L merged ones of stride 1 is L(E − 1)/2. Rows that do not
exist are padded, layer by layer, as the unsplit layer pads them.

References
----------
Akintoye et al. 2023, Section 3.2, Algorithm 1; that the rows are given away is our reading.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ddlab.models.architecture import (
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    MaxPool,
    Named,
    Network,
    ReLU,
    Residual,
    Shape,
    Sigmoid,
)
from ddlab.pipeline.partition import computes, output_shape, part_of
from ddlab.pipeline.split import shares

Rows = tuple[range, ...]  # one range a device

BY_ROW = Conv | BatchNorm | ReLU | Sigmoid | MaxPool | Dropout | Residual


@dataclass(frozen=True)
class RowStep:
    """A layer of a split by rows.

    Parameters
    ----------
    input
        Shape of one sample before the layer, all rows.
    windows
        Rows of the input that every device reads; those outside of the input are padding.
    rows
        Rows of the output that every device computes.
    body, shortcut
        The steps of both ways of a residual block.
    middle
        Rows of the shortcut's output that the body's are added to: others than ``rows`` under a valid-padded body.
    """

    name: str
    layer: Layer
    input: Shape
    windows: Rows
    rows: Rows
    body: tuple["RowStep", ...] = ()
    shortcut: tuple["RowStep", ...] = ()
    middle: Rows = ()

    def flops(self, device: int) -> int:
        """Operations of a device for one sample, what it recomputes included."""
        if isinstance(self.layer, Residual):
            return sum(step.flops(device) for step in (*self.body, *self.shortcut))
        return self.layer.flops(self.input) * len(self.rows[device]) // self.layer.output(self.input)[1]


@dataclass(frozen=True)
class RowSplit:
    """Merged layers over devices by the rows of their last output.

    Parameters
    ----------
    network
        The layers: convolutions, residual blocks, and what works position by position or in windows.
    devices
        How many devices there are; those beyond the rows of the output are left unused.

    Raises
    ------
    ValueError
        If there is no device, or a layer needs all rows at once.
    """

    network: Network
    devices: int

    def __post_init__(self) -> None:
        wrong = [name for name, layer in self.network.layers if not by_row(layer)]
        if wrong or len(self.network.input) < 2:
            raise ValueError(
                f"layers: a split by rows needs maps and layers that see a window of their rows, got "
                f"{f'layer {wrong[0]!r}' if wrong else 'an input without rows'}; choices: convolutions, poolings, "
                "normalisations, rectifiers and residual blocks of these"
            )
        shares(1, self.devices)

    @cached_property
    def outputs(self) -> Rows:
        """Rows of the output that every used device gives."""
        return shares(output_shape(self.network)[1], self.devices)

    @cached_property
    def steps(self) -> tuple[RowStep, ...]:
        """The layers in turn, with the rows that every device computes of them."""
        return _steps(self.network.layers, self.network.input, self.outputs)

    @cached_property
    def reads(self) -> Rows:
        """Rows of the input that every device needs: its own and the halo."""
        windows = self.steps[0].windows if self.steps else self.outputs
        return _covering(windows, self.network.input[1])

    @property
    def shared_rows(self) -> tuple[int, ...]:
        """Rows of the input that a device and the next one both need: 2 · L(E − 1)/2 for L convolutions of stride 1."""
        return tuple(max(0, upper.stop - lower.start) for upper, lower in pairwise(self.reads))

    def flops(self, device: int) -> int:
        """Operations of a device for one sample, what it recomputes included."""
        return sum(step.flops(device) for step in self.steps)


def by_row(layer: Layer) -> bool:
    """Tell whether a row of the layer's output depends on a window of rows only."""
    if isinstance(layer, Residual):
        return all(by_row(part) for _, part in (*layer.body, *layer.shortcut))
    return isinstance(layer, BY_ROW)


def row_runs(network: Network, merged: int) -> Iterator[tuple[Network, bool]]:
    """Cut a network in runs of layers: such that a :class:`RowSplit` takes, true, and single others, false.

    Parameters
    ----------
    merged
        L, how many layers that compute (or residual blocks) are merged in a run.

    Raises
    ------
    ValueError
        If ``merged`` is not at least 1.
    """
    if merged < 1:
        raise ValueError(f"merged: must be at least 1 layer, got {merged}")
    start, shape = 0, network.input
    while start < len(network.layers):
        stop, computed, splits = start, 0, len(shape) > 1 and by_row(network.layers[start][1])
        while splits and stop < len(network.layers) and by_row(network.layers[stop][1]):
            computed += computes(network.layers[stop][1], shape)
            if computed > merged:
                break
            stop += 1
        run = part_of(network, start, max(stop, start + 1), shape)
        yield run, splits
        start, shape = max(stop, start + 1), output_shape(run)


# ---- planned from the last layer to the first


def _steps(layers: Named, shape: Shape, wanted: Rows) -> tuple[RowStep, ...]:
    """Plan layers whose last output shall have the ``wanted`` rows."""
    if not layers:
        return ()
    shapes = [shape]
    for _, layer in layers:
        shapes.append(layer.output(shapes[-1]))
    steps: tuple[RowStep, ...] = ()
    for (name, layer), before in zip(reversed(layers), reversed(shapes[:-1]), strict=True):
        plan = _residual if isinstance(layer, Residual) else _step
        steps = (plan(name, layer, before, wanted), *steps)
        wanted = _covering(steps[0].windows, before[1])
    return steps


def _step(name: str, layer: Layer, shape: Shape, wanted: Rows) -> RowStep:
    size, stride, pad = _window(layer)
    windows = tuple(range(rows.start * stride - pad, (rows.stop - 1) * stride - pad + size) for rows in wanted)
    return RowStep(name, layer, shape, windows, wanted)


def _residual(name: str, layer: Layer, shape: Shape, wanted: Rows) -> RowStep:
    """Plan both ways of a block; of the shortcut, a valid-padded body gets the middle."""
    assert isinstance(layer, Residual)
    body = _steps(layer.body, shape, wanted)
    straight = output_shape(Network(layer.shortcut, shape))[1]
    moved = (straight - layer.output(shape)[1]) // 2
    middle = tuple(range(rows.start + moved, rows.stop + moved) for rows in wanted)
    shortcut = _steps(layer.shortcut, shape, _covering(middle, straight))
    deep, flat = (way[0].windows if way else rows for way, rows in ((body, wanted), (shortcut, middle)))
    windows = tuple(range(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(deep, flat, strict=True))
    return RowStep(name, layer, shape, windows, wanted, body, shortcut, middle)


def _window(layer: Layer) -> tuple[int, int, int]:
    """Rows that a row of the output reads, the step between two outputs, and the padding before the first row."""
    if isinstance(layer, Conv):
        return layer.kernel, layer.stride, layer.kernel // 2 if layer.padding == "same" else 0
    if isinstance(layer, MaxPool):
        return layer.size, layer.step, layer.pad
    return 1, 1, 0


def _covering(windows: Rows, size: int) -> Rows:
    """Those rows of the windows that exist, ``size`` in all, and between the windows, so that every row is there.

    Layers with stride leave rows out, as does the shortcut of a valid-padded body; batch statistics count them.
    """
    starts = [0, *(max(0, rows.start) for rows in windows[1:])]
    stops = [*(max(rows.stop, after) for rows, after in zip(windows[:-1], starts[1:], strict=True)), size]
    return tuple(range(start, min(stop, size)) for start, stop in zip(starts, stops, strict=True))
