"""Random flips, shifts, zooms and turns of a whole batch at once, on bytes and on the batch's own device.

What is drawn is apart from what is done, so that ranks which share a batch draw for all of it and move their part.

Shapes: B images of a batch, C channels, S pixels along a spatial axis.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


def draw_sources(
    count: int, shape: Sequence[int], flip: bool, shift: float, generator: torch.Generator
) -> list[Tensor]:
    """Draw where the pixels of ``count`` images of ``shape`` come from: positions ``(B, S)``, one tensor an axis.

    Parameters
    ----------
    count, shape
        Number of images, and their pixels along every spatial axis.
    flip
        Mirror the columns (the second axis, or the only one: left to right) of about half of the images.
    shift
        Largest shift along each spatial axis, as a share of its pixels. What moves in repeats the edge.
    generator
        Decides; it lives on the processor, so that every device makes the same images.
    """
    sources = []
    for axis, side in enumerate(shape):
        source_BS = torch.arange(side).expand(count, side)
        if flip and axis == min(1, len(shape) - 1):
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
        images = _moved(images, axis, source_BS)
    return images


def _moved(images: Tensor, axis: int, source_BS: Tensor) -> Tensor:
    return images.gather(axis, _along(images, axis, source_BS).expand_as(images))


def _along(images: Tensor, axis: int, values_BS: Tensor) -> Tensor:
    """A number a pixel along one axis of every image, in a shape that broadcasts with the images."""
    shape = [1] * images.ndim
    shape[0], shape[axis] = values_BS.shape
    return values_BS.to(images.device).reshape(shape)


def draw_zooms(count: int, axes: int, most: float, generator: torch.Generator) -> Tensor:
    """Draw how many times longer ``count`` images become along every axis, ``(B, axes)``: 1 - most to 1 + most.

    Every axis is on its own, as in Keras' ``zoom_range``, so an image also becomes slimmer or wider.
    """
    return 1 + most * (2 * torch.rand(count, axes, generator=generator) - 1)


def zoom(images: Tensor, factors: Tensor) -> Tensor:
    """Make image b of ``(B, C, *spatial)`` ``factors[b, axis]`` times as long, about its middle.

    The shape stays; pixels are interpolated linearly; what comes in repeats the edge.
    """
    zoomed = images.float()
    for axis, factors_B in enumerate(factors.unbind(1), start=2):
        last = images.shape[axis] - 1
        around = torch.arange(last + 1) - last / 2
        source_BS = (around / factors_B[:, None] + last / 2).clamp(0, last)
        below_BS = source_BS.floor().long()
        low, high = (_moved(zoomed, axis, at_BS) for at_BS in (below_BS, (below_BS + 1).clamp(max=last)))
        zoomed = low.lerp(high, _along(images, axis, source_BS - below_BS).expand_as(low))
    return zoomed.round().to(images.dtype)


def draw_angles(count: int, most: float, generator: torch.Generator, turns: str = "steps") -> Tensor:
    """Draw by how many degrees ``count`` images are turned, ``(B,)``.

    Parameters
    ----------
    turns
        ``"steps"``: ±most, ±most/2 or ±most/4, all equally likely; for 20° they are the angles -20, -10, -5, 5, 10
        and 20 of Keras' example on CT scans. ``"any"``: anything from -most to most, as Keras' ``rotation_range``.
    """
    if turns == "any":
        return most * (2 * torch.rand(count, generator=generator) - 1)
    angles = torch.tensor([-1, -0.5, -0.25, 0.25, 0.5, 1]) * most
    return angles[torch.randint(len(angles), (count,), generator=generator)]


def rotate(images: Tensor, angles: Tensor) -> Tensor:
    """Turn image b of ``(B, C, H, W, ...)`` by ``angles[b]`` degrees, from rows towards columns, about its middle.

    All slices of a volume are turned in the plane of its first two axes. Pixels are interpolated linearly; what turns
    in repeats the edge.
    """
    planes = images.flatten(4).movedim(-1, 2).flatten(1, 2) if images.ndim > 4 else images  # slices are like channels
    height, width = planes.shape[2:]
    turns = torch.deg2rad(angles).to(images.device)
    cos, sin, zero = turns.cos(), turns.sin(), torch.zeros_like(turns)
    # affine_grid measures both axes from -1 to 1, so that a turn of pixels has their ratio in it
    rows = [cos, sin * height / width, zero, -sin * width / height, cos, zero]
    grid = affine_grid(torch.stack(rows, dim=1).reshape(-1, 2, 3), list(planes.shape), align_corners=False)
    turned = grid_sample(planes.float(), grid, padding_mode="border", align_corners=False)
    turned = turned.round().to(images.dtype).unflatten(1, (images.shape[1], -1))
    restored: Tensor = turned.movedim(2, -1).reshape(images.shape)
    return restored
