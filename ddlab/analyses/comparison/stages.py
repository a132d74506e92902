"""Stages of a run: what people call them, in which order they are told, and what each came to."""

from collections.abc import Iterable

import pandas as pd

from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL

OUTCOME = {  # columns of a table, and what a result calls them
    "Test": "test_accuracy",
    "Best": "validation_accuracy",
    "At epoch": "best_epoch",
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
    """Best and last epoch of every strategy that has a result for a seed, a row each.

    Returns
    -------
    pandas.DataFrame
        ``Strategy`` and the columns ``OUTCOME``, shares of 1 but for epochs and seconds; ``Test`` only where there are
        test images.
    """
    rows = [
        {"Strategy": stage_title(result["stage"])} | {title: result.get(key) for title, key in OUTCOME.items()}
        for result in run.results()
        if result["seed"] == seed and result.get("validation_accuracy") is not None
    ]
    table = pd.DataFrame(rows)
    return table if table.empty or table["Test"].notna().any() else table.drop(columns="Test")
