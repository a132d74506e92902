"""Theorems 2.1 and 2.2 of Gu et al. in pictures: where maps are equal, how logits add up, what bounds the cost."""

import math

import numpy as np
import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import DIFFERENCE, PLACE
from ddlab.figures.layout import finish, percent_axis, picture_axes

EQUAL, APART, LINE = "#0072B2", "#D55E00", "#7f7f7f"  # colours of Okabe and Ito: equal, different, where both meet
NEVER = 1e-6  # of the tolerance: where a logarithmic axis shows zero
ROW, MOST_ROWS = 20, 1200  # screen pixels of a layer, and of all of them
NAMED = 60  # up to this many layers every one is named
PICTURE, LINE_HEIGHT = 360, 240
LEAST_COST = 1e-4  # what costs less stands here, since a logarithmic axis has no place for 0


def rows_height(table: pd.DataFrame, least: int = 0) -> int:
    """Screen pixels of a figure with a row a layer."""
    return 170 + max(least, min(MOST_ROWS, ROW * len(table)))


def layer_differences(table: pd.DataFrame, tolerance: float, title: str) -> go.Figure:
    """The largest difference of every layer, anywhere and where there must be none, on a logarithmic axis.

    Parameters
    ----------
    table
        As :meth:`ddlab.analyses.composition.stored.Verified.layers` gives it.
    tolerance
        Up to which a difference is rounding; that part of the axis is shaded.
    """
    floor = NEVER * tolerance
    must = table["promised_difference"].where(table["promised"] > 0)
    shown = (
        (table["relative"], "anywhere", {"color": APART, "size": 10}),
        (must, "where there must be none", {"color": EQUAL, "size": 10, "symbol": "diamond"}),
    )
    figure = go.Figure()
    for values, name, marker in shown:
        figure.add_scatter(
            x=values.clip(lower=floor),
            y=table["layer"],
            customdata=values,
            mode="markers",
            name=name,
            marker=marker,
            hovertemplate=f"%{{y}}, {name}: %{{customdata:.1e}}<extra></extra>",
        )
    figure.add_vrect(x0=floor / 3, x1=tolerance, fillcolor=LINE, opacity=0.18, line_width=0)
    note = {"x": math.log10(tolerance), "y": 0, "yref": "paper", "yanchor": "bottom", "xanchor": "right"}
    figure.add_annotation(text="rounding ", showarrow=False, font={"size": 11}, **note)
    decades = range(3 * math.ceil(math.log10(floor) / 3), 1, 3)
    ticks = {
        floor: "0",
        **{10.0**power: f"1e{power}" if power else "1" for power in decades if 10.0**power > 5 * floor},
    }
    ends = [math.log10(floor / 3), max(0.3, math.log10(table["relative"].max() or floor) + 0.3)]
    figure.update_xaxes(type="log", range=ends, tickvals=list(ticks), ticktext=list(ticks.values()))
    figure.update_yaxes(autorange="reversed", type="category", dtick=1 if len(table) <= NAMED else None)
    return finish(figure, title, x="largest difference, relative to the map, logarithmic", height=rows_height(table))


def equal_shares(table: pd.DataFrame, title: str) -> go.Figure:
    """Share of every layer's positions that are equal, and where they must be.

    Parameters
    ----------
    table
        As :meth:`ddlab.analyses.composition.stored.Verified.layers` gives it.
    """
    figure = go.Figure()
    figure.add_bar(
        x=table["equal"],
        y=table["layer"],
        orientation="h",
        name="equal, measured",
        marker_color="#56B4E9",
        hovertemplate="%{y}: %{x:.1%} equal<extra></extra>",
    )
    figure.add_scatter(
        x=table["promised"],
        y=table["layer"],
        mode="markers",
        name="must be, by what positions see",
        marker={"color": EQUAL, "size": 10, "symbol": "diamond"},
        customdata=table["radius"],
        hovertemplate="%{y}: %{x:.1%} must be equal, a position sees %{customdata:g} px to either side<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", type="category", dtick=1 if len(table) <= NAMED else None)
    axis = percent_axis("x", range=[-0.02, 1.02])
    return finish(figure, title, x="share of positions", height=rows_height(table), **axis)


def flat(picture: np.ndarray) -> np.ndarray:
    """A map as rows and columns: one axis as a row, of a volume the largest numbers over its depth."""
    if picture.ndim == 1:
        return picture[None]
    return np.fmax.reduce(picture, axis=2) if picture.ndim == 3 else picture


def difference_map(picture: np.ndarray, tolerance: float, title: str) -> go.Figure:
    """Draw where a composed network's map equals its local networks' (blue), and how far apart they are elsewhere.

    Parameters
    ----------
    picture
        Relative differences; NaN where no local network is.
    """
    shown = flat(picture)
    equal = shown <= tolerance
    with np.errstate(divide="ignore"):
        apart = np.where(equal | np.isnan(shown), np.nan, np.log10(shown))
    bar = {"title": {"text": "difference", "side": "right"}, "thickness": 12}
    bar |= {"tickvals": [-4, -3, -2, -1, 0], "ticktext": ["1e-4", "1e-3", "0.01", "0.1", "1"]}
    blue = {"colorscale": [[0, EQUAL], [1, EQUAL]], "showscale": False, "hoverinfo": "skip"}
    figure = go.Figure(go.Heatmap(z=np.where(equal, 1.0, np.nan), **blue))
    figure.add_heatmap(
        z=apart,
        zmin=-4,
        zmax=0,
        colorscale=DIFFERENCE,
        colorbar=bar,
        customdata=shown,
        hovertemplate="row %{y}, column %{x}: %{customdata:.1e}<extra></extra>",
    )
    height, width = shown.shape
    if height == 1:  # a line
        return finish(figure, title, x="position", height=LINE_HEIGHT).update_yaxes(visible=False)
    return picture_axes(finish(figure, title, height=PICTURE), width, height)


# ---- logits and costs


def sum_scatter(total_MK: np.ndarray, composed_MK: np.ndarray, masked_MK: np.ndarray, title: str) -> go.Figure:
    """Logits of the composed network against the sum of the local ones: on the line where eq. (2.16) holds."""
    figure = go.Figure()
    figure.add_trace(_diagonal(float(total_MK.min()), float(total_MK.max())))
    sides = [("composed network", composed_MK, APART)]
    if not np.array_equal(composed_MK, masked_MK):
        sides.append(("with means over the activation fields", masked_MK, EQUAL))
    for name, values_MK, color in sides:
        figure.add_scatter(
            x=total_MK.ravel(),
            y=values_MK.ravel(),
            mode="markers",
            name=name,
            marker={"color": color, "size": 5, "opacity": 0.5},
            hovertemplate=f"sum %{{x:.3f}}, {name} %{{y:.3f}}<extra></extra>",
        )
    return finish(figure, title, x="sum of the local networks' logits", y="logit of the composed network", height=440)


def bound_scatter(table: pd.DataFrame, networks: int, title: str) -> go.Figure:
    """Cost of the composed network against its bound, a point an image: below the line where eq. (2.19) holds.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.composition.logits.bound_table` gives it.
    networks
        How many local networks there are.
    """
    bound, cost = (table[column].clip(lower=LEAST_COST) for column in ("bound", "cost"))
    figure = go.Figure()
    figure.add_trace(_diagonal(LEAST_COST, float(max(bound.max(), cost.max()))))
    bar = {"title": {"text": "local networks that are right", "side": "right"}, "thickness": 12}
    bar |= {"dtick": max(1, networks // 4)}  # whole networks
    figure.add_scatter(
        x=bound,
        y=cost,
        mode="markers",
        name="images",
        showlegend=False,
        marker={"color": table["right"], "colorscale": PLACE, "cmin": 0, "cmax": networks, "colorbar": bar}
        | {"size": 7, "line": {"color": "#ffffff", "width": 0.5}},
        customdata=table[["image", "bound", "cost", "right"]],
        hovertemplate="image %{customdata[0]}: bound %{customdata[1]:.3g}, cost %{customdata[2]:.3g}, "
        "%{customdata[3]} right<extra></extra>",
    )
    logarithmic = {"type": "log", "exponentformat": "power", "dtick": 1}
    figure.update_xaxes(**logarithmic)
    figure.update_yaxes(**logarithmic)
    return finish(figure, title, x="bound of (2.19), logarithmic", y="cost (cross entropy), logarithmic", height=440)


def _diagonal(low: float, high: float) -> go.Scatter:
    line = {"color": LINE, "width": 1.5, "dash": "dash"}
    return go.Scatter(x=[low, high], y=[low, high], mode="lines", name="y = x", line=line, hoverinfo="skip")
