"""Channels as pictures: one raster of tiles side by side, coloured on one scale; of a signal, lines.

A tile is 1 wide and 1 high on the axes of its figure, its gap included. Shapes: C channels.
"""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import PROBABILITY, SIGNED

GAP = 0.08  # of a tile, to its right and below it
SHARP = 32  # pixels of the longer side of a tile, at least: so that a gap of one is narrow
COLORS = 256
MOST_IN_A_ROW = 64  # of the numbers of a layer without maps
LINE = "#0072B2"


def flat_maps(maps: np.ndarray, depth: float) -> np.ndarray:
    """Maps ``(C, *map)`` in two dimensions ``(C, H, W)``: of a volume the slice at a share of its depth, from 0 to 1.

    Of maps without positions, ``(C,)``, one picture is made, ``(1, H, W)``, NaN behind the last number; a signal's maps
    ``(C, T)`` stay as they are.
    """
    if maps.ndim == 1:
        width = min(len(maps), MOST_IN_A_ROW)
        padded = np.full(-(-len(maps) // width) * width, np.nan)
        padded[: len(maps)] = maps
        return padded.reshape(1, -1, width)
    if maps.ndim == 4:
        flat: np.ndarray = maps[..., slice_at(maps.shape[-1], depth)]
        return flat
    return maps


def slice_at(extent: int, depth: float) -> int:
    """Index of the slice of ``extent`` at a share of the depth, from 0 to 1."""
    return min(int(depth * extent), extent - 1)


def add_tiles(
    figure: go.Figure, maps: np.ndarray, limits: tuple[float, float], corner: tuple[float, float], per_row: int
) -> None:
    """Lay maps ``(C, H, W)`` or lines ``(C, T)`` side by side into a figure, in place, ``per_row`` a row.

    Parameters
    ----------
    limits
        Ends of the scale of all of them.
    corner
        Left and upper end of the first tile.
    """
    if maps.ndim == 2:
        _add_lines(figure, maps, limits, corner, per_row)
        return
    height, width = maps.shape[1:]
    factor = -(-SHARP // max(height, width))
    raster = _raster(_colored(maps, limits).repeat(factor, 1).repeat(factor, 2), per_row)
    pixel = (1 - GAP) / (factor * max(height, width))
    source = _as_address(raster)
    x, y = corner
    figure.add_trace(go.Image(source=source, x0=x + pixel / 2, y0=y + pixel / 2, dx=pixel, dy=pixel, hoverinfo="skip"))


def tile_corners(count: int, per_row: int) -> list[tuple[int, int]]:
    """Left and upper end of every tile, beside those of the first."""
    return [(number % per_row, number // per_row) for number in range(count)]


# ---- its parts


def _colored(maps: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Bytes ``(C, H, W, 4)``: red, green, blue and opacity; nothing is drawn where there is no number."""
    low, high = limits
    scale = SIGNED if low < 0 else PROBABILITY
    colors = np.array(sample_colorscale(scale, COLORS, colortype="tuple")) * 255
    shares = np.nan_to_num((maps.astype(float) - low) / (high - low))
    found = colors[np.clip((shares * (COLORS - 1)).round(), 0, COLORS - 1).astype(int)]
    opacity = np.where(np.isnan(maps), 0, 255)[..., None]
    return np.concatenate([found, opacity], axis=-1).round().astype(np.uint8)


def _raster(tiles: np.ndarray, per_row: int) -> np.ndarray:
    """Tiles ``(C, H, W, 4)`` in rows, with the same step along both axes: that of the longer side and the gap."""
    height, width = tiles.shape[1:3]
    step = round(max(height, width) / (1 - GAP))
    count = len(tiles)
    whole = np.zeros((-(-count // per_row) * step, min(count, per_row) * step, 4), np.uint8)
    for tile, (column, row) in zip(tiles, tile_corners(count, per_row), strict=True):
        whole[row * step :, column * step :][:height, :width] = tile
    return whole


def _add_lines(
    figure: go.Figure, maps: np.ndarray, limits: tuple[float, float], corner: tuple[float, float], per_row: int
) -> None:
    """One trace for all lines; a line over its ground at the value 0."""
    low, high = limits
    count = maps.shape[1]
    across = np.linspace(0, 1 - GAP, count)
    x: list[float | None] = []
    y: list[float | None] = []
    ground: tuple[list[float | None], list[float | None]] = ([], [])
    for values, (column, row) in zip(maps, tile_corners(len(maps), per_row), strict=True):
        left, top = corner[0] + column, corner[1] + row
        x += [*(left + across), None]
        y += [*(top + (1 - GAP) * (high - values.astype(float)) / (high - low)), None]
        ground[0].extend([left, left + 1 - GAP, None])
        ground[1].extend([top + (1 - GAP) * high / (high - low)] * 2 + [None])
    quiet = {"mode": "lines", "hoverinfo": "skip"}
    figure.add_scatter(x=ground[0], y=ground[1], line={"color": "#9a9a9a", "width": 1}, **quiet)
    figure.add_scatter(x=x, y=y, line={"color": LINE, "width": 1.4}, **quiet)


def _as_address(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def frame(corner: Sequence[float], size: tuple[float, float], color: str) -> list[dict[str, object]]:
    """Shapes of a frame around a tile: ``color`` over a dark line, so that it shows on any map."""
    x, y = corner
    ends: dict[str, object] = {"type": "rect", "x0": x, "y0": y, "x1": x + size[0], "y1": y + size[1]}
    lines = ({"color": "rgba(0,0,0,0.75)", "width": 5}, {"color": color, "width": 2.5})
    return [ends | {"line": line} for line in lines]
