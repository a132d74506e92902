"""Operations and bytes of every layer in a training step, from the description of a network; no torch.

Operations are counted as everywhere here: two a multiply-add of convolutions, linear layers and attention, a backward
pass twice a forward pass (gradients of inputs and of weights), none of norms, rectifiers and pooling.

Bytes are **the least that torch's own operations move**: of each operation, every tensor that it reads and every tensor
that it writes counts once, however often a kernel really goes over it. Nothing is fused: what one operation writes, the
next one reads. So

- a convolution reads its inputs and weights and writes its outputs; its backward pass reads the gradient of the
  outputs, the inputs that autograd kept and the weights, and writes the gradients of both; that of the first layer
  writes none of the images, which need no gradient;
- a linear layer does the same in three operations backwards: for inputs, weights and bias;
- batch normalisation reads its inputs and writes its outputs, and backwards reads the gradient and the kept inputs; of
  every channel there are six numbers on the way forward (scale, shift, running and batch statistics) and seven back;
- a rectifier works in place: one read and one write forward, backwards it reads the gradient and its kept output;
- max pooling also writes where each maximum was, an integer of eight bytes, which its backward pass reads;
- a residual sum reads both ways and writes the sum; backwards the gradient goes both ways without a copy, and what
  comes back at the input of the block is added up;
- flattening moves nothing: a view;
- the optimizer, fused, reads weights, gradients and its state and writes weights and state: seven numbers a parameter
  with Adam, five with momentum.

Left out: the loss, the images' way to the first layer, and that gradients are added to zeros. Tests hold these counts
against the operations that torch calls, byte for byte.

References
----------
Williams, Waterman, Patterson 2009, "Roofline: An Insightful Visual Performance Model for Multicore Architectures",
Communications of the ACM 52(4): compulsory traffic.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from ddlab.models import architecture as a
from ddlab.models.attention import SelfAttention

FLOAT32 = 4  # bytes
POSITION = 8  # bytes of the place of a maximum: torch's int64
ADAM = 2  # numbers of an optimizer's state a parameter: means of the gradient and of its square
NORM_FORWARD, NORM_BACKWARD = 6, 7  # numbers a channel beside the maps
KINDS: dict[type[a.Layer], str] = {
    a.Conv: "convolution",
    a.BatchNorm: "batch normalisation",
    a.ReLU: "rectifier",
    a.Sigmoid: "logistic function",
    a.MaxPool: "pooling",
    a.GlobalAveragePool: "pooling",
    a.Linear: "fully connected",
    a.Dropout: "dropout",
    a.Residual: "residual sum",
    SelfAttention: "self-attention",
}
OTHER = "other"


@dataclass(frozen=True)
class Work:
    """The work of one pass: ``operations``, and ``bytes`` that it reads and writes."""

    operations: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.operations + other.operations, self.bytes + other.bytes)


@dataclass(frozen=True)
class LayerWork:
    """The work of one layer in a training step of one batch.

    Parameters
    ----------
    name
        As in the network's ``state_dict``; that of a residual sum is the block's.
    kind
        One of ``KINDS``, or ``OTHER``.
    update
        Of the optimizer, on the layer's parameters.
    channels
        Of a convolution the fewer of its input and output channels, of which its rate depends; else 0.
    """

    name: str
    kind: str
    forward: Work
    backward: Work
    update: Work
    channels: int = 0

    @property
    def passes(self) -> tuple[Work, Work, Work]:
        """Forward, backward, update."""
        return self.forward, self.backward, self.update

    @property
    def total(self) -> Work:
        """The work of the whole step."""
        return self.forward + self.backward + self.update


def network_work(
    network: a.Network, batch_size: int, number_bytes: int = FLOAT32, states: int = ADAM
) -> list[LayerWork]:
    """The work of every layer in a training step, in the order of the forward pass; layers that do nothing left out.

    Parameters
    ----------
    batch_size
        Images of the step.
    number_bytes
        Bytes of a number: 4 of float32, 8 of float64, 2 of bfloat16.
    states
        Numbers of the optimizer's state a parameter.
    """
    updated = 3 + 2 * states  # read: weight, gradient, state; written: weight, state
    rows, learns = [], False
    for name, layer, shape in _laid_out(network.layers, network.input):
        moved = _moved(layer, shape, learns)
        numbers = layer.parameters(shape)
        products = 0 if isinstance(layer, a.Residual) else batch_size * layer.flops(shape)
        back = _times_forward(learns, bool(numbers))
        forward = Work(products, batch_size * moved.forward.of(number_bytes) + number_bytes * moved.once_forward)
        backward = Work(
            back * products,
            (batch_size * moved.backward.of(number_bytes) + number_bytes * moved.once_backward) * bool(back),
        )
        update = Work(0.0, updated * number_bytes * numbers)
        learns |= numbers > 0
        if forward.bytes:
            channels = min(layer.in_channels, layer.out_channels) if isinstance(layer, a.Conv) else 0
            rows.append(LayerWork(name, KINDS.get(type(layer), OTHER), forward, backward, update, channels))
    return rows


def _times_forward(learns: bool, has_weights: bool) -> int:
    """Passes of products backwards: for inputs, if something before it learns, and for weights."""
    return 2 if learns else int(has_weights)


def _laid_out(layers: a.Named, shape: a.Shape, prefix: str = "") -> Iterator[tuple[str, a.Layer, a.Shape]]:
    """All layers with the shapes of their inputs; a residual block comes behind its layers, for its sum alone."""
    for name, layer in layers:
        if isinstance(layer, a.Residual):
            yield from _laid_out(layer.body, shape, f"{prefix}{name}.body.")
            yield from _laid_out(layer.shortcut, shape, f"{prefix}{name}.shortcut.")
        yield prefix + name, layer, shape
        shape = layer.output(shape)


# ---- layer by layer


@dataclass(frozen=True)
class _Numbers:
    """Numbers of one sample that are read or written, and positions of maxima."""

    numbers: float
    positions: float = 0.0

    def of(self, number_bytes: int) -> float:
        return number_bytes * self.numbers + POSITION * self.positions


@dataclass(frozen=True)
class _Moved:
    """Numbers a sample, forward and backward, and those that move once a batch: parameters and their gradients."""

    forward: _Numbers
    backward: _Numbers
    once_forward: float = 0.0
    once_backward: float = 0.0


def _sizes(layer: a.Layer, shape: a.Shape) -> tuple[int, int]:
    """Numbers of one sample's input and output."""
    return math.prod(shape), math.prod(layer.output(shape))


@singledispatch
def _moved(layer: a.Layer, shape: a.Shape, learns: bool) -> _Moved:
    """Any layer of one operation without weights that keeps its output: a rectifier, a logistic function, others."""
    taken, given = _sizes(layer, shape)
    numbers = layer.parameters(shape)
    return _Moved(_Numbers(taken + given), _Numbers(2 * given + taken), numbers, 2 * numbers)


@_moved.register
def _(layer: a.Flatten, shape: a.Shape, learns: bool) -> _Moved:
    return _Moved(_Numbers(0), _Numbers(0))


@_moved.register
def _(layer: a.Conv, shape: a.Shape, learns: bool) -> _Moved:
    taken, given = _sizes(layer, shape)
    numbers = layer.parameters(shape)
    weights = numbers - (layer.out_channels if layer.bias else 0)
    return _Moved(_Numbers(taken + given), _Numbers(given + taken + learns * taken), numbers, numbers + weights)


@_moved.register
def _(layer: a.Linear, shape: a.Shape, learns: bool) -> _Moved:
    taken, given = _sizes(layer, shape)
    weights = taken * given
    backward = (given + taken) + given + learns * (given + taken)  # weights, bias, inputs
    return _Moved(_Numbers(taken + given), _Numbers(backward), weights + given, weights + given + learns * weights)


@_moved.register
def _(layer: a.BatchNorm, shape: a.Shape, learns: bool) -> _Moved:
    numbers, channels = math.prod(shape), layer.channels
    return _Moved(_Numbers(2 * numbers), _Numbers(3 * numbers), NORM_FORWARD * channels, NORM_BACKWARD * channels)


@_moved.register
def _(layer: a.MaxPool, shape: a.Shape, learns: bool) -> _Moved:
    taken, given = _sizes(layer, shape)
    return _Moved(_Numbers(taken + given, given), _Numbers(taken + given, given))


@_moved.register
def _(layer: a.GlobalAveragePool, shape: a.Shape, learns: bool) -> _Moved:
    taken, given = _sizes(layer, shape)
    return _Moved(_Numbers(taken + given), _Numbers(taken + given))


@_moved.register
def _(layer: a.Dropout, shape: a.Shape, learns: bool) -> _Moved:
    """Numbers are drawn, scaled in place and multiplied; autograd keeps them."""
    numbers = math.prod(shape)
    return _Moved(_Numbers((1 + 2 + 3) * numbers), _Numbers(3 * numbers))


@_moved.register
def _(layer: a.Residual, shape: a.Shape, learns: bool) -> _Moved:
    taken, given = _sizes(layer, shape)
    return _Moved(_Numbers(3 * given), _Numbers(3 * taken * learns))


@_moved.register
def _(layer: SelfAttention, shape: a.Shape, learns: bool) -> _Moved:
    """P positions, C channels, c of them in queries and keys; all of it as it is written in its module."""
    positions = math.prod(shape[1:])
    maps, inner, pairs = positions * layer.channels, positions * layer.inner, positions**2
    weights, few = layer.channels**2, layer.channels * layer.inner
    queries_keys_values = 2 * (maps + inner) + 2 * maps
    weighed = (2 * inner + pairs) + 2 * pairs + 2 * pairs + (2 * maps + pairs)  # scores, scaled, softmax, means
    forward = queries_keys_values + weighed + 2 * maps + 2 * maps + 3 * maps  # output, gamma, sum
    output = 3 * maps + 2 * maps + maps + 3 * maps  # gamma's gradient in two operations, through gamma, convolution
    weighed_back = 2 * (2 * maps + pairs) + 3 * pairs + 2 * pairs + 2 * (2 * inner + pairs)
    backward = output + weighed_back + 2 * (inner + 2 * maps) + 3 * maps + 3 * 3 * maps  # convolutions, sums of four
    return _Moved(_Numbers(forward), _Numbers(backward), 2 * (weights + few) + 1, 2 * 2 * (weights + few) + 2)
