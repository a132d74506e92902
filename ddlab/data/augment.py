"""Random flips and shifts of a whole batch at once, on bytes and on the batch's own device.

Shapes: B images of a batch, C channels, D spatial axes of S pixels.
"""

import torch
from torch import Tensor


def augment(images: Tensor, flip: bool, shift: float, generator: torch.Generator) -> Tensor:
    """Flip and shift every image at random, each in its own way.

    Parameters
    ----------
    images
        ``(B, C, *spatial)``, of any type and with any number of spatial axes.
    flip
        Mirror the last axis (left to right) of about half of the images.
    shift
        Largest shift along each spatial axis, as a share of its pixels. What moves in repeats the edge.
    generator
        Decides; it lives on the processor, so that every device makes the same images.
    """
    count = len(images)
    last = images.ndim - 1
    for axis in range(2, images.ndim):
        side = images.shape[axis]
        most = round(shift * side)
        source_BS = torch.arange(side).expand(count, side)
        if flip and axis == last:
            mirrored = torch.rand(count, 1, generator=generator) < 0.5
            source_BS = torch.where(mirrored, side - 1 - source_BS, source_BS)
        if most:
            moves = torch.randint(-most, most + 1, (count, 1), generator=generator)
            source_BS = (source_BS + moves).clamp(0, side - 1)
        elif not (flip and axis == last):
            continue
        images = _take(images, axis, source_BS.to(images.device))
    return images


def _take(images: Tensor, axis: int, source_BS: Tensor) -> Tensor:
    """Pixel s along ``axis`` of image b comes from pixel ``source_BS[b, s]``."""
    shape = [1] * images.ndim
    shape[0], shape[axis] = source_BS.shape
    return images.gather(axis, source_BS.reshape(shape).expand_as(images))
