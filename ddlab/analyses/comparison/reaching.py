"""Reaching an accuracy: which is worth asking for, the effort until its first epoch, and who never reaches it.

Curves are tables with a row an epoch in order: ``seed``, ``validation_accuracy``, and columns of efforts that count
from the start.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ddlab.written import percent

SHARE = 0.95  # of the best accuracy


def most_reached(curves: pd.DataFrame) -> float:
    """The highest accuracy that one strategy reaches with every seed; NaN without any."""
    return float(_least_of_seeds(curves).max())


def worth_reaching(curves: pd.DataFrame) -> float:
    """The accuracy that a comparison of efforts begins with: ``SHARE`` of :func:`most_reached`.

    At the level of the worst strategy the most expensive network seems the fastest, since its first epochs are beyond
    it; just below the best, what counts is what comes close to it at all, and how soon.
    """
    return SHARE * most_reached(curves)


def _least_of_seeds(curves: pd.DataFrame) -> pd.Series:
    """The best epoch's accuracy of the worst seed, of every strategy, and of every run where they are of several."""
    each = [name for name in ("run_id", "strategy") if name in curves]
    best = curves.groupby([*each, "seed"])["validation_accuracy"].max().astype(float)
    return best.groupby(each).min()


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


def targets(accuracies: pd.Series, first: float) -> tuple[range, int]:
    """Offer every accuracy that was reached, from the lowest to the highest, and which of them first; whole percents.

    Parameters
    ----------
    accuracies
        On the validation images, of every epoch; shares of 1.
    first
        As :func:`worth_reaching` gives it.
    """
    lowest, highest = _percents(accuracies.astype(float).min()), _percents(accuracies.astype(float).max())
    return range(lowest, highest + 1), min(max(_percents(first), lowest), highest)


def missed_in_words(takes: pd.DataFrame, target: float) -> str:
    """Say who never reaches an accuracy, and how far they come; empty where all reach it with every seed.

    Parameters
    ----------
    takes
        A row a strategy, with ``title``, ``best`` accuracy (mean over the seeds), ``seeds``, ``reached`` (by how many
        of them), and ``run`` where they are of several runs.
    """
    several = "run" in takes and takes["run_id"].nunique() > 1
    never, some = [], []
    for row in takes[takes["reached"] < takes["seeds"]].to_dict("records"):
        name = f"{row['title']} of {row['run']}" if several else str(row["title"])
        if row["reached"]:
            some.append(f"{name} with {row['reached']} of {row['seeds']} seeds alone")
        else:
            never.append(f"{name} (best {percent(row['best'])})")
    parts = [f"Never {percent(_percents(target) / 100, 0)}: {', '.join(never)}."] if never else []
    return " ".join([*parts, *([f"Reached by {', '.join(some)}."] if some else [])])


def _percents(share: float) -> int:
    return math.floor(100 * share + 1e-9)  # 0.57 is 56.99999999999999 percents
