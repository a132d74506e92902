"""Accuracy against staleness: the methods with old gradients beside exact ones, on the same network and data.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 2.
"""

from collections.abc import Sequence

import pandas as pd

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.pipeline.methods import METHODS, make_method
from ddlab.registry.strategies import CUT_LAYERS, STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.layers import GLOBAL
from ddlab.written import gained


def exact() -> tuple[str, ...]:
    """List the strategies with exact gradients of the global network: itself, and pipelines."""
    cut = (name for name, entry in STRATEGIES.items() if "pipeline" in entry.settings)
    return (GLOBAL, *(name for name in cut if name not in METHODS))


def why_not(run: RunFolder) -> str:
    """Say why a run has nothing to compare; empty if it has."""
    asked = run.asked().get("strategies") or ()
    if any(name in METHODS for name in asked):
        return ""
    titles = ", ".join(METHODS[name].title for name in CUT_LAYERS if name in METHODS)
    return f"This run has no method with old gradients: {titles}."


def staleness_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every strategy that trains the global network by exact or old gradients, a row each run and strategy.

    Returns
    -------
    pandas.DataFrame
        As :func:`ddlab.analyses.comparison.accuracy.strategy_table`, of these strategies, with ``modules``, ``oldest``
        (updates between a gradient's weights and those that it changes, of the first module), ``mean_age`` (over the
        modules), and ``work_factor`` (operations over those of back-propagation; inputs kept alone go forward twice).
    """
    table = strategy_table(runs)
    kept = table[table["strategy"].isin([*exact(), *METHODS])] if len(table) else table
    by_id = {run.id: run for run in runs}
    ages = [_ages(by_id[row["run_id"]], row["strategy"]) for row in kept.to_dict("records")]
    columns = ["modules", "oldest", "mean_age", "work_factor"]
    return kept.reset_index(drop=True).join(pd.DataFrame(ages, columns=columns))


def _ages(run: RunFolder, strategy: str) -> tuple[int, int, float, float]:
    experiment = run.experiment
    modules = experiment.pipeline.modules if strategy != GLOBAL else 1
    if strategy in exact():
        return modules, 0, 0.0, 1.0
    entry = METHODS[strategy]
    staleness = (experiment.delayed.staleness or None) if entry.takes_staleness else None
    delays = make_method(strategy, modules, staleness=staleness).delays
    return modules, max(delays), sum(delays) / len(delays), 4 / 3 if entry.recomputes else 1.0


def notice(table: pd.DataFrame) -> str:
    """Say of a :func:`staleness_table` what old gradients lost or won against the mean of exact ones."""
    judged = table["test"].fillna(table["validation"])
    exact_mean = judged[table["mean_age"] == 0].mean()
    old = table[table["mean_age"] > 0]
    if pd.isna(exact_mean) or old.empty:
        return "Exact gradients or old ones are missing here: global beside ddg, fdg or dsp shows the difference."
    changes = zip(old["title"], judged[old.index] - exact_mean, strict=True)
    told = [f"{title} {gained(change)}" for title, change in changes]
    return f"Against the mean of those with exact gradients, {', '.join(told)}."
