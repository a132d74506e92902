"""Stages of a run: what people call them, in which order they are told, and what each came to."""

from collections.abc import Iterable, Sequence

import pandas as pd

from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.runs.records import StageResult
from ddlab.strategies.stage import LOCAL

OUTCOME = {  # columns of a table, and what a result calls them
    "Test": "test_accuracy",
    "Kept": "validation_accuracy",
    "Whose epoch": "best_epoch",
    "Last": "last_validation_accuracy",
    "Training images": "train_accuracy",
    "Seconds": "seconds",
}


def stage_title(stage: str) -> str:
    """A stage as people know it."""
    return STRATEGIES[stage].title if stage in STRATEGIES else f"{stage.replace('_', ' ').capitalize()} networks"


def in_order(stages: Iterable[str]) -> list[str]:
    """Stages without repetition: the strategies in the order of their registry, the local networks, others by name."""
    there = set(stages)
    known = [stage for stage in (*STRATEGIES, LOCAL) if stage in there]
    return known + sorted(there.difference(known))


def outcome_table(run: RunFolder, seed: int) -> pd.DataFrame:
    """Kept and last epoch of every strategy that has a result for a seed, a row each.

    Returns
    -------
    pandas.DataFrame
        ``Strategy`` and the columns ``OUTCOME``, shares of 1 but for seconds and :func:`whose_epoch`; ``Test`` only
        where there are test images.
    """
    results = [result for result in run.results() if result["seed"] == seed]
    keeps_last = (run.asked().get("training") or {}).get("keep") == "last"
    local = next((result for result in results if result["stage"] == LOCAL), None)
    rows = [
        {"Strategy": stage_title(result["stage"])}
        | {title: result.get(key) for title, key in OUTCOME.items()}
        | {"Whose epoch": "the last" if keeps_last else whose_epoch(result, local)}
        for result in results
        if result.get("validation_accuracy") is not None
    ]
    table = pd.DataFrame(rows)
    return table if table.empty or table["Test"].notna().any() else table.drop(columns="Test")


def whose_epoch(result: StageResult, local: StageResult | None) -> str:
    """Say whose best epoch a strategy was evaluated with: its own, its DNN's, or that of every local network.

    A vote has no epochs: it takes what the validation images chose for each local network on its own, which need not
    be the best for all of them together.

    Parameters
    ----------
    result
        Of the strategy.
    local
        Of the local networks; None where there are none.
    """
    epoch, entry = result.get("best_epoch"), STRATEGIES.get(result["stage"])
    own = "its own" if epoch is None else f"its own, {epoch}"
    if local is None or entry is None or entry.sees == "image" or result.get("kind") == "collective":
        return own
    theirs = _span([network.get("best_epoch") for network in local.get("networks") or ()])
    if epoch is None:
        return f"each local network's best{theirs}"
    return f"the DNN's, {epoch}; each local network's best{theirs}"


def _span(epochs: Sequence[int | None]) -> str:
    known = sorted({epoch for epoch in epochs if epoch is not None})
    if not known:
        return ""
    return f", {known[0]}" if len(known) == 1 else f", {known[0]} to {known[-1]}"
