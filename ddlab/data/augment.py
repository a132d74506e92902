"""Random flips and shifts of a batch, on the device, of bytes as well as of numbers."""

import torch
from torch import Tensor


def augment(images: Tensor, flip: bool, shift: float, generator: torch.Generator) -> Tensor:
    """Flip and shift every image of a batch at random.

    Parameters
    ----------
    images
        ``(B, C, *spatial)``, on any device, of any type.
    flip
        Mirror every second image, at random, along its last axis: left to right.
    shift
        Shift along every spatial axis by whole pixels, at most this share of the side; edge pixels are repeated.
    generator
        Of the processor; all randomness comes from it, so every rank can draw the same.

    Returns
    -------
    Tensor
        New images of the same shape and type.
    """
    if flip:
        mirrored = torch.rand(len(images), generator=generator) < 0.5
        axes = [slice(None), *[None] * (images.dim() - 1)]
        images = torch.where(mirrored.to(images.device)[tuple(axes)], images.flip(-1), images)
    if shift:
        for axis in range(2, images.dim()):
            images = _shift(images, axis, int(shift * images.shape[axis]), generator)
    return images


def _shift(images: Tensor, axis: int, most: int, generator: torch.Generator) -> Tensor:
    """Shift every image along one axis by a number of pixels drawn from -most to most."""
    extent = images.shape[axis]
    offsets_B = torch.randint(-most, most + 1, (len(images),), generator=generator)
    positions = (torch.arange(extent)[None] + offsets_B[:, None]).clamp(0, extent - 1)  # (B, extent)
    shape = [len(images), *[1] * (images.dim() - 1)]
    shape[axis] = extent
    return torch.take_along_dim(images, positions.reshape(shape).to(images.device), dim=axis)
