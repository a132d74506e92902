"""Sensitivity: how accurate every strategy is with every first radius or learning rate, and how wide its plateau is."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.baseline import baseline_of
from ddlab.analyses.comparison.cost import DEFAULT_RATE, plan_table
from ddlab.analyses.sweeps.decompositions import START
from ddlab.problem import pose, problem_of
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, has_diverged
from ddlab.sweeps.decompositions import PlannedRun
from ddlab.sweeps.sensitivity import quantity, tunable, varied
from ddlab.written import percent

EPOCHS = {"last": "last epoch", "kept": "kept epoch"}
DIVERGED = "diverged"  # of a run whose loss became NaN or infinite
WITHIN = 0.01  # of its best accuracy: what counts as equally good
COLUMNS = ("strategy", "title", "quantity", "value", *(f"{e}{sd}" for e in EPOCHS for sd in ("", "_sd")), "seeds")


# ---- before


def plan_of_sensitivity(planned: Sequence[PlannedRun], rate: float = DEFAULT_RATE) -> pd.DataFrame:
    """Estimate what every run of a sweep will take; a row each.

    Parameters
    ----------
    rate
        Operations a second, until a run of the same strategy in the sweep gives better ones.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``quantity``, ``value``, ``flops``, ``seconds`` of the whole run with its start,
        ``state`` (empty without a run) and ``open`` (whether it is left to do).
    """
    rows, stages_of = [], {}
    for each in planned:
        strategy, value = varied(each.experiment)
        if strategy not in stages_of:  # no value changes what it costs
            problem = pose(each.experiment)
            stages_of[strategy] = plan_table(problem, problem.experiment.placement.workers or 1, rate)
        stages = stages_of[strategy]
        row: dict[str, Any] = {**_named(strategy), "value": value, "flops": stages["flops"].sum()}
        state = each.run.state() if each.run else None
        row |= {"seconds": START + stages["seconds"].sum(), "state": state.state if state else "", "open": each.is_open}
        rows.append(row | {"took": state.seconds if state and state.state == "finished" else np.nan})
    table = pd.DataFrame(rows)
    took = table.groupby("strategy")["took"].transform("median")
    return table.assign(seconds=took.fillna(table["seconds"])).drop(columns="took")


def _named(strategy: str) -> dict[str, str]:
    return {"strategy": strategy, "title": STRATEGIES[strategy].title, "quantity": quantity(strategy)}


# ---- after


def sensitivity_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every run of a sweep, a row each, done or not; the values of a strategy follow each other, rising.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``quantity`` (what ``value`` is), ``value``, validation accuracy after the ``last`` and
        with the ``kept`` epoch (means over the seeds, ``_sd`` their standard deviation; NaN where there is none yet),
        ``seeds`` (done), ``state``, ``message`` and ``run_id``. A run whose training diverged with any seed has the
        state ``diverged`` and the accuracy of :func:`without_training`.
    """
    rows = [row for run in runs if (row := _row(run))]
    if not rows:
        return pd.DataFrame(columns=[*COLUMNS, "state", "message", "run_id"])
    order = list(tunable())
    rows.sort(key=lambda row: (order.index(row["strategy"]), row["value"]))
    return pd.DataFrame(rows)


def _row(run: RunFolder) -> dict[str, Any] | None:
    """The row of a run; None of one that cannot be read."""
    try:
        strategy, value = varied(run.experiment)
    except ValueError:
        return None
    state, results = run.state(), [result for result in run.results() if result["stage"] == strategy]
    row: dict[str, Any] = {**_named(strategy), "value": value}
    last = [result["last_validation_accuracy"] for result in results]
    kept = [result["validation_accuracy"] for result in results]
    for epoch, accuracies in (("last", last), ("kept", kept)):
        by_seed = np.array(accuracies, float)
        row |= {epoch: float(np.mean(by_seed)) if len(by_seed) else np.nan}
        row |= {f"{epoch}_sd": float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else np.nan}
    row |= {"seeds": len(results), "state": state.state, "message": state.message, "run_id": run.id}
    if has_diverged(run):
        share = without_training(run)
        row |= {"state": DIVERGED, "last": share, "kept": share, "last_sd": np.nan, "kept_sd": np.nan}
    return row


def without_training(run: RunFolder) -> float:
    """The accuracy that a network is worth whose training diverged: that of always naming the most frequent class.

    Where the images are not decoded here it is that of guessing a class; NaN if the data are gone.
    """
    if (baseline := baseline_of(run, "validation")) is not None:
        return baseline.share
    try:
        return 1 / problem_of(run).description.num_classes
    except ValueError:
        return math.nan


def plateaus(table: pd.DataFrame, epoch: str = "last") -> pd.DataFrame:
    """Return over how many decades every strategy stays within a point of its own best accuracy.

    Parameters
    ----------
    table
        As :func:`sensitivity_table` gives it.
    epoch
        One of ``EPOCHS``.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``quantity``, ``best`` accuracy and its ``value``; the widest stretch of values that
        follow each other and all come within ``WITHIN`` of it, from ``low`` to ``high``, its ``decades``, and whether
        it is ``open``: reaches the smallest or the largest value that was tried, so that it may be wider. Strategies
        without a result are left out.
    """
    rows = []
    for strategy, of_strategy in table.groupby("strategy", sort=False):
        accuracy, values = of_strategy[epoch].to_numpy(float), of_strategy["value"].to_numpy(float)
        if np.isnan(accuracy).all():
            continue
        top = int(np.nanargmax(accuracy))
        low, high = _widest(values, accuracy >= accuracy[top] - WITHIN)
        row: dict[str, Any] = {**_named(str(strategy)), "best": accuracy[top], "value": values[top]}
        row |= {"low": low, "high": high, "decades": math.log10(high / low)}
        rows.append(row | {"open": low == values[0] or high == values[-1]})
    return pd.DataFrame(
        rows, columns=["strategy", "title", "quantity", "best", "value", "low", "high"] + ["decades", "open"]
    )


def _widest(values: np.ndarray, good: np.ndarray) -> tuple[float, float]:
    """The ends of the widest stretch of good values, of rising ones of which one is good at least."""
    edges = np.flatnonzero(np.diff(np.r_[0, good.astype(int), 0]))
    stretches = [(values[first], values[after - 1]) for first, after in edges.reshape(-1, 2)]
    return max(stretches, key=lambda ends: ends[1] / ends[0])


def in_words(plateaus: pd.DataFrame) -> str:
    """The plateaus as a sentence, the widest first; empty without any."""
    ordered = plateaus.sort_values("decades", ascending=False, kind="stable").to_dict("records")
    parts = [f"{row['title']} ({percent(row['best'])}) {_width(row)}" for row in ordered]
    return f"Within {100 * WITHIN:.0f} point of its own best: " + "; ".join(parts) + "." if parts else ""


def _width(row: Mapping[Hashable, Any]) -> str:
    if not row["decades"]:
        return f"at {row['value']:g} alone"
    least = "at least " if row["open"] else ""
    return f"over {least}{row['decades']:.1f} decades of its {row['quantity']}, {row['low']:g} to {row['high']:g}"
