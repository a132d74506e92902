"""Class activation maps over the image they are of: side by side with one scale and one zoom, and as pictures.

Blue speaks for the class, red against it, and nothing is drawn where a map is 0, so that the image shows through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import wrap

import numpy as np
from PIL import Image

from ddlab.analyses.maps.scores import Curves
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import AGAINST, FOR, strategy_color
from ddlab.figures.images import image_source, outline
from ddlab.figures.layout import finish, percent_axis
from ddlab.figures.signals import drawn, flat, flat_mask, rows_of
from ddlab.figures.volumes import Scene, telling_voxel
from ddlab.strategies.trained import UNTRAINED

STRENGTH, HALF = 0.88, 0.55  # opacity at the ends of the scale, and half way there
PALE = 0.35  # share of white in what lies below a map
COLUMNS = 3  # of panels, so that a phone shows something
PANEL = 250  # screen pixels of a panel's height
LINE = 20  # letters of a line of its title, so that three titles stand beside each other on a phone
LINE_HEIGHT = 15  # screen pixels
MOST_NUMBERED = 36  # subimages whose numbers fit in a panel
SMALLEST = 256  # pixels of the shorter side of a picture that is saved
STYLES = {"insertion": "solid", "deletion": "dot"}


def limit_of(maps: Sequence[np.ndarray]) -> float:
    """The end of a scale that holds all the maps and is the same above and below 0."""
    return max((float(np.nanmax(np.abs(values), initial=0.0)) for values in maps), default=0.0) or 1.0


def shared_limit(maps: Mapping[str, Sequence[np.ndarray]]) -> float:
    """One scale for all the maps: the median of their own. A map that goes beyond would hide all others otherwise.

    The untrained network has no say, where there are others: before a batch normalisation has measured anything, its
    logits may be a hundred times those of a network that has learned, and all other maps would be empty.

    Parameters
    ----------
    maps
        By the viewer's name.
    """
    learned = {name: of_viewer for name, of_viewer in maps.items() if name != UNTRAINED} or maps
    limits = [limit_of([values]) for of_viewer in learned.values() for values in of_viewer]
    return float(np.median(limits)) if limits else 1.0


def _color_scale() -> list[tuple[float, str]]:
    """Return a scale from red through transparent to blue; with evenly growing opacity, maps would be seen too late."""
    against = [(0.0, AGAINST, STRENGTH), (0.25, AGAINST, HALF), (0.5, AGAINST, 0.0)]
    stops = [*against, (0.5, FOR, 0.0), (0.75, FOR, HALF), (1.0, FOR, STRENGTH)]
    return [(place, f"rgba({red},{green},{blue},{alpha})") for place, (red, green, blue), alpha in stops]


def gray(image: np.ndarray) -> np.ndarray:
    """An image ``(C, H, W)`` in pale grey, ``(1, H, W)``, so that no colour of its own is taken for the map's."""
    weights = np.array([0.299, 0.587, 0.114]) if len(image) == 3 else np.ones(1)
    levels = np.tensordot(weights, image, 1)
    return np.round(PALE * 255 + (1 - PALE) * levels).astype(np.uint8)[None]


def in_two_dimensions(scene: Scene, maps: Mapping[str, np.ndarray]) -> tuple[Scene, dict[str, np.ndarray]]:
    """A scene and its maps ``(*shape)`` as pictures ``(H, W)``: of a signal its line, of a volume an axial slice.

    The slice is the one with most of the evidence, or the middle one.
    """
    shape = scene.decomposition.shape
    if len(shape) == 1:
        rows = rows_of(*shape)
        mask = None if scene.mask is None else flat_mask(scene.mask)
        pictured = replace(scene, image=drawn(scene.image), mask=mask, decomposition=flat(scene.decomposition))
        return pictured, {name: np.broadcast_to(values, (rows, *shape)) for name, values in maps.items()}
    if len(shape) == 2:
        return scene, dict(maps)
    depth = telling_voxel(shape, scene.mask)[2]
    cut = [scene.decomposition.subdomains[place] for place in shown_boxes(scene)]
    boxes = Decomposition(shape[:2], tuple(Subdomain(box.start[:2], box.stop[:2]) for box in cut))
    mask = None if scene.mask is None else scene.mask[..., depth]
    pictured = replace(scene, image=scene.image[..., depth], mask=mask, decomposition=boxes)
    return pictured, {name: values[..., depth] for name, values in maps.items()}


def shown_boxes(scene: Scene) -> list[int]:
    """Places of the subdomains that :func:`in_two_dimensions` shows: of a volume those in the slice, else all."""
    boxes, shape = scene.decomposition.subdomains, scene.decomposition.shape
    every = list(range(len(boxes)))
    if len(shape) < 3:
        return every
    depth = telling_voxel(shape, scene.mask)[2]
    return [place for place, box in enumerate(boxes) if box.start[2] <= depth < box.stop[2]] or every


def maps_figure(
    scene: Scene,
    maps: Mapping[str, np.ndarray],
    limits: Sequence[float],
    title: str,
    numbers: Sequence[np.ndarray | None] = (),
) -> go.Figure:
    """The image, and each map over it, with the subdomains and the evidence; all panels zoom together.

    Parameters
    ----------
    maps
        By the panel's title, ``(*shape)``, NaN where no network looks.
    limits
        The end of every map's scale; a colour bar shows it where all have the same.
    numbers
        Of every map a number for each subdomain, ``(S,)``, that is written into it; None, or too many: nothing is.
    """
    places = shown_boxes(scene)
    scene, maps = in_two_dimensions(scene, maps)
    image, decomposition = scene.image, scene.decomposition
    rows = -(-(1 + len(maps)) // COLUMNS)
    titles = ["Image", *map(_in_lines, maps)]
    above = 8 + LINE_HEIGHT * max(title.count("<br>") + 1 for title in titles)
    gaps = {"horizontal_spacing": 0.02, "vertical_spacing": 1.1 * above / (rows * (PANEL + above))}
    figure = go.make_subplots(rows, COLUMNS, subplot_titles=titles, **gaps)
    below = go.Image(source=image_source(image), x0=0, y0=0, dx=1, dy=1, hoverinfo="skip")
    figure.add_trace(below, 1, 1)
    faded = image_source(gray(image))
    for number, ((name, values), limit) in enumerate(zip(maps.items(), limits, strict=True), 1):
        row, column = 1 + number // COLUMNS, 1 + number % COLUMNS
        figure.add_trace(go.Image(source=faded, x0=0, y0=0, dx=1, dy=1, hoverinfo="skip"), row, column)
        figure.add_trace(_heat(name, values, limit, with_bar=number == 1 and len(set(limits)) == 1), row, column)
    for number, written in enumerate(numbers, 1):
        if written is not None and len(places) <= MOST_NUMBERED:
            figure.add_trace(_written(decomposition, written[places]), 1 + number // COLUMNS, 1 + number % COLUMNS)
    for number in range(1 + len(maps)):
        place = (1 + number // COLUMNS, 1 + number % COLUMNS)
        figure.add_traces(_boxes(decomposition), *([part] * 2 for part in place))
        if scene.mask is not None:
            figure.add_trace(outline(scene.mask), *place)
    figure = finish(figure, title, height=100 + rows * (PANEL + above), showlegend=False)
    figure.update_annotations(font_size=12)
    figure.update_layout(margin_t=figure.layout.margin.t + above)
    return _linked(figure, *decomposition.shape)


def _in_lines(title: str) -> str:
    """A panel's title with further lines where one is too long."""
    lines = [part for line in title.split("<br>") for part in wrap(line, LINE)]
    return "<br>".join(lines)


def _heat(name: str, values: np.ndarray, limit: float, with_bar: bool) -> go.Heatmap:
    bar = {"orientation": "h", "y": 0, "yanchor": "top", "thickness": 10, "len": 0.6, "nticks": 5}
    bar |= {"title": {"text": "against the class · for it", "side": "bottom"}}
    return go.Heatmap(
        z=values,
        colorscale=_color_scale(),
        zmin=-limit,
        zmax=limit,
        showscale=with_bar,
        colorbar=bar,
        hoverongaps=False,
        hovertemplate=f"{name}<br>row %{{y}}, column %{{x}}: %{{z:+.3g}}<extra></extra>",
    )


def _written(decomposition: Decomposition, values: np.ndarray) -> go.Scatter:
    """A number in every subdomain, with its sign, near the lower border, where it hides least."""
    centres = [(box.start[1] + box.stop[1] - 1) / 2 for box in decomposition]
    bottoms = [box.stop[0] - 0.5 - 0.02 * decomposition.shape[0] for box in decomposition]
    text = [f"{value:+.1f}" if abs(value) >= 0.05 else "0" for value in values]
    font = {"size": 14, "color": "#ffffff", "shadow": "0 0 3px #000, 0 0 2px #000, 0 0 1px #000"}
    settings = {"textposition": "top center", "textfont": font, "hoverinfo": "skip", "cliponaxis": False}
    return go.Scatter(x=centres, y=bottoms, text=text, mode="text", **settings)


def _boxes(decomposition: Decomposition) -> list[go.Scatter]:
    """The borders of all subdomains, light over dark so that they show on any image."""
    x: list[float | None] = []
    y: list[float | None] = []
    for box in decomposition:
        (top, left), (bottom, right) = box.start, box.stop
        x += [left - 0.5, right - 0.5, right - 0.5, left - 0.5, left - 0.5, None]
        y += [top - 0.5, top - 0.5, bottom - 0.5, bottom - 0.5, top - 0.5, None]
    lines = ({"color": "rgba(0,0,0,0.6)", "width": 2.4}, {"color": "rgba(255,255,255,0.85)", "width": 1})
    return [go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip") for line in lines]


def _linked(figure: go.Figure, height: int, width: int) -> go.Figure:
    """One zoom for all panels, row 0 on top, equal scales."""
    hidden = {"visible": False, "showgrid": False, "constrain": "domain"}
    figure.update_xaxes(matches="x", range=[-0.5, width - 0.5], **hidden)
    figure.update_yaxes(matches="y", range=[height - 0.5, -0.5], constraintoward="top", **hidden)  # below its title
    return figure.update_layout(yaxis_scaleanchor="x")


def curves_figure(curves: Mapping[str, Curves], titles: Mapping[str, str], title: str) -> go.Figure:
    """Mean probability of the class as pixels are inserted (full line) and deleted (dotted), a colour a viewer.

    Parameters
    ----------
    curves
        By the viewer's name.
    titles
        What people call the viewers.
    """
    figure = go.Figure()
    for name, both in curves.items():
        for kind, values in (("insertion", both.insertion), ("deletion", both.deletion)):
            settings = {"name": titles[name], "legendgroup": name, "showlegend": kind == "insertion"}
            hover = f"{titles[name]}, {kind} of %{{x:.0%}}: %{{y:.1%}}<extra></extra>"
            line = {"color": viewer_color(name), "dash": STYLES[kind], "width": 2}
            figure.add_scatter(x=both.shares, y=values.mean(0), line=line, hovertemplate=hover, **settings)
    axes = percent_axis("x", range=[0, 1]) | percent_axis("y", range=[0, 1.02])
    return finish(figure, title, x="pixels inserted or deleted", y="probability of the class", height=420, **axes)


def viewer_color(name: str) -> str:
    """Return the colour of a viewer's strategy; the local networks have that of their mean."""
    return strategy_color("average" if name == "local" else name)


def picture(image: np.ndarray, values: np.ndarray, limit: float) -> Image.Image:
    """A map ``(*shape)`` over its image or signal ``(C, *shape)``, large enough to look at."""
    if image.ndim == 2:
        image, values = drawn(image), np.broadcast_to(values, (rows_of(len(values)), len(values)))
    share = np.nan_to_num(np.clip(values / limit, -1, 1))[..., None]
    alpha = np.interp(np.abs(share), [0, 0.5, 1], [0, HALF, STRENGTH])
    pixels = (1 - alpha) * gray(image)[0][..., None] + alpha * np.where(share < 0, AGAINST, FOR)
    factor = -(-SMALLEST // min(image.shape[1:]))
    return Image.fromarray(np.round(pixels).astype(np.uint8)).resize(
        (factor * image.shape[2], factor * image.shape[1]), Image.Resampling.NEAREST
    )
