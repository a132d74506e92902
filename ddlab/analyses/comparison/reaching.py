"""Reaching an accuracy: the highest that every training reaches, and the effort with which one is there first.

Curves are tables with a row an epoch in order: ``seed``, ``validation_accuracy``, and columns of efforts that count
from the start.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


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
