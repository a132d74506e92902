"""Sentences on what is worth noticing when strategies are compared, made of their own numbers."""

from typing import Any

import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.written import percent

NEAR = 0.03  # above the baseline: hardly more than naming the most frequent class
CHEAP, CLOSE = 0.8, 0.02  # of the best one's work, and below its accuracy: as good for less
NAMED = 2  # of those near the baseline
MEMORY = 0.1  # by which training images are decided better than those that judge
APART = 0.03  # between the kept epochs and the last ones


def of_strategies(table: pd.DataFrame, baseline: Baseline | None = None) -> str:
    """Say what stands out among strategies: one that learned next to nothing, or one as good as the best for less work.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.accuracy.strategy_table` gives it.
    baseline
        Of the images that judge; None where it is not known, or the runs share none.

    Returns
    -------
    str
        A sentence or two; empty where there is nothing to compare.
    """
    if table.empty:
        return ""
    judged = table.assign(accuracy=table["test"].astype(float).fillna(table["validation"].astype(float)))
    judged = judged.dropna(subset=["accuracy"]).sort_values("accuracy", ascending=False, kind="stable")
    if judged.empty:
        return ""
    several = table["run_id"].nunique() > 1
    rows = [row | {"who": _who(row, several)} for row in judged.to_dict("records")]
    sentences = filter(None, (_as_good_for_less(rows), _near_the_baseline(rows, baseline)))
    return " ".join(sentences) or _best_of(rows)


def _who(row: dict[Any, Any], several: bool) -> str:
    return f"{row['title']} of “{row['run']}”" if several else str(row["title"])


def _as_good_for_less(rows: list[dict[Any, Any]]) -> str:
    """Name the cheapest one that comes close to the best, and whether the images tell the two apart."""
    best = rows[0]
    near = [
        row for row in rows[1:] if best["accuracy"] - row["accuracy"] <= CLOSE and _work(row) <= CHEAP * _work(best)
    ]
    if not near or not _work(best):
        return ""
    row = min(near, key=_work)
    points = 100 * (best["accuracy"] - row["accuracy"])
    behind = f"{points:.1f} points behind" if points >= 0.05 else "level with"
    apart = "" if row["high"] < best["low"] or pd.isna(row["high"]) or pd.isna(best["low"]) else _UNTOLD
    return (
        f"{row['who']} ({percent(row['accuracy'])}) is {behind} {best['who']} ({percent(best['accuracy'])}) with "
        f"{percent(_work(row) / _work(best), 0)} of its work{apart if points >= 0.05 else ''}."
    )


_UNTOLD = ", and their intervals overlap: these images do not tell the two apart"


def _work(row: dict[Any, Any]) -> float:
    return float(row["work"]) if pd.notna(row["work"]) else float("inf")


def _near_the_baseline(rows: list[dict[Any, Any]], baseline: Baseline | None) -> str:
    """Name those that are hardly better than always naming one class."""
    if baseline is None:
        return ""
    weak = [row for row in rows if row["accuracy"] <= baseline.share + NEAR]
    if not weak:
        return ""
    named = [f"{row['who']} ({percent(row['accuracy'])})" for row in weak[-NAMED:]]
    names = f"{len(weak)} results, among them {named[-1]}," if len(weak) > NAMED else " and ".join(named)
    are = "are" if len(weak) > 1 else "is"
    share = percent(baseline.share)
    return f"{names} {are} hardly better than always naming “{baseline.label}” ({share}), which needs no network."


def _best_of(rows: list[dict[Any, Any]]) -> str:
    """Say how far the best is ahead of the next; empty of one alone."""
    if len(rows) < 2:
        return ""
    best, following = rows[:2]
    points = 100 * (best["accuracy"] - following["accuracy"])
    if points < 0.05:
        return f"{best['who']} and {following['who']} are equally good ({percent(best['accuracy'])})."
    return (
        f"{best['who']} is the best with {percent(best['accuracy'])}, {points:.1f} points ahead of {following['who']}."
    )


def of_outcome(table: pd.DataFrame) -> str:
    """Say what stands out in what came of a run: kept epochs that are worse than the last, or learning by heart.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.stages.outcome_table` gives it.

    Returns
    -------
    str
        A sentence; empty where nothing stands out.
    """
    if table.empty:
        return ""
    known = table.dropna(subset=["Last"])
    lost = known.assign(gap=known["Last"].astype(float) - known["Kept"].astype(float)).sort_values("gap")
    if len(lost) and lost["gap"].iloc[-1] >= APART:
        row = lost.iloc[-1]
        return (
            f"{row['Strategy']} is {100 * row['gap']:.1f} points better with the last epochs ({percent(row['Last'])}) "
            f"than with the kept ones ({percent(row['Kept'])}). Kept by the validation images: {row['Whose epoch']}."
        )
    judged = table["Test"] if "Test" in table else table["Kept"]
    heart = table.assign(gap=table["Training images"].astype(float) - judged.astype(float)).dropna(subset=["gap"])
    heart = heart.sort_values("gap")
    if len(heart) and heart["gap"].iloc[-1] >= MEMORY:
        row = heart.iloc[-1]
        return (
            f"{row['Strategy']} decides training images {100 * row['gap']:.1f} points better than new ones: part of "
            "what it learned it knows by heart."
        )
    return ""
