"""Batch normalisation of few channels, channels last, whose gradient PyTorch computes pixel by pixel.

PyTorch's backward pass walks over the channels of one pixel after the other by whole registers. Where the channels do
not fill the last one, it copies each pixel's rest to and fro: for 8 channels and registers of 16 numbers (AVX-512)
that takes six times as long as for 16 channels (``python -m benchmarks --rows textbook_resnet20``, whose first layers
have 8). Here a row of many pixels is taken at once; the forward pass is PyTorch's.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

REGISTER = {"AVX512": 16, "AVX2": 8}  # numbers of single precision, by what PyTorch says of the processor
MOST = 32  # channels: of more, the rest of a pixel no longer counts
ROW = 256  # numbers that are taken at once, about
PRECISIONS = torch.float32, torch.bfloat16
FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


class _Narrow(torch.autograd.Function):
    """Training's batch normalisation, for maps ``(B, C, *spatial)`` that lie channels last."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, *others: Any) -> Tensor:
        """Normalise as PyTorch does; ``others``: running mean and variance, momentum and eps."""
        mean, var, momentum, eps = others
        normed, mean_C, scale_C = torch.native_batch_norm(maps, weight, bias, mean, var, True, momentum, eps)
        ctx.save_for_backward(maps, weight, mean_C, scale_C)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the maps, the weights and the bias (Ioffe and Szegedy 2015, Section 3), R rows of k pixels."""
        maps, weight, mean_C, scale_C = ctx.saved_tensors
        pixels = maps.numel() // len(weight)
        k = next(k for k in range(max(1, ROW // len(weight)), 0, -1) if pixels % k == 0)
        maps_RK, grad_RK = (_channels_behind(each).to(weight.dtype).view(pixels // k, -1) for each in (maps, grad))
        ones_R = maps_RK.new_ones(pixels // k)
        sum_C = (ones_R @ grad_RK).view(k, -1).sum(0)
        product_C = (ones_R @ (maps_RK - mean_C.repeat(k)).mul_(grad_RK)).view(k, -1).sum(0)
        slope_C = weight * scale_C
        back_C = -slope_C * scale_C.square() * product_C / pixels
        shift_C = -slope_C * sum_C / pixels - back_C * mean_C
        found_RK = torch.addcmul(shift_C.repeat(k), grad_RK, slope_C.repeat(k)).addcmul_(maps_RK, back_C.repeat(k))
        found = found_RK.view(maps.movedim(1, -1).shape).movedim(-1, 1).to(grad.dtype)
        return found, product_C * scale_C, sum_C, None, None, None, None


def _channels_behind(maps: Tensor) -> Tensor:
    """View maps as ``(B, *spatial, C)``, copied where they lie otherwise."""
    return maps.movedim(1, -1).contiguous()


def is_narrow(maps: Tensor) -> bool:
    """Whether PyTorch would compute the gradient of these maps' normalisation pixel by pixel.

    Parameters
    ----------
    maps
        ``(B, C, *spatial)``.
    """
    if maps.device.type != "cpu" or maps.dtype not in PRECISIONS or maps.dim() not in FORMATS:
        return False
    channels, register = maps.shape[1], REGISTER.get(torch.backends.cpu.get_cpu_capability(), 1)
    if channels > MOST or channels % register == 0:
        return False
    return maps.is_contiguous(memory_format=FORMATS[maps.dim()]) and not maps.is_contiguous()


class _Normalised(nn.modules.batchnorm._BatchNorm):
    def forward(self, maps: Tensor) -> Tensor:
        """Normalise maps ``(B, C, *spatial)`` by their batch's statistics, or, in evaluation, by the running ones."""
        is_usual = torch.compiler.is_compiling() or self.momentum is None or not self.training
        if is_usual or not torch.is_grad_enabled() or not is_narrow(maps):
            return super().forward(maps)
        assert self.num_batches_tracked is not None, "running statistics are kept"
        self.num_batches_tracked.add_(1)
        others = self.running_mean, self.running_var, self.momentum, self.eps
        normed: Tensor = _Narrow.apply(maps, self.weight, self.bias, *others)  # type: ignore[no-untyped-call]
        return normed


class BatchNorm2d(_Normalised, nn.BatchNorm2d):
    """PyTorch's, with a gradient of its own for few channels."""


class BatchNorm3d(_Normalised, nn.BatchNorm3d):
    """PyTorch's, with a gradient of its own for few channels."""
