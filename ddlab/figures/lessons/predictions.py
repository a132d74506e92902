"""An answer to a prediction beside what happened: bars, or a place on an image."""

import textwrap
from collections.abc import Sequence

import numpy as np

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER
from ddlab.figures.images import PICTURE, outline, picture_of
from ddlab.figures.layout import finish, percent_axis, picture_axes

YOU, HAPPENED, BESIDE = "#e76300", "#3f90da", OTHER  # Petroff's vermilion and blue: told apart by everybody
COLORS = {"you": YOU, "asked": HAPPENED, "right": HAPPENED, "beside": BESIDE}
ROW = 34  # screen pixels of a bar
WORDS, LINE_HEIGHT = 20, 12  # characters of a line of a label, and its screen pixels
ROWS, COLUMNS = 48, 48  # places that can be pressed, at most

Row = tuple[str, float, str, str]
"""Label, number, kind and the number as it is written."""


def answer_bars(rows: Sequence[Row], title: str, axis: str, *, shares: bool) -> go.Figure:
    """Draw an answer, what happened and further numbers as bars, the answer in a colour of its own.

    Parameters
    ----------
    axis
        Title of the axis, with its unit.
    shares
        Whether the numbers are shares of 1.
    """
    labels = [_lines(label) for label, _, _, _ in rows]
    figure = go.Figure(
        go.Bar(
            x=[value for _, value, _, _ in rows],
            y=labels,
            orientation="h",
            marker={"color": [COLORS[kind] for _, _, kind, _ in rows]},
            text=[written for _, _, _, written in rows],
            textposition="auto",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    settings = percent_axis("x", range=[0, 1.01], dtick=0.25) if shares else {}
    height = 120 + sum(ROW + LINE_HEIGHT * label.count("<br>") for label in labels)
    return finish(figure, title, x=_lines(axis, 2 * WORDS), height=height, **settings)


def _lines(text: str, width: int = WORDS) -> str:
    """Break a text that stands beside bars: on a phone there is room for little more."""
    return "<br>".join(textwrap.wrap(text, width)) or text


def place_figure(
    image: np.ndarray, title: str, place: Sequence[int] | None = None, mask: np.ndarray | None = None
) -> go.Figure:
    """Draw an image that can be pressed; with a place that was chosen, and the evidence outlined, where they are given.

    Parameters
    ----------
    image
        Bytes ``(C, *shape)``; of a volume its middle axial slice is shown.
    place
        Row and column of the place.
    mask
        The evidence ``(H, W)``.
    """
    height, width = image.shape[1:3]
    figure = go.Figure(picture_of(image))
    if mask is not None:
        figure.add_trace(outline(mask))
    else:
        figure.add_trace(_places(height, width))
    if place is not None:
        row, column = place
        around = {"symbol": "circle-open", "size": 20, "color": "#000000", "line": {"width": 6}}
        cross = {"symbol": "cross-thin-open", "size": 16, "color": YOU, "line": {"width": 3, "color": YOU}}
        for marker in (around, around | {"color": YOU, "line": {"width": 3}}, cross):
            figure.add_scatter(x=[column], y=[row], mode="markers", marker=marker, name="you", hoverinfo="skip")
    return picture_axes(finish(figure, title, height=PICTURE, showlegend=False), width, height)


def _places(height: int, width: int) -> go.Scatter:
    """Points that nobody sees and that a press finds, one a pixel or one for several of a large image."""
    rows = np.unique(np.linspace(0, height - 1, min(height, ROWS)).round().astype(int))
    columns = np.unique(np.linspace(0, width - 1, min(width, COLUMNS)).round().astype(int))
    y, x = np.meshgrid(rows, columns, indexing="ij")
    hidden = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="markers",
        marker={"size": max(6, PICTURE // max(len(rows), len(columns))), "opacity": 0, "symbol": "square"},
        selected=hidden,
        unselected=hidden,
        name="places",
        hovertemplate="row %{y}, column %{x}<extra></extra>",
    )
