"""The cost of choosing the best epoch: how much higher an accuracy is on the images that chose than on others."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from ddlab.analyses.comparison.intervals import NORMAL
from ddlab.problem import problem_of
from ddlab.runs import RunFolder
from ddlab.written import compared, gained, points

TO_SET = "Set dataset.test to official, or to a share of the training images, so that images judge that chose nothing."


class Choosing(NamedTuple):
    """Means over the strategies that have test images, as shares of 1; NaN without any.

    Parameters
    ----------
    strategies
        How many there are.
    flattered
        Validation less test accuracy of the best epochs.
    gained
        What the best epoch has more than the last on the images that chose it.
    gained_on_test
        The same on test images: what choosing is really worth.
    """

    strategies: int
    flattered: float
    gained: float
    gained_on_test: float


def choosing(table: pd.DataFrame) -> Choosing:
    """Say what choosing costs in a table of :func:`ddlab.analyses.comparison.accuracy.strategy_table`."""
    known = table.dropna(subset=["test"])
    flattered, gained = known["validation"] - known["test"], known["validation"] - known["last_validation"]
    return Choosing(
        len(known), flattered.mean(), gained.mean(), (known["test"].astype(float) - known["last_test"]).mean()
    )


def choosing_in_words(runs: Sequence[RunFolder], table: pd.DataFrame) -> str:
    """Say in a few sentences which images chose and which judged in a table of strategies; empty without a table."""
    if table.empty:
        return ""
    keeps_last = {run.id for run in runs if (run.asked().get("training") or {}).get("keep") == "last"}
    without = set(table.loc[table["test"].isna(), "run_id"])
    judged = table[table["test"].notna()]
    sentences = [] if judged.empty else [_cost(choosing(table)) + _by_chance(runs, judged)]
    if without - keeps_last:
        whose = "" if len(without) == table["run_id"].nunique() else f" of {_names(table, without)}"
        sentences.append(
            f"The validation images{whose} chose the best epoch and judge it, too, as in the papers: these accuracies "
            f"are too high by the luck that choosing selected. {TO_SET}"
        )
    elif without:
        sentences.append("The last epoch counts, so that the validation images judge what they have not chosen.")
    return " ".join(sentences)


def _cost(found: Choosing) -> str:
    several = "strategy" if found.strategies == 1 else f"{found.strategies} strategies, mean"
    against_test = compared(found.flattered, "the validation images, which chose it,", "the test images")
    return (
        f"What choosing costs ({several}): the best epoch is {against_test}. Against the last epoch it "
        f"{gained(found.gained)} on validation images and {gained(found.gained_on_test)} on test images."
    )


def chance(accuracy: float, *num_images: int) -> float:
    """Return how far apart one network's accuracies on two sets of images may lie by chance, in 95 of 100 cases."""
    return NORMAL * math.sqrt(accuracy * (1 - accuracy) * sum(1 / count for count in num_images))


def _by_chance(runs: Sequence[RunFolder], judged: pd.DataFrame) -> str:
    """Say how much of the distance between the splits may be chance; empty where the data are gone."""
    try:
        found = [problem_of(run).description for run in runs if run.id in set(judged["run_id"])]
    except ValueError:
        return ""
    least = min(found, key=lambda about: min(about.num_validation, about.num_test))
    counts = least.num_validation, least.num_test
    share = chance(float(judged["test"].mean()), *counts)
    return (
        f" Between {counts[0]:,} validation and {counts[1]:,} test images, a distance of {points(share)} may "
        "be chance; between the epochs, the images are the same."
    )


def _names(table: pd.DataFrame, ids: set[str]) -> str:
    return ", ".join(table.loc[table["run_id"].isin(ids), "run"].drop_duplicates())
