"""The common look of all figures: a title that says what is shown, axes with units, nothing painted behind."""

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go

CLEAR = "rgba(0,0,0,0)"
PERCENT_STOPS = [  # by the distance of ticks
    {"dtickrange": [None, 0.00095], "value": ".2%"},
    {"dtickrange": [0.00095, 0.0095], "value": ".1%"},
    {"dtickrange": [0.0095, None], "value": ".0%"},
]
LINE = 90  # characters of a title in one line where a figure stands alone, as in a notebook; a page breaks it itself
TOP, LINE_HEIGHT = 8, 20  # px above a title, and of each of its lines
ENTRY, FEW = 20, 6  # screen pixels of a name in a legend, and names that a chart has room for
COMMON: dict[str, Any] = {
    "paper_bgcolor": CLEAR,
    "plot_bgcolor": CLEAR,
    "uirevision": "keep",
    "legend": {
        "orientation": "h",
        "yref": "container",
        "yanchor": "bottom",
        "y": 0,
        "x": 0,
        "xref": "container",
        "xanchor": "left",
    },
    "modebar": {"orientation": "h", "bgcolor": CLEAR},
    "hoverlabel": {"namelength": -1},
}


def finish(figure: go.Figure, title: str, x: str = "", y: str = "", height: int = 360, **layout: Any) -> go.Figure:
    """Return a figure with the common look.

    Parameters
    ----------
    title
        Says what is shown; one line where the figure is as wide as a notebook.
    x, y
        Axis titles with units; empty for none.
    height
        Of the whole figure, in screen pixels; the width is that of the page.
    layout
        Further fields of plotly's layout.
    """
    changes = go.titled(go.Layout(_validate=False, **layout).to_plotly_json())

    def changed(look: dict[str, Any]) -> dict[str, Any]:
        for common in (_axes_of(look, x, y), _title(title), COMMON, {"height": height}, changes):
            look = go.merged(look, common)
        return look

    return go.relaid(figure, changed)


def _title(title: str) -> dict[str, Any]:
    """The title on top of the figure, in as few lines as it needs, and the room for it."""
    lines = textwrap.wrap(title, LINE) or [""]
    placed = {"x": 0, "xref": "container", "y": 1, "yref": "container", "yanchor": "top", "font": {"size": 15}}
    text = {"text": "<br>".join(lines), "pad": {"t": TOP + LINE_HEIGHT // 2 * (len(lines) - 1), "l": 2}}
    above = _room(lines) + 14
    return {"title": placed | text, "margin": {"l": 8, "r": 16, "t": above, "b": 8, "autoexpand": True}}


def _room(lines: Sequence[str]) -> int:
    return TOP + LINE_HEIGHT * len(lines)


def title_of(figure: go.Figure) -> str:
    """The title of a figure on one line; empty if it has none."""
    return " ".join((figure.layout.title.text or "").split("<br>"))


def below_title(figure: go.BaseFigure) -> go.BaseFigure:
    """Return a figure of :func:`finish` without the room for its title, which then has to stand above it."""
    tree = figure.to_dict()
    layout = tree["layout"]
    title, height = layout.get("title", {}).get("text"), layout.get("height")
    above = layout.get("margin", {}).get("t")
    if not title or height is None or above is None:
        return figure
    room = _room(title.split("<br>"))
    less = {"height": height - room, "margin": {"t": max(above - room, 0)}}
    return go.Drawn(tree | {"layout": go.merged(layout, less)})


def _axes_of(look: dict[str, Any], x: str, y: str) -> dict[str, Any]:
    """Titles and common settings of all axes that a layout has."""
    axes: dict[str, Any] = {}
    for letter, title in (("x", x), ("y", y)):
        names = {f"{letter}axis", *(name for name in look if name.startswith(f"{letter}axis"))}
        said = {"title": {"text": title}} if title else {}
        axes |= {name: {"automargin": True, "zeroline": False} | said for name in names}
    return axes


def picture_axes(figure: go.Figure, width: float, height: float) -> go.Figure:
    """Axes in pixels for images, in place: row 0 on top, equal scales, no ticks; the first pixel lies around (0, 0)."""
    hidden = {"visible": False, "showgrid": False, "constrain": "domain"}
    figure.update_xaxes(range=[-0.5, width - 0.5], **hidden)
    figure.update_yaxes(range=[height - 0.5, -0.5], scaleanchor="x", **hidden)
    return figure


def percent_axis(axis: str = "y", **settings: Any) -> dict[str, Any]:
    """The layout of an axis of shares of 1, written in percent, with decimals only where ticks are so close."""
    written = {} if "tickformat" in settings else {"tickformat": ".0%", "tickformatstops": PERCENT_STOPS}
    return {f"{axis}axis": {**written, **settings}}


def whole_epochs(figure: go.Figure, epochs: pd.Series) -> None:
    """Let ticks stand at whole epochs alone, in place; nothing without an epoch."""
    if len(epochs):
        whole_axis(figure, float(epochs.max()))


def whole_axis(figure: go.Figure, highest: float, **where: Any) -> None:
    """Let ticks of the horizontal axis stand at whole numbers alone, eleven of them at most, in place.

    Parameters
    ----------
    highest
        The last number, of those that begin at 0 or 1.
    where
        ``row`` and ``col``, of several panels.
    """
    steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    step = next((step for step in steps if highest / step <= 10), None)
    figure.update_xaxes(tick0=0, dtick=step, tickformat="d", **where)


def room_for_names(figure: go.Figure) -> int:
    """Screen pixels that a figure grows by where its legend has more names than a chart has room for."""
    named = sum(trace.showlegend is not False for trace in figure.data)
    return ENTRY // 2 * max(0, named - FEW)
