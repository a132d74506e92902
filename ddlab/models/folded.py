"""A forward pass that only evaluates: a network's own numbers, with fewer passes over its maps.

Beside the convolutions a forward pass reads and writes every map once more for each batch normalisation, rectifier and
sum. Four rewritings save most of that, each exact but for rounding: normalisation is multiplied into the weights of
the convolution before it, a rectifier waits until the maximum has made the maps smaller, maxima don't note where they
were, and a residual block adds its ways in place.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d, conv3d, relu_
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ddlab.models.build import ResidualBlock

CONVOLUTIONS: dict[type[nn.Module], Callable[..., Tensor]] = {nn.Conv1d: conv1d, nn.Conv2d: conv2d, nn.Conv3d: conv3d}
NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
MAXIMA = nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d


@torch.no_grad()
def evaluate(module: nn.Module, inputs: Tensor) -> Tensor:
    """Compute ``module(inputs)`` in evaluation, without gradients; what is not a sequence or a block runs as it is.

    Parameters
    ----------
    module
        In evaluation mode: with batch statistics there is nothing to fold.
    inputs
        ``(B, C, *spatial)``.
    """
    if isinstance(module, ResidualBlock):
        deep, straight = evaluate(module.body, inputs), evaluate(module.shortcut, inputs)
        straight = module.middle(straight, deep)
        return deep + straight if deep is inputs else deep.add_(straight)
    if not isinstance(module, nn.Sequential):
        outputs: Tensor = module(inputs)
        return outputs
    maps, parts = inputs, list[Any](module)
    while parts:
        part, *parts = parts
        behind = parts[0] if parts else None
        if type(part) in CONVOLUTIONS and isinstance(behind, NORMS) and part.weight.numel() < maps.numel():
            maps, parts = _normalised(part, behind, maps), parts[1:]
        elif isinstance(part, nn.ReLU) and isinstance(behind, MAXIMA):
            maps, parts = relu_(largest(behind, maps)), parts[1:]
        else:
            maps = largest(part, maps) if isinstance(part, MAXIMA) else evaluate(part, maps)
    return maps


def largest(pool: Any, maps: Tensor) -> Tensor:
    """Apply the max pooling ``pool``; 2 × 2 pairs are compared without noting where each maximum was."""
    if (pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode) != (2, 2, 0, False):
        pooled: Tensor = pool(maps)
        return pooled
    for axis in range(2, maps.dim()):
        pairs = maps.narrow(axis, 0, maps.shape[axis] // 2 * 2).unflatten(axis, (-1, 2))
        maps = torch.maximum(pairs.select(axis + 1, 0), pairs.select(axis + 1, 1))
    return maps


def _normalised(conv: Any, norm: Any, maps: Tensor) -> Tensor:
    """Apply both layers as one convolution; cheaper while there are fewer weights to multiply than numbers in maps."""
    assert not norm.training, "batch statistics are not known before the convolution"
    statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    weight, bias = fuse_conv_bn_weights(conv.weight, conv.bias, *statistics)
    convolve = CONVOLUTIONS[type(conv)]
    return convolve(maps, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
