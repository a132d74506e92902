"""Sentences on what is worth noticing in the steps of trust-region methods, made of their own numbers."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ddlab.written import percent

MANY = 0.5  # share of rejected steps from which on they are worth a word
GREW = 10  # times


def of_history(summary: Mapping[str, Any], most: float, least: float) -> str:
    """Say what the radius did that is worth a second look: it stuck at a bound, steps failed, or it forgot its start.

    Parameters
    ----------
    summary
        As :func:`ddlab.analyses.trust_region.history.summarize` gives it.
    most, least
        Bounds of the radius, as the run's rule has them.

    Returns
    -------
    str
        A sentence; empty where nothing stands out.
    """
    if not summary["steps"]:
        return ""
    rejected = summary["rejected"] / summary["steps"]
    first, last = summary["radius_first"], summary["radius_last"]
    if summary["plateau"]:
        steps = summary["plateau"]["steps"]
        return f"In {steps} steps in a row each half undoes what the other does to the radius: local steps help little."
    if rejected >= MANY:
        return f"{percent(rejected)} of the steps were rejected: the model promises more than the loss gives."
    if last >= most * (1 - 1e-6):
        return f"The radius ends at its upper bound ({most:g}): the steps were longer if they were allowed to be."
    if last <= least * (1 + 1e-6):
        return f"The radius ends at its lower bound ({least:g}): no longer step was found to be good."
    if last >= GREW * first or last <= first / GREW:
        verb, times = ("grew", last / first) if last > first else ("shrank", first / last)
        return f"The radius {verb} {times:,.0f}-fold from where it began: the method chose its own step length."
    return ""


def of_passes(takes: pd.DataFrame, target: float) -> str:
    """Say which method reaches an accuracy with the fewest epochs, and whether it is also the one with the least work.

    Parameters
    ----------
    takes
        As :func:`ddlab.analyses.comparison.optimizers.what_it_takes` gives it.
    target
        The accuracy that is reached, a share of 1.

    Returns
    -------
    str
        A sentence; empty of fewer than two methods that reach it.
    """
    reached = takes.dropna(subset=["epoch", "data_passes"])
    if len(reached) < 2:
        return ""
    several = takes["run_id"].nunique() > 1
    names = [f"{row['title']} ({row['run']})" if several else row["title"] for row in reached.to_dict("records")]
    by_epochs = int(reached["epoch"].astype(float).to_numpy().argmin())
    by_work = int(reached["data_passes"].astype(float).to_numpy().argmin())
    epochs, passes = (reached[name].astype(float).to_numpy() for name in ("epoch", "data_passes"))
    first = f"{names[by_epochs]} is at {percent(target, 0)} after the fewest epochs ({epochs[by_epochs]:.3g})"
    if by_epochs == by_work:
        return f"{first}, and after the fewest passes over the data, too ({passes[by_work]:.3g})."
    return (
        f"{first}, but {names[by_work]} after the fewest passes over the data: {passes[by_work]:.3g} against "
        f"{passes[by_epochs]:.3g}."
    )
