"""Bands: how far the values spread around a line that is their mean."""

import math

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import rgba

OPACITY = 0.18


def add_band(
    figure: go.Figure,
    mean: pd.Series,
    sd: pd.Series,
    color: str,
    group: str,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> None:
    """Shade one standard deviation to either side of a line, in place; nothing where there is none.

    Parameters
    ----------
    mean
        The line, by its position along x.
    sd
        Of every point of the line; NaN where it is not known.
    group
        Name of the line's ``legendgroup``, with which the band is hidden.
    limits
        Lowest and highest value that is possible.
    """
    spread = sd.fillna(0.0)
    if not spread.any():
        return
    low, high = (mean - spread).clip(lower=limits[0]), (mean + spread).clip(upper=limits[1])
    figure.add_scatter(
        x=[*mean.index, *mean.index[::-1]],
        y=[*high, *low[::-1]],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=rgba(color, OPACITY),
        legendgroup=group,
        showlegend=False,
        hoverinfo="skip",
    )
