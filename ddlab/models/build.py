"""Modules of torch from the description of a network: once, or several times as one grouped network.

Shapes: B batch, C channels, F features, N networks side by side.
"""

import math
from collections import OrderedDict
from functools import partial, singledispatch

import torch
from torch import Tensor, nn

from ddlab.models import architecture as a
from ddlab.models.attention import SelfAttention
from ddlab.models.normalization import BatchNorm2d, BatchNorm3d

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORM = {1: nn.BatchNorm1d, 2: BatchNorm2d, 3: BatchNorm3d}
MAX_POOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
CUT_NORMAL = 0.87962566103423978  # standard deviation of a standard normal variable between -2 and 2


class GroupedLinear(nn.Module):
    """N linear layers side by side: features ``(B, N·F_in)`` to ``(B, N·F_out)``, each network seeing its own block.

    Weights ``(N·F_out, F_in)`` and bias ``(N·F_out,)`` are those of the N layers one below the other.
    """

    def __init__(self, in_features: int, out_features: int, copies: int) -> None:
        super().__init__()
        self.copies = copies
        self.weight = nn.Parameter(torch.empty(copies * out_features, in_features))
        self.bias = nn.Parameter(torch.empty(copies * out_features))

    def forward(self, features: Tensor) -> Tensor:
        """Apply every layer to its block."""
        inputs_NBF = features.unflatten(1, (self.copies, -1)).transpose(0, 1)
        weights_NFO = self.weight.unflatten(0, (self.copies, -1)).transpose(1, 2)
        return torch.bmm(inputs_NBF, weights_NFO).transpose(0, 1).flatten(1) + self.bias


class AveragePool(nn.Module):
    """Mean over all spatial axes."""

    def forward(self, maps: Tensor) -> Tensor:
        """Average ``(B, C, *spatial)`` to ``(B, C)``."""
        return maps.flatten(2).mean(dim=2)


class ResidualBlock(nn.Module):
    """``body(x) + shortcut(x)``, the middle of the shortcut where the body's output is smaller."""

    def __init__(self, body: nn.Sequential, shortcut: nn.Sequential) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """Add both ways."""
        deep, straight = self.body(maps), self.shortcut(maps)
        activated: Tensor = deep + self.middle(straight, deep)
        return activated

    @staticmethod
    def middle(straight: Tensor, deep: Tensor) -> Tensor:
        """The part of the shortcut's output that the body's output lies over: a view.

        Nothing is narrowed to its own size: autograd would answer with a copy into zeros, an axis each.
        """
        for axis in range(2, deep.dim()):
            if surplus := straight.shape[axis] - deep.shape[axis]:
                straight = straight.narrow(axis, surplus // 2, deep.shape[axis])
        return straight


class AttentionBlock(nn.Module):
    """Self-attention of N networks side by side, in residual form; positions of one network never see another's.

    The maps of the N networks are C channels each. Every network has its own ``gamma``.
    """

    def __init__(self, channels: int, inner: int, dimensions: int, copies: int) -> None:
        super().__init__()
        self.copies = copies
        pointwise = partial(CONV[dimensions], kernel_size=1, groups=copies, bias=False)
        self.query = pointwise(copies * channels, copies * inner)
        self.key = pointwise(copies * channels, copies * inner)
        self.value = pointwise(copies * channels, copies * channels)
        self.output = pointwise(copies * channels, copies * channels)
        self.gamma = nn.Parameter(torch.zeros(copies))

    def forward(self, maps: Tensor) -> Tensor:
        """Add to ``(B, N·C, *spatial)`` what every position takes from the V positions of its network's map."""
        queries, keys, values = (self._apart(part(maps)) for part in (self.query, self.key, self.value))
        scores = torch.bmm(queries.transpose(1, 2), keys) / math.sqrt(queries.shape[1])
        means = torch.bmm(values, scores.softmax(dim=2).transpose(1, 2))
        outputs = self.output(means.reshape(maps.shape)).unflatten(1, (self.copies, -1))
        added: Tensor = outputs * self.gamma.view(-1, *(1,) * (maps.dim() - 1))
        return maps + added.flatten(1, 2)

    def _apart(self, maps: Tensor) -> Tensor:
        """Lay ``(B, N·C, *spatial)`` out as ``(B·N, C, V)``."""
        apart: Tensor = maps.flatten(2).unflatten(1, (self.copies, -1))
        return apart.flatten(0, 1)


def build(network: a.Network, copies: int = 1) -> nn.Module:
    """Build the modules of ``network``, freshly initialised by the rule that it says.

    Parameters
    ----------
    copies
        N > 1 gives a bank: inputs ``(B, N·C, *spatial)``, outputs ``(B, N·K)``, every parameter the N networks' ones
        stacked along its first axis. Computing a bank is the same as computing its networks one by one.

    References
    ----------
    He, Zhang, Ren, Sun 2015, "Delving Deep into Rectifiers".
    """
    module = _sequence(network.layers, len(network.input) - 1, copies)
    if network.weights == "torch" and copies == 1:
        return module
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1 and network.weights == "keras":
            _he_normal(parameter)
        elif parameter.dim() > 1:
            is_classifier = name.startswith(network.classifier + ".")
            nn.init.kaiming_uniform_(parameter, nonlinearity="linear" if is_classifier else "relu")
    return module


def _he_normal(weight: Tensor) -> None:
    """Draw weights as Keras' ``he_normal``: cut off at two standard deviations, and widened by what that takes away."""
    std = math.sqrt(2 / weight[0].numel()) / CUT_NORMAL
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def _sequence(layers: a.Named, dimensions: int, copies: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, _module(layer, dimensions, copies)) for name, layer in layers))


@singledispatch
def _module(layer: a.Layer, dimensions: int, copies: int) -> nn.Module:
    raise TypeError(f"no module for the layer {type(layer).__name__}")


@_module.register
def _(layer: a.Conv, dimensions: int, copies: int) -> nn.Module:
    return CONV[dimensions](
        layer.in_channels * copies,
        layer.out_channels * copies,
        layer.kernel,
        layer.stride,
        padding=layer.kernel // 2 if layer.padding == "same" else 0,
        groups=copies,
        bias=layer.bias,
    )


@_module.register
def _(layer: a.BatchNorm, dimensions: int, copies: int) -> nn.Module:
    return BATCH_NORM[dimensions](layer.channels * copies, eps=layer.eps, momentum=layer.momentum)


@_module.register
def _(layer: a.ReLU, dimensions: int, copies: int) -> nn.Module:
    return nn.ReLU(inplace=True)


@_module.register
def _(layer: a.Sigmoid, dimensions: int, copies: int) -> nn.Module:
    return nn.Sigmoid()


@_module.register
def _(layer: a.MaxPool, dimensions: int, copies: int) -> nn.Module:
    return MAX_POOL[dimensions](layer.size, layer.step, layer.pad)


@_module.register
def _(layer: a.GlobalAveragePool, dimensions: int, copies: int) -> nn.Module:
    return AveragePool()


@_module.register
def _(layer: a.Flatten, dimensions: int, copies: int) -> nn.Module:
    return nn.Flatten()


@_module.register
def _(layer: a.Linear, dimensions: int, copies: int) -> nn.Module:
    if copies == 1:
        return nn.Linear(layer.in_features, layer.out_features)
    return GroupedLinear(layer.in_features, layer.out_features, copies)


@_module.register
def _(layer: a.Dropout, dimensions: int, copies: int) -> nn.Module:
    return nn.Dropout(layer.rate)


@_module.register
def _(layer: a.Residual, dimensions: int, copies: int) -> nn.Module:
    return ResidualBlock(_sequence(layer.body, dimensions, copies), _sequence(layer.shortcut, dimensions, copies))


@_module.register
def _(layer: SelfAttention, dimensions: int, copies: int) -> nn.Module:
    return AttentionBlock(layer.channels, layer.inner, dimensions, copies)
