"""The layers of a network as rows of channels, and all channels of one layer."""

from collections.abc import Sequence

import numpy as np

from ddlab.analyses.layers.rows import LayerRow
from ddlab.analyses.layers.stored import Activations
from ddlab.decomposition import times
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import CHOSEN, PROBABILITY, SIGNED
from ddlab.figures.images import image_source
from ddlab.figures.layers.tiles import GAP, add_tiles, flat_maps, frame, slice_at, tile_corners
from ddlab.figures.layout import finish, picture_axes

SHOWN = 6  # channels of a row: as many as a phone shows in one line
TILE, WORDS = 62, 38  # screen pixels of a tile, and of the two lines above it
PER_ROW = 8  # of all channels of one layer
GRID_TILE = 54  # screen pixels of one of them
FULL = 1 - GAP
THIN = 0.45  # height of a row of numbers without positions


def rows_figure(
    found: Activations,
    rows: Sequence[LayerRow],
    title: str,
    depth: float = 0.5,
    chosen: tuple[str, int | None] = ("", None),
) -> go.Figure:
    """The image that goes in, and below it a row a layer with its strongest channels; a scale a row.

    A point lies over every channel, whose ``customdata`` are its layer and its number.

    Parameters
    ----------
    depth
        The slice of a volume, as a share of its depth.
    chosen
        Layer and channel that are framed; of a layer alone all channels are.
    """
    figure = go.Figure()
    words, frames = WORDS / TILE, []
    notes = [_note("What goes in", times(found.arrays["input"].shape), 0)]
    _add_input(figure, found.arrays["input"], words, depth)
    top = words + 2 * FULL + GAP
    points: list[tuple[float, float, list[object], str]] = []
    for row in rows:
        notes.append(_note(f"{row.name}: {row.kind}", _told(found, row), top))
        top += words
        channels = found.strongest(row.name, SHOWN) if row.has_maps else found.channels(row.name)
        height = _add_row(figure, found, row, channels, top, depth)
        shown = [(x, float(channel)) for x, channel in enumerate(channels)] if row.has_maps else []
        points += [_point(found, row.name, int(channel), x + FULL / 2, top + FULL / 2) for x, channel in shown]
        if row.name == chosen[0]:
            one = [x for x, channel in shown if chosen[1] == channel]
            size = (FULL, FULL) if one else ((len(shown) or SHOWN) - GAP, height)
            frames += frame((one[0] if one else 0, top), size, CHOSEN)
        top += height + GAP
    _add_points(figure, points, TILE - 8)
    figure = finish(figure, title, height=round(top * TILE) + 40, showlegend=False, annotations=notes, shapes=frames)
    return _on_top(figure, SHOWN, top)


def channels_figure(
    found: Activations, layer: str, title: str, depth: float = 0.5, channel: int | None = None
) -> go.Figure:
    """All kept channels of a layer with maps, the strongest first, on one scale; ``channel`` is framed."""
    figure = go.Figure()
    channels = found.strongest(layer)
    maps = np.stack([found.map_of(layer, int(number)) for number in channels])
    add_tiles(figure, flat_maps(maps, depth), found.limits(layer), (0, 0), PER_ROW)
    places = tile_corners(len(channels), PER_ROW)
    numbered = list(zip(channels.tolist(), places, strict=True))
    points = [_point(found, layer, number, x + FULL / 2, y + FULL / 2) for number, (x, y) in numbered]
    _add_points(figure, points, GRID_TILE - 8)
    frames = [shape for number, place in numbered if number == channel for shape in frame(place, (FULL, FULL), CHOSEN)]
    lines = places[-1][1] + 1
    figure = finish(figure, title, height=60 + lines * GRID_TILE, showlegend=False, shapes=frames)
    return _on_top(figure, PER_ROW, lines)


# ---- its parts


def _add_input(figure: go.Figure, image: np.ndarray, top: float, depth: float) -> None:
    """Draw the image ``(C, *shape)`` twice as large as a channel."""
    seen = image[..., slice_at(image.shape[-1], depth)] if image.ndim == 4 else image
    if image.ndim == 2:
        add_tiles(figure, image.astype(float), (0.0, 255.0), (0, top), SHOWN)
        return
    pixel = 2 * FULL / max(seen.shape[1:])
    settings = {"x0": pixel / 2, "y0": top + pixel / 2, "dx": pixel, "dy": pixel, "hoverinfo": "skip"}
    figure.add_trace(go.Image(source=image_source(seen), **settings))


def _add_row(
    figure: go.Figure, found: Activations, row: LayerRow, channels: np.ndarray, top: float, depth: float
) -> float:
    """Draw the channels of a layer; return the height that they take."""
    if row.has_maps:
        maps = np.stack([found.map_of(row.name, int(channel)) for channel in channels])
        add_tiles(figure, flat_maps(maps, depth), found.limits(row.name), (0, top), SHOWN)
        return FULL
    picture = flat_maps(found.maps(row.name), depth)[0]
    height = THIN if len(picture) == 1 else FULL
    low, high = found.limits(row.name)
    figure.add_trace(_numbers(picture, (low, high), (top, height), row.name))
    return height


def _numbers(picture: np.ndarray, limits: tuple[float, float], placed: tuple[float, float], name: str) -> go.Heatmap:
    """Numbers without positions ``(H, W)`` as cells over the width of the figure; each tells its unit and value."""
    rows, columns = picture.shape
    top, height = placed
    across, down = (SHOWN - GAP) / columns, height / rows
    units = np.arange(rows * columns).reshape(rows, columns)
    return go.Heatmap(
        z=picture,
        x0=across / 2,
        dx=across,
        y0=top + down / 2,
        dy=down,
        customdata=units.tolist(),
        colorscale=SIGNED if limits[0] < 0 else PROBABILITY,
        zmin=limits[0],
        zmax=limits[1],
        showscale=False,
        hoverongaps=False,
        hovertemplate=f"{name}, %{{customdata}}: %{{z:.3g}}<extra></extra>",
    )


def _told(found: Activations, row: LayerRow) -> str:
    """Shape, scale and the share of dead channels of a layer, in one line."""
    low, high = found.limits(row.name)
    dead = found.dead(row.name)
    share = "" if dead is None else f" · {dead.mean():.0%} dead"
    what = times(row.shape) if row.has_maps else f"{row.shape[0]} numbers"
    return f"{what} · {_short(low)} to {_short(high)}{share}"


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _note(first: str, second: str, top: float) -> dict[str, object]:
    text = {"text": f"<b>{first}</b><br>{second}", "align": "left", "font": {"size": 12}, "showarrow": False}
    return text | {
        "x": 0,
        "xanchor": "left",
        "y": top + WORDS / TILE - 0.04,
        "yanchor": "bottom",
        "captureevents": False,
    }


def _point(found: Activations, layer: str, channel: int, x: float, y: float) -> tuple[float, float, list[object], str]:
    mean, high = (found.arrays[f"{name}:{layer}"][channel] for name in ("mean", "high"))
    dead = found.dead(layer)
    is_dead = dead is not None and dead[channel]
    told = "0 everywhere: dead in this image" if is_dead else f"mean {_short(mean)}, largest {_short(high)}"
    return x, y, [layer, channel], f"{layer}, channel {channel}: {told}"


def _add_points(figure: go.Figure, points: Sequence[tuple[float, float, list[object], str]], size: float) -> None:
    """Points to hover over and to click, which are not seen."""
    seen = {"opacity": 0.004}
    figure.add_scatter(
        x=[x for x, _, _, _ in points],
        y=[y for _, y, _, _ in points],
        customdata=[data for _, _, data, _ in points],
        hovertext=[told for _, _, _, told in points],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        marker={"symbol": "square", "size": size, "color": "#000000", **seen},
        selected={"marker": seen},
        unselected={"marker": seen},
    )
    figure.update_layout(clickmode="event+select", dragmode=False)


def _on_top(figure: go.Figure, width: float, height: float) -> go.Figure:
    """Axes in tiles, the first row on top; where the page is narrow, what is left stays below."""
    picture_axes(figure, width, height)
    figure.update_xaxes(range=[-0.02, width - GAP + 0.02], constraintoward="left")
    figure.update_yaxes(range=[height, 0], constraintoward="top")
    return figure
