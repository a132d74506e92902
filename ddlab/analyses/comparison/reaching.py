"""Reaching an accuracy: the highest that every training reaches, those worth asking for, and the effort of the first.

Curves are tables with a row an epoch in order: ``seed``, ``validation_accuracy``, and columns of efforts that count
from the start.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

BELOW = 20  # points below what all reach: earlier epochs tell little


def reachable(curves: pd.DataFrame) -> float:
    """The highest accuracy that every strategy, of every run where they are of several, reaches with every seed.

    NaN without any.
    """
    each = [name for name in ("run_id", "strategy", "seed") if name in curves]
    return float(curves.groupby(each)["validation_accuracy"].max().min())


def reaching(curve: pd.DataFrame, target: float, efforts: Sequence[str]) -> dict[str, float]:
    """Find what one strategy takes until it has an accuracy for the first time.

    Returns
    -------
    dict
        ``seeds``, ``reached`` (by how many of them), and the efforts: means over the seeds, NaN unless all reach it.
    """
    first = curve[curve["validation_accuracy"] >= target].groupby("seed")[list(efforts)].first()
    seeds = curve["seed"].nunique()
    mean = first.astype(float).mean() if len(first) == seeds else pd.Series(np.nan, index=list(efforts))
    return {"seeds": seeds, "reached": len(first), **mean}


def targets(accuracies: pd.Series, reachable: float) -> tuple[range, int]:
    """Offer every accuracy that was reached, from the lowest to the highest, and first the highest that all reach.

    Parameters
    ----------
    accuracies
        On the validation images, of every epoch; shares of 1.
    reachable
        The highest that every strategy reaches, as :func:`reachable` gives it.
    """
    lowest, highest = _percents(accuracies.min()), _percents(accuracies.max())
    return range(lowest, highest + 1), _percents(reachable)


def targets_near(accuracies: pd.Series, reachable: float) -> tuple[range, int]:
    """As :func:`targets`, from ``BELOW`` points below the highest that all reach."""
    first, highest = _percents(reachable), _percents(accuracies.astype(float).max())
    return range(max(0, first - BELOW), max(highest, first) + 1), first


def _percents(share: float) -> int:
    return math.floor(100 * share)
