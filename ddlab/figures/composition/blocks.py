"""The weights of a composed network as blocks, what moves between them, and its feature maps."""

import math

import numpy as np
import pandas as pd
from plotly.colors import sample_colorscale

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import PLACE, PROBABILITY, SIGNED, SUBDOMAIN
from ddlab.figures.composition.theory import NAMED as NAMED_ROWS
from ddlab.figures.composition.theory import rows_height
from ddlab.figures.layout import finish, percent_axis, picture_axes, whole_epochs

WRITTEN = 8  # up to this many local networks the cells hold their numbers
SMALL = ".2~p"  # shares that may be tiny
NAMED = 8  # up to this many layers there is a legend
BLOCKS, MAP = 380, 300  # screen pixels


def block_map(norms: np.ndarray, most: float, title: str) -> go.Figure:
    """Frobenius norms of the blocks of a layer; row: the local network whose channels receive.

    Parameters
    ----------
    norms
        ``(N, N)``, or with one more column, of inputs that belong to no local network.
    most
        End of the scale, so that several maps can be compared.
    """
    numbers = [str(number) for number in range(1, len(norms) + 1)]
    senders = [*numbers, "no network"][: norms.shape[1]]
    bar = {"title": {"text": "Frobenius norm", "side": "right"}, "thickness": 12}
    figure = go.Figure(
        go.Heatmap(
            z=norms,
            x=senders,
            y=numbers,
            colorscale=PROBABILITY,
            zmin=0,
            zmax=most,
            colorbar=bar,
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2f}" if len(norms) <= WRITTEN else None,
            hovertemplate="from %{x} to %{y}: %{z:.3g}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", constrain="domain", showgrid=False)
    figure.update_yaxes(type="category", scaleanchor="x", autorange="reversed", constrain="domain", showgrid=False)
    return finish(figure, title, x="from local network", y="to local network", height=BLOCKS)


def energy_curves(table: pd.DataFrame, title: str) -> go.Figure:
    """Share of the energy between the blocks over the epochs, a line a layer, dark to bright from first to last.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.composition.block_energy.energy_table` gives it.
    """
    layers = list(table["layer"].unique())
    colors = sample_colorscale(PLACE, [0.9 * place / max(1, len(layers) - 1) for place in range(len(layers))])
    figure = go.Figure()
    for layer, color in zip(layers, colors, strict=True):
        rows = table[table["layer"] == layer]
        figure.add_scatter(
            x=rows["epoch"],
            y=rows["share"],
            name=layer,
            mode="lines+markers",
            line={"color": color, "width": 2.5},
            hovertemplate=f"{layer}, epoch %{{x}}: %{{y:.3%}}<extra></extra>",
        )
    axis = percent_axis("y", rangemode="tozero", tickformat=SMALL) | {"showlegend": len(layers) <= NAMED}
    figure.update_yaxes(nticks=6)
    whole_epochs(figure, table["epoch"])
    return finish(figure, title, x="epoch of further training", y="share between the blocks", height=400, **axis)


def energy_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """Share of the energy between the blocks after the last epoch, a bar a layer; table as of :func:`energy_curves`."""
    last = table[table["epoch"] == table["epoch"].max()]
    figure = go.Figure(
        go.Bar(
            x=last["share"],
            y=last["layer"],
            orientation="h",
            marker_color="#AA3377",
            hovertemplate="%{y}: %{x:.3%}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", type="category", dtick=1 if len(last) <= NAMED_ROWS else None)
    axis = percent_axis("x", nticks=5, tickformat=SMALL)
    return finish(figure, title, x="share between the blocks", height=rows_height(last, least=80), **axis)


def feature_map(
    picture: np.ndarray, limits: tuple[float, float], title: str, box: np.ndarray | None = None
) -> go.Figure:
    """One channel of a map, ``(H, W)``, with a scale that several maps share.

    Parameters
    ----------
    limits
        Ends of the scale.
    box
        True in an activation field, which is outlined; or None.
    """
    if len(picture) == 1:
        return _feature_line(picture[0], limits, title, None if box is None else box[0])
    low, high = limits
    scale = {"colorscale": SIGNED if low < 0 else PROBABILITY, "zmin": low, "zmax": high}
    hover = "row %{y}, column %{x}: %{z:.3g}<extra></extra>"
    figure = go.Figure(go.Heatmap(z=picture, colorbar={"thickness": 10}, hovertemplate=hover, **scale))
    if box is not None and box.any():
        rows, columns = np.nonzero(box)
        corners = {"x0": columns.min() - 0.5, "x1": columns.max() + 0.5, "y0": rows.min() - 0.5, "y1": rows.max() + 0.5}
        for color, width in (("#000000", 4), (SUBDOMAIN, 2)):
            figure.add_shape(type="rect", line={"color": color, "width": width}, **corners)
    height, width_ = picture.shape
    return picture_axes(finish(figure, title, height=MAP), width_, height)


def _feature_line(values: np.ndarray, limits: tuple[float, float], title: str, box: np.ndarray | None) -> go.Figure:
    """A map of one axis, as a curve; its field shaded."""
    hover = "position %{x}: %{y:.3g}<extra></extra>"
    figure = go.Figure(go.Scatter(y=values, mode="lines", line={"color": "#0072B2"}, hovertemplate=hover))
    if box is not None and box.any():
        inside = np.flatnonzero(box)
        figure.add_vrect(x0=inside[0] - 0.5, x1=inside[-1] + 0.5, fillcolor="#7f7f7f", opacity=0.2, line_width=0)
    low, high = limits
    figure.update_yaxes(range=[low - 0.05 * (high - low), high + 0.05 * (high - low)])
    return finish(figure, title, x="position", height=MAP)


def shared_limits(pictures: list[np.ndarray]) -> tuple[float, float]:
    """Ends of one scale for several maps: from 0, or as far below as above it where numbers are negative."""
    low = min(float(np.nanmin(picture, initial=0.0)) for picture in pictures)
    high = max(float(np.nanmax(picture, initial=0.0)) for picture in pictures)
    most = max(-low, high) or 1.0
    return (-most, most) if low < 0 else (0.0, most if math.isfinite(most) else 1.0)
