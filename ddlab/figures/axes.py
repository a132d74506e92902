"""Logarithmic axes that say what their ticks are."""

import math
from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.written import si

LEAST_TICKS, MOST_TICKS = 3, 9
DIGITS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7))  # of its ticks, the next ones where too few lie in the picture


def logarithmic_axis(
    figure: go.Figure, values: pd.Series, unit: str = "", ends: tuple[float, float] | None = None, **where: Any
) -> None:
    """Make the horizontal axis logarithmic, in place, with several ticks that are written in full wherever values lie.

    Its title has to say so.

    Parameters
    ----------
    values
        What is drawn; what is not above 0 is left out of account.
    unit
        Behind the SI prefix of every tick.
    ends
        Lowest and highest number of the axis; None: a little more than the values need.
    where
        ``row`` and ``col``, of several panels.
    """
    low, high = map(math.log10, ends or _around(values))
    ticks = _ticks(low, high)
    told = [si(tick, unit) for tick in ticks]
    figure.update_xaxes(type="log", range=[low, high], tickvals=ticks, ticktext=told, **where)


def _around(values: pd.Series) -> tuple[float, float]:
    """Ends of an axis: a twentieth beside the values, and half a decade at least."""
    positive = values[values > 0].astype(float)
    least, most = (positive.min(), positive.max()) if len(positive) else (1.0, 1.0)
    beside = 10 ** max(0.05 * math.log10(most / least), 0.25 - 0.5 * math.log10(most / least), 0.04)
    return least / beside, most * beside


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two powers; where these are too few, round numbers between them."""
    ticks: list[float] = []
    for digits in DIGITS:
        powers = range(math.floor(low), math.ceil(high) + 1)
        ticks = [round(digit * 10.0**power, 12) for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
        if len(ticks) >= LEAST_TICKS:
            break
    return ticks[:: math.ceil(len(ticks) / MOST_TICKS)]
