"""Sentences on what is worth noticing in a sweep, made of its own numbers."""

import math
from typing import Any

import pandas as pd

from ddlab.analyses.comparison.intervals import NORMAL
from ddlab.registry.strategies import STRATEGIES
from ddlab.sweeps.decompositions import GLOBAL
from ddlab.written import percent

FLAT = 1.0  # decades beyond which one strategy's plateau is called wider than another's


def of_decompositions(table: pd.DataFrame, strategy: str, num_images: int | None = None) -> str:
    """Say how much the decomposition matters to a strategy: by how far the best is ahead of the plain and the worst.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.sweeps.decompositions.sweep_table` gives it.
    num_images
        Validation images, to say what may be chance; None where the data are gone.

    Returns
    -------
    str
        A sentence or two; empty before two decompositions are done.
    """
    known = table[table["strategy"] == strategy].dropna(subset=["validation"]).sort_values("validation")
    if strategy == GLOBAL or len(known) < 2:
        return ""
    worst, best = known.iloc[0].to_dict(), known.iloc[-1].to_dict()
    points = 100 * (best["validation"] - worst["validation"])
    title = STRATEGIES[strategy].title if strategy in STRATEGIES else strategy
    if points < 0.05:
        return f"{title} is right for {percent(best['validation'])} of the images with every decomposition."
    told = (
        f"Between the worst decomposition for {title} ({_named(worst)}, {percent(worst['validation'])}) and the best "
        f"({_named(best)}, {percent(best['validation'])}) lie {points:.1f} points"
    )
    if num_images and points <= (chance := 100 * _by_chance(known["validation"].mean(), num_images)):
        return f"{told}: with {num_images:,} images up to {chance:.1f} may be chance, so that none of them is the best."
    return f"{told}.{_overlap(known)}"


def _named(row: dict[Any, Any]) -> str:
    return f"{row['title']}, overlap {row['overlap']} px"


def _by_chance(accuracy: float, num_images: int) -> float:
    """Bound how far apart two networks' accuracies on the same images may lie by chance, in 95 of 100 cases."""
    return NORMAL * math.sqrt(2 * max(accuracy * (1 - accuracy), 0.0) / num_images)


def _overlap(known: pd.DataFrame) -> str:
    """Say in how many layouts the largest overlap is better than none; empty where no layout has both."""
    better, layouts = 0, 0
    for _, rows in known.groupby("title"):
        by_overlap = rows.set_index("overlap")["validation"].astype(float)
        if 0 in by_overlap.index and len(by_overlap) > 1:
            layouts += 1
            better += by_overlap[by_overlap.index.max()] > by_overlap[0]
    if not layouts:
        return ""
    if layouts == 1:
        return f" The largest overlap is {'better' if better else 'no better'} than none."
    return f" The largest overlap is better than none in {better} of {layouts} layouts."


def of_sensitivity(plateaus: pd.DataFrame) -> str:
    """Say whose first number matters least: which strategy's plateau is the widest, and by how much.

    Parameters
    ----------
    plateaus
        As :func:`ddlab.analyses.sweeps.sensitivity.plateaus` gives them.

    Returns
    -------
    str
        A sentence; empty of fewer than two strategies.
    """
    if len(plateaus) < 2:
        return ""
    ordered = plateaus.sort_values("decades", ascending=False, kind="stable").to_dict("records")
    widest, narrowest = ordered[0], ordered[-1]
    if widest["decades"] - narrowest["decades"] < FLAT:
        return (
            "No strategy is less sensitive than the others by a decade or more: their plateaus are between "
            f"{narrowest['decades']:.1f} and {widest['decades']:.1f} decades wide."
        )
    factor = 10 ** (widest["decades"] - narrowest["decades"])
    told = f"{widest['title']} forgives a first number {factor:,.0f} times as far off as {narrowest['title']} does"
    best = max(ordered, key=lambda row: row["best"])
    if best["title"] == widest["title"]:
        return f"{told}, and is the best of all, too ({percent(best['best'])})."
    return f"{told}; the best accuracy is that of {best['title']} ({percent(best['best'])}), at {best['value']:g}."
