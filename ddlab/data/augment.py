"""Random flips and shifts of a whole batch at once, on bytes and on the batch's own device.

What is drawn is apart from what is done, so that ranks which share a batch draw for all of it and move their part.

Shapes: B images of a batch, C channels, S pixels along a spatial axis.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def augment(images: Tensor, flip: bool, shift: float, generator: torch.Generator) -> Tensor:
    """Flip and shift every image of ``(B, C, *spatial)`` at random, each in its own way; see :func:`draw_sources`."""
    return move(images, draw_sources(len(images), images.shape[2:], flip, shift, generator))


def draw_sources(
    count: int, shape: Sequence[int], flip: bool, shift: float, generator: torch.Generator
) -> list[Tensor]:
    """Draw where the pixels of ``count`` images of ``shape`` come from: positions ``(B, S)``, one tensor an axis.

    Parameters
    ----------
    count, shape
        Number of images, and their pixels along every spatial axis.
    flip
        Mirror the last axis (left to right) of about half of the images.
    shift
        Largest shift along each spatial axis, as a share of its pixels. What moves in repeats the edge.
    generator
        Decides; it lives on the processor, so that every device makes the same images.
    """
    sources = []
    for axis, side in enumerate(shape):
        source_BS = torch.arange(side).expand(count, side)
        if flip and axis == len(shape) - 1:
            mirrored = torch.rand(count, 1, generator=generator) < 0.5
            source_BS = torch.where(mirrored, side - 1 - source_BS, source_BS)
        if most := round(shift * side):
            moves = torch.randint(-most, most + 1, (count, 1), generator=generator)
            source_BS = (source_BS + moves).clamp(0, side - 1)
        sources.append(source_BS)
    return sources


def move(images: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Take pixel s along each spatial axis of image b from the position ``sources[axis][b, s]``."""
    for axis, source_BS in enumerate(sources, start=2):
        shape = [1] * images.ndim
        shape[0], shape[axis] = source_BS.shape
        images = images.gather(axis, source_BS.to(images.device).reshape(shape).expand_as(images))
    return images
