"""Accuracies to reach that are worth asking for, in whole percents: from what the strategies come to."""

import math

import pandas as pd

BELOW = 20  # points below what all reach


def targets(accuracies: pd.Series, reachable: float) -> tuple[range, int]:
    """Offer every accuracy that was reached, from the lowest to the highest, and first the highest that all reach.

    Parameters
    ----------
    accuracies
        On the validation images, of every epoch; shares of 1.
    reachable
        The highest that every strategy reaches, as :func:`ddlab.analyses.comparison.effort.reachable` gives it.
    """
    lowest, highest = _percents(accuracies.min()), _percents(accuracies.max())
    return range(lowest, highest + 1), _percents(reachable)


def targets_near(accuracies: pd.Series, reachable: float) -> tuple[range, int]:
    """As :func:`targets`, from ``BELOW`` points below the highest that all reach: earlier epochs tell little."""
    first, highest = _percents(reachable), _percents(accuracies.astype(float).max())
    return range(max(0, first - BELOW), max(highest, first) + 1), first


def _percents(share: float) -> int:
    return math.floor(100 * share)
