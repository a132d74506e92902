"""Images with their subdomains: drawn on the image, cut out in place, and numbers of the subdomains as a map.

Of a volume slices are shown, of a signal the picture of its line.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ddlab.decomposition import Decomposition, Subdomain, times
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import CHOSEN, EVIDENCE, PROBABILITY, SUBDOMAIN
from ddlab.figures.drawn import address_of
from ddlab.figures.layout import finish, picture_axes
from ddlab.figures.signals import drawn, flat, flat_mask
from ddlab.figures.volumes import axial, montage

LINE, CHOSEN_LINE = {"color": SUBDOMAIN, "width": 1.8}, {"color": CHOSEN, "width": 3}  # around a subdomain
PICTURE = 380  # screen pixels of a figure that holds one picture
CROWDED = 36  # from this many subdomains on, their numbers would cover the image


def image_source(image: np.ndarray) -> str:
    """An image of bytes ``(C, *shape)`` as the address of a PNG, one pixel a pixel; of a volume its middle slice."""
    return address_of(_as_picture(image))


def thumbnail(image: np.ndarray, side: int) -> str:
    """An image of bytes ``(C, *shape)`` as the address of a small PNG; of a volume its middle slice.

    Parameters
    ----------
    side
        Pixels of the longer side at most; whole pixels of a small image are repeated.
    """
    picture = _as_picture(image)
    factor = max(1, side // max(picture.size))
    picture = picture.resize((factor * picture.width, factor * picture.height), Image.Resampling.NEAREST)
    picture.thumbnail((side, side))
    return address_of(picture)


def _as_picture(image: np.ndarray) -> Image.Image:
    pixels = np.moveaxis(np.asarray(drawn(image) if image.ndim == 2 else axial(image), dtype=np.uint8), 0, -1)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """An image of bytes as ``(H, W)`` or ``(H, W, 3)``, whole pixels repeated to at least ``side``.

    Parameters
    ----------
    image
        ``(C, H, W)``; of a volume ``(C, H, W, D)`` its middle axial slice is shown.
    side
        Of the shorter side.
    """
    pixels = np.moveaxis(np.asarray(drawn(image) if image.ndim == 2 else axial(image), dtype=np.uint8), 0, -1)
    factor = -(-side // min(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1).squeeze()


def picture_of(image: np.ndarray, x: float = 0, y: float = 0) -> go.Image:
    """Draw an image of bytes ``(C, *shape)`` in pixels, the first of them around ``(x, y)``."""
    return go.Image(source=image_source(image), x0=x, y0=y, dx=1, dy=1, hoverinfo="skip")


def subdomains_figure(
    image: np.ndarray,
    decomposition: Decomposition,
    title: str,
    mask: np.ndarray | None = None,
    chosen: int | None = None,
) -> go.Figure:
    """Draw the subdomains on an image ``(C, H, W)``; pixels in several of them are lighter, and evidence is outlined.

    Parameters
    ----------
    mask
        The evidence ``(H, W)``, or None.
    chosen
        Index of the chosen subdomain, whose border has a colour of its own; or None.
    """
    told = [f"{times(box.shape)} px, rows × columns {box}" for box in decomposition]
    middle = 0.5
    if len(decomposition.shape) == 1:
        middle = 0.07  # beside the line
        told = [f"{times(box.shape)} samples, {box}" for box in decomposition]
        image, decomposition = drawn(image), flat(decomposition)
        mask = None if mask is None else flat_mask(mask)
    height, width = decomposition.shape
    figure, shared = go.Figure(picture_of(image)), decomposition.multiplicity
    if shared.min() != shared.max():
        veil = go.Heatmap(z=shared, colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(255,255,255,0.5)"]])
        figure.add_trace(veil.update(showscale=False, zmin=1, zmax=max(2, shared.max()), hoverinfo="skip"))
    if mask is not None and np.any(mask):
        figure.add_trace(outline(mask))
    for number, (box, size) in enumerate(zip(decomposition, told, strict=True), 1):
        label = f"{number}" if len(decomposition) <= CROWDED else ""
        _add_border(figure, box, 0.006 * max(height, width), CHOSEN_LINE if number - 1 == chosen else LINE)
        _add_number(figure, box, label, size, middle)
    return picture_axes(finish(figure, title, height=PICTURE, showlegend=False), width, height)


def outline(mask: np.ndarray) -> go.Contour:
    """The border of the evidence, half a pixel around it."""
    return go.Contour(
        z=np.asarray(mask, dtype=float),
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        line={"color": EVIDENCE, "width": 3},
        showscale=False,
        hoverinfo="skip",
        name="evidence",
    )


def outline_path(mask: np.ndarray) -> str:
    """The border of the evidence ``(H, W)`` along its pixels, as an SVG path in pixels from the image's corner."""
    held = np.pad(np.asarray(mask, dtype=bool), 1)
    across = _runs(held[1:, 1:-1] != held[:-1, 1:-1])
    down = _runs((held[1:-1, 1:] != held[1:-1, :-1]).T)
    lines = [f"M{start} {row}H{stop}" for row, start, stop in across]
    return "".join(lines + [f"M{column} {start}V{stop}" for column, start, stop in down])


def _runs(edges: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Row, start and stop of every run of true values in the rows of an array."""
    ends = np.diff(np.pad(edges.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    (rows, starts), (_, stops) = np.nonzero(ends == 1), np.nonzero(ends == -1)
    return zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True)


def _add_border(figure: go.Figure, box: Subdomain, inset: float, line: dict[str, Any]) -> None:
    """Draw a line over a dark one around a box, this far inside."""
    (top, left), (bottom, right) = box.start, box.stop
    x0, x1, y0, y1 = left - 0.5 + inset, right - 0.5 - inset, top - 0.5 + inset, bottom - 0.5 - inset
    outline = {"x": [x0, x1, x1, x0, x0], "y": [y0, y0, y1, y1, y0], "mode": "lines", "hoverinfo": "skip"}
    figure.add_scatter(line={"color": "rgba(0,0,0,0.75)", "width": 4}, **outline)
    figure.add_scatter(line=line, **outline)


def _add_number(figure: go.Figure, box: Subdomain, label: str, size: str, middle: float) -> None:
    """Write the number of a box, at this share of its height; it tells its size."""
    figure.add_scatter(
        x=[(box.start[1] + box.stop[1] - 1) / 2],
        y=[box.start[0] - 0.5 + middle * box.shape[0]],
        mode="markers+text",
        marker={"size": 24 if label else 4, "color": "rgba(0,0,0,0.6)"},
        text=[label],
        textfont={"color": "#ffffff", "size": 13},
        hovertemplate=f"subdomain {label}: {size}<extra></extra>",
    )


# ---- subimages in place


@dataclass(frozen=True)
class TileLayout:
    """Positions at which subimages do not cover each other: corners ``(x, y)`` and the size of the whole."""

    corners: tuple[tuple[float, float], ...]
    width: float
    height: float


def tile_layout(decomposition: Decomposition, gap: float = 0.22) -> TileLayout:
    """Put every subimage in the cell of its grid, in rows of equal length for free boxes; gaps are shares of a side.

    The layers of a volume stand side by side, the lowest first, with twice the gap between them.
    """
    boxes, grid = decomposition.subdomains, decomposition.grid
    columns = grid[1] if grid else math.ceil(math.sqrt(len(boxes)))
    layers = grid[2] if grid and len(grid) == 3 else 1
    cells = []
    for index in range(len(boxes)):
        row, column = divmod(index // layers, columns)
        cells.append((row, index % layers * columns + column))
    heights, widths = [0] * (cells[-1][0] + 1), [0] * (layers * columns)
    for box, (row, column) in zip(boxes, cells, strict=True):
        heights[row], widths[column] = max(heights[row], box.shape[0]), max(widths[column], box.shape[1])
    space = gap * max(*heights, *widths)
    corners = tuple(
        (sum(widths[:column]) + space * (column + column // columns), sum(heights[:row]) + space * (1 + row))
        for row, column in cells
    )
    width = sum(widths) + space * (len(widths) + layers - 2)
    return TileLayout(corners, width, sum(heights) + space * len(heights))


def subimages_figure(
    image: np.ndarray,
    decomposition: Decomposition,
    title: str,
    labels: Sequence[str],
    colors: Sequence[str] = (),
    mask: np.ndarray | None = None,
    chosen: int | None = None,
) -> go.Figure:
    """Show the subimages of an image ``(C, *shape)`` at their places, a label above each, framed in a colour if given.

    Parameters
    ----------
    mask
        The evidence ``(*shape)`` of a volume: every subimage is shown by its axial slice with most of it, or by its
        middle one.
    chosen
        Index of the chosen subdomain, framed in a colour of its own, outside of the others; or None.
    """
    if len(decomposition.shape) == 1:
        image, decomposition, mask = drawn(image), flat(decomposition), None
    where = tile_layout(
        decomposition, min(0.4, max(0.22, 0.08 * math.isqrt(len(decomposition))))
    )  # a label fits between
    pictures, notes, frames = [], [], []  # handed over at once: plotly copies all of them with each that is added
    for index, (box, (x, y), label) in enumerate(zip(decomposition, where.corners, labels, strict=True)):
        part = axial(image[box.slices], None if mask is None else mask[box.slices])
        pictures.append(picture_of(part, x, y))
        above = {"x": x + (box.shape[1] - 1) / 2, "y": y - 0.5, "yanchor": "bottom"}
        notes.append({"text": label, "showarrow": False, "font": {"size": 12}, **above})
        corners = {"x0": x - 0.5, "x1": x + box.shape[1] - 0.5, "y0": y - 0.5, "y1": y + box.shape[0] - 0.5}
        if index == chosen:
            lines = ({"color": "rgba(0,0,0,0.75)", "width": 10}, {"color": CHOSEN, "width": 8})
            frames += [{"type": "rect", "line": line, **corners} for line in lines]
        if colors:
            frames.append({"type": "rect", "line": {"color": colors[index], "width": 4}, **corners})
    height = round(PICTURE * min(max(1.0, where.height / where.width), 1.2))
    figure = finish(go.Figure(pictures), title, height=height, showlegend=False, annotations=notes, shapes=frames)
    return picture_axes(figure, where.width, where.height)


# ---- numbers of the subdomains as a map


def subdomain_map(
    decomposition: Decomposition,
    values: np.ndarray,
    title: str,
    image: np.ndarray | None = None,
    name: str = "accuracy",
    chosen: int | None = None,
) -> go.Figure:
    """Colour the image by a number from 0 to 1 of every subdomain ``(N,)``; overlaps show the mean.

    Parameters
    ----------
    image
        ``(C, *shape)`` to show through, or None; of a volume, the layers of subdomains are shown side by side.
    name
        Of the number, for hovering and the colour bar.
    chosen
        Index of the chosen subdomain, whose border is drawn; or None.
    """
    if len(decomposition.shape) == 1:
        decomposition, image = flat(decomposition), None if image is None else drawn(image)
    elif len(decomposition.shape) == 3:
        decomposition, shown = montage(decomposition, np.zeros((1, *decomposition.shape)) if image is None else image)
        image = None if image is None else shown
    height, width = decomposition.shape
    values = np.asarray(values, dtype=float)
    merged = decomposition.merge([np.full(box.shape, value) for box, value in zip(decomposition, values, strict=True)])
    merged = np.where(decomposition.multiplicity > 0, merged, np.nan)
    figure = go.Figure()
    if image is not None:
        figure.add_trace(picture_of(image))
    bar = {"title": {"text": name, "side": "right"}, "tickformat": ".0%", "thickness": 12}
    scale = {
        "colorscale": PROBABILITY,
        "zmin": 0,
        "zmax": 1,
        "colorbar": bar,
        "opacity": 0.6 if image is not None else 1,
    }
    figure.add_trace(go.Heatmap(z=merged, hovertemplate=f"{name} %{{z:.1%}}<extra></extra>", **scale))
    for number, (box, value) in enumerate(zip(decomposition, values, strict=True), 1):
        text = f"{number}<br>{value:.0%}" if len(decomposition) <= CROWDED else ""
        (top, left), (bottom, right) = box.start, box.stop
        figure.add_scatter(
            x=[(left + right - 1) / 2],
            y=[(top + bottom - 1) / 2],
            mode="markers+text",
            marker={"size": 42 if text else 1, "color": "rgba(0,0,0,0.6)"},
            text=[text],
            textfont={"color": "#ffffff", "size": 12},
            hovertemplate=f"subdomain {number}: {value:.1%}<extra></extra>",
        )
    if chosen is not None:
        _add_border(figure, decomposition.subdomains[chosen], 0.006 * max(height, width), CHOSEN_LINE)
    return picture_axes(finish(figure, title, height=PICTURE, showlegend=False), width, height)
