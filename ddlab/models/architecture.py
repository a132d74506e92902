"""A network described before it is built: layers as data, with their shapes, parameters and operations.

The description needs no torch, so a page can show what a network costs while a slider moves. ``build.py`` turns it into
an ``nn.Module``: once, or ``copies`` times as one grouped bank. Shapes are ``(channels, *spatial)`` without the batch.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ddlab.decomposition import times

Shape = tuple[int, ...]
Padding = Literal["same", "valid"]


class Layer:
    """A layer of a description. The defaults are those of a layer without parameters."""

    def output(self, shape: Shape) -> Shape:
        """Shape of the output for an input of ``shape``."""
        return shape

    @property
    def step(self) -> int:
        """Positions of the input between neighbouring positions of the output."""
        return 1

    def parameters(self, shape: Shape) -> int:
        """Count the trainable numbers."""
        return 0

    def flops(self, shape: Shape) -> int:
        """Floating-point operations of one forward pass of one sample: 2 a multiply-add, bias and norms not counted."""
        return 0

    def activations(self, shape: Shape) -> int:
        """Numbers that the backward pass needs kept, for one sample: the layer's output."""
        return math.prod(self.output(shape))


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution with a cubic kernel over all spatial axes."""

    in_channels: int
    out_channels: int
    kernel: int = 3
    stride: int = 1
    padding: Padding = "same"
    bias: bool = True

    @property
    def step(self) -> int:
        """The stride."""
        return self.stride

    def output(self, shape: Shape) -> Shape:
        """Shape of the output; ``same`` pads by half the kernel, ``valid`` not at all."""
        pad = self.kernel // 2 if self.padding == "same" else 0
        return (self.out_channels, *((n + 2 * pad - self.kernel) // self.stride + 1 for n in shape[1:]))

    def parameters(self, shape: Shape) -> int:
        """Count a kernel a channel pair, and a bias a channel."""
        return self._weights(shape) + (self.out_channels if self.bias else 0)

    def flops(self, shape: Shape) -> int:
        """Count two operations a weight and output position."""
        return 2 * self._weights(shape) * math.prod(self.output(shape)[1:])

    def _weights(self, shape: Shape) -> int:
        return int(self.in_channels * self.out_channels * self.kernel ** (len(shape) - 1))


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation over the batch and the spatial axes, with scale and shift.

    ``momentum`` is a batch's share in the running statistics, as torch has it: 1 less what Keras calls so.
    """

    channels: int
    momentum: float = 0.1
    eps: float = 1e-5

    def parameters(self, shape: Shape) -> int:
        """Count scale and shift of every channel."""
        return 2 * self.channels


@dataclass(frozen=True)
class ReLU(Layer):
    """Rectifier, in place: it keeps no numbers of its own."""

    def activations(self, shape: Shape) -> int:
        """Return 0: the layer overwrites its input."""
        return 0


@dataclass(frozen=True)
class Sigmoid(Layer):
    """Logistic function of every number."""


@dataclass(frozen=True)
class MaxPool(Layer):
    """Maximum over windows of ``size`` along every spatial axis; a remainder at the border is dropped.

    Parameters
    ----------
    stride, padding
        Positions between windows; None sets them side by side. Windows of size 1 with a stride only pick positions.
        ``same`` pads by half the window, ``valid`` not at all.
    """

    size: int = 2
    stride: int | None = None
    padding: Padding = "valid"

    @property
    def step(self) -> int:
        """The stride."""
        return self.stride or self.size

    @property
    def pad(self) -> int:
        """Positions added before and behind every spatial axis; they are never the maximum."""
        return self.size // 2 if self.padding == "same" else 0

    def output(self, shape: Shape) -> Shape:
        """Count the windows that fit along every axis."""
        return (shape[0], *((n + 2 * self.pad - self.size) // self.step + 1 for n in shape[1:]))

    def activations(self, shape: Shape) -> int:
        """Count the maxima, and where each was: an integer of twice the size of our numbers."""
        return 3 * math.prod(self.output(shape))


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """Mean over all spatial axes."""

    def output(self, shape: Shape) -> Shape:
        """Return the channels alone."""
        return (shape[0],)


@dataclass(frozen=True)
class Flatten(Layer):
    """All features of a sample as one vector."""

    def output(self, shape: Shape) -> Shape:
        """The number of features."""
        return (math.prod(shape),)

    def activations(self, shape: Shape) -> int:
        """Return 0: the output is a view of the input."""
        return 0


@dataclass(frozen=True)
class Linear(Layer):
    """Fully connected layer with bias."""

    in_features: int
    out_features: int

    def output(self, shape: Shape) -> Shape:
        """The number of outputs."""
        return (self.out_features,)

    def parameters(self, shape: Shape) -> int:
        """Count weights and biases."""
        return (self.in_features + 1) * self.out_features

    def flops(self, shape: Shape) -> int:
        """Count two operations a weight."""
        return 2 * self.in_features * self.out_features


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout with probability ``rate`` while training."""

    rate: float


Named = tuple[tuple[str, Layer], ...]


@dataclass(frozen=True)
class Residual(Layer):
    """``body(x) + shortcut(x)``; an empty shortcut is the identity. A valid-padded body gets the shortcut's middle."""

    body: Named
    shortcut: Named = ()

    @property
    def step(self) -> int:
        """The product of the steps of the body's layers."""
        return math.prod(layer.step for _, layer in self.body)

    def output(self, shape: Shape) -> Shape:
        """Shape of the body's output."""
        for _, layer in self.body:
            shape = layer.output(shape)
        return shape

    def activations(self, shape: Shape) -> int:
        """Count the activations of both paths; of their outputs only the sum is kept, in place of the body's."""
        added = math.prod(self.output(shape)) if self.shortcut else 0
        return activations(self.body, shape) + activations(self.shortcut, shape) - added


def activations(layers: Named, shape: Shape) -> int:
    """Numbers that the backward pass needs kept of the layers, for one sample of ``shape``."""
    kept = 0
    for _, layer in layers:
        kept += layer.activations(shape)
        shape = layer.output(shape)
    return kept


@dataclass(frozen=True)
class PlacedLayer:
    """One layer at its place in a network: dotted name as in ``state_dict``, input shape and output shape."""

    name: str
    layer: Layer
    input: Shape
    output: Shape


def walk(layers: Named, shape: Shape, prefix: str = "") -> Iterator[PlacedLayer]:
    """All layers in the order of the forward pass, those inside residual blocks included, with their shapes."""
    for name, layer in layers:
        if isinstance(layer, Residual):
            yield from walk(layer.body, shape, f"{prefix}{name}.body.")
            yield from walk(layer.shortcut, shape, f"{prefix}{name}.shortcut.")
        else:
            yield PlacedLayer(prefix + name, layer, shape, layer.output(shape))
        shape = layer.output(shape)


@dataclass(frozen=True)
class Network:
    """A whole network: named layers from an input shape to one logit a class.

    Parameters
    ----------
    layers
        Names and layers in the order of the forward pass; names are the keys of the built module's ``state_dict``.
    input
        Shape of one sample, ``(channels, *spatial)``, or ``(features,)``.
    cam_layer, classifier
        Dotted names of the layer whose maps a class activation map weights, and of the layer that gives the logits.
    weights
        Rule of the first weights: He et al.'s (uniform) or Keras' ``he_normal``, both with biases 0, or torch's own.

    Raises
    ------
    ValueError
        If a layer is left with nothing to work on, because the input is too small.
    """

    layers: Named
    input: Shape
    cam_layer: str = ""
    classifier: str = ""
    weights: Literal["he", "keras", "torch"] = "he"

    def __post_init__(self) -> None:
        for placed in self.placed_layers():
            if min(placed.output) < 1:
                raise ValueError(
                    f"model: input {times(self.input[1:])} px is too small: layer {placed.name!r} would have the "
                    f"output {times(placed.output)}; take larger subimages, a shallower network or same padding"
                )

    def placed_layers(self) -> Iterator[PlacedLayer]:
        """All layers with their input and output shapes."""
        return walk(self.layers, self.input)

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return list(self.placed_layers())[-1].output[0]

    def parameters(self) -> int:
        """Trainable numbers, torch's convention: what ``p.numel()`` sums to over ``module.parameters()``."""
        return sum(placed.layer.parameters(placed.input) for placed in self.placed_layers())

    def flops(self) -> int:
        """Operations of a forward pass of one sample, torch's convention: 2 a multiply-add, norms not counted."""
        return sum(placed.layer.flops(placed.input) for placed in self.placed_layers())

    def activations(self) -> int:
        """Numbers kept for the backward pass of one sample, itself included."""
        return math.prod(self.input) + activations(self.layers, self.input)
