"""Draw scenes: a few coloured objects on a textured background, many images at once.

Shapes: M images, O objects an image, S pixels of a side, G points of a texture's grid. Lengths are shares of the side,
positions are ``(row, column)``.
"""

from dataclasses import dataclass

import numpy as np

# Okabe and Ito's vermilion and blue: the colour-blind can distinguish them, too.
COLORS = np.array([[213, 94, 0], [0, 114, 178]], dtype=np.float32)
TEXTURE_GRIDS = (4, 9)  # points a side of the coarse and the fine noise
NUM_TINTS = 3


@dataclass(frozen=True)
class Objects:
    """Objects of every image: arrays ``(M, O)``; the centres are ``(M, O, 2)``.

    Parameters
    ----------
    crosses
        Whether it is a cross; a disc otherwise.
    colors
        Index into :data:`COLORS`.
    radii
        Of the circle around it, as a share of the side.
    angles
        By which a cross is turned, in radians.
    """

    crosses: np.ndarray
    colors: np.ndarray
    centers: np.ndarray
    radii: np.ndarray
    angles: np.ndarray


def num_texture_numbers(size: int) -> int:
    """Return how many uniform numbers :func:`textures` needs for an image."""
    return NUM_TINTS + sum(grid**2 for grid in TEXTURE_GRIDS) + size**2


def textures(numbers: np.ndarray, size: int) -> np.ndarray:
    """Greyish, softly clouded and grained backgrounds ``(M, 3, S, S)`` on the scale 0..255.

    Parameters
    ----------
    numbers
        Uniform random numbers of 0..1, ``(M, num_texture_numbers(size))``.
    """
    tints, *grids, grain = np.split(
        numbers.astype(np.float32), np.cumsum([NUM_TINTS, *(grid**2 for grid in TEXTURE_GRIDS)]), axis=1
    )
    light = 26 * (grain.reshape(-1, size, size) - 0.5)
    for points, contrast in zip(grids, (80, 60), strict=True):
        side = round(points.shape[1] ** 0.5)
        stretch = interpolation(side, size)
        light += contrast * (stretch @ (points.reshape(-1, side, side) - 0.5) @ stretch.T)
    base = 120 + 60 * tints[:, :1] + 24 * (tints - tints.mean(axis=1, keepdims=True))
    colors: np.ndarray = base[:, :, None, None] + light[:, None]
    return colors


def draw(objects: Objects, backgrounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw the objects onto the backgrounds.

    Returns
    -------
    images, masks : numpy.ndarray
        Bytes ``(M, 3, S, S)``, and ``(M, S, S)`` with 1 wherever an object touches the pixel.
    """
    images, size = np.moveaxis(backgrounds, 1, -1).copy(), backgrounds.shape[-1]
    masks = np.zeros(images.shape[:3], dtype=np.uint8)
    everyone = np.arange(len(images))[:, None, None]
    window = np.arange(2 * int(np.ceil(objects.radii.max() * size)) + 4)  # pixels around an object; the rest is spared
    for index in range(objects.colors.shape[1]):
        centers = objects.centers[:, index]
        radii, angles = (part[:, index, None, None].astype(np.float32) for part in (objects.radii, objects.angles))
        corners = np.clip(np.floor(centers * size).astype(int) - len(window) // 2, 0, size - len(window))
        rows, columns = corners[:, :1] + window, corners[:, 1:] + window
        down = ((rows + 0.5) / size - centers[:, :1]).astype(np.float32)[:, :, None]
        right = ((columns + 0.5) / size - centers[:, 1:]).astype(np.float32)[:, None, :]
        crosses = objects.crosses[:, index, None, None] > 0
        depths = size * np.where(crosses, _cross(down, right, radii, angles), _disc(down, right, radii))
        cover = np.clip(depths + 0.5, 0, 1)
        light = 1.05 - 0.3 * (down + right) / radii  # lit from the upper left
        light = light * (0.6 + 0.4 * np.clip(depths * (32 / size), 0, 1))  # a darker rim
        shaded = light[..., None] * COLORS[objects.colors[:, index]][:, None, None]
        here = (everyone, rows[:, :, None], columns[:, None, :])
        images[here] += cover[..., None] * (shaded - images[here])
        masks[here] |= cover > 0
    return np.moveaxis(np.clip(np.round(images), 0, 255).astype(np.uint8), -1, 1), masks


def _disc(down: np.ndarray, right: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Signed distance of every pixel from the outline, positive inside: ``(M, rows, columns)``."""
    distances: np.ndarray = 0.86 * radii - np.sqrt(down**2 + right**2)
    return distances


def _cross(down: np.ndarray, right: np.ndarray, radii: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Signed distance (the larger coordinate's, beyond a corner) of every pixel from the outline of a turned cross."""
    cosine, sine = np.cos(angles), np.sin(angles)
    across, along = np.abs(cosine * right + sine * down), np.abs(cosine * down - sine * right)
    arm, half = radii * 0.94, radii * 0.32  # the corners of the arms lie on the circle: 0.94² + 0.32² < 1
    distances: np.ndarray = np.maximum(np.minimum(half - across, arm - along), np.minimum(half - along, arm - across))
    return distances


def interpolation(points: int, size: int) -> np.ndarray:
    """The matrix ``(S, G)`` that stretches G points over S pixels, linearly."""
    return np.stack(
        [np.interp(np.linspace(0, points - 1, size), np.arange(points), row) for row in np.eye(points)], axis=1
    ).astype(np.float32)
