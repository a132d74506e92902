"""Costs and benefits of decomposing the data: APTS with a part of the data for every subdomain, or all data for each.

What the paper asks, and its published curves do not show: they have the same data on every rank. The recorded
experiment comes from ``python -m benchmarks.split_or_shared``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from ddlab.analyses.comparison.optimizers import passes_table
from ddlab.analyses.trust_region.history import additive
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.written import percent

RECORDED_TITLE, OWN_TITLE = "Recorded experiment, SAPTS, ten epochs", "Your runs: split against shared data"
RECORDED = Path(__file__).parent / "recorded" / "split_or_shared.json"
CASE = ("dataset", "mode", "order", "subdomains")
MEASURES = {
    "accuracy": "validation accuracy",
    "loss": "loss on the training images",
    "rejected": "sums of local steps that were rejected",
    "passes_to_target": "passes over the data until the accuracy is reached",
    "rank_passes_to_target": "the same of each of N ranks, with a subdomain each",
}
T95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}  # of Student, by seeds


@cache
def recorded() -> tuple[dict[str, Any], pd.DataFrame]:
    """The experiment that ships with ddlab: how it was made, and its table as :func:`summarize` gives it."""
    known = json.loads(RECORDED.read_text())
    return {key: value for key, value in known.items() if key != "rows"}, pd.DataFrame(known["rows"])


def summarize(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Means over the seeds, a row a case and kind of data.

    Parameters
    ----------
    runs
        Each with ``CASE``, ``data``, ``seed``, ``seconds`` and ``rejected`` (share of the sums), and the lists
        ``accuracy``, ``loss`` and ``data_passes`` (cumulative), an entry an epoch.

    Returns
    -------
    pandas.DataFrame
        ``CASE``, ``data``, ``seeds``, the measures ``MEASURES`` and ``seconds`` (means; ``_sd`` of accuracy and loss),
        and ``target``: the highest accuracy that every seed of both kinds reaches, of all N of a data set, mode and
        order. The efforts are NaN where a seed does not reach it. A rank of its own has 1/N of the passes where the
        data are split, and all of them where they are shared.
    """
    table = pd.DataFrame(runs)
    table["best"] = table["accuracy"].map(max)
    table["target"] = table.groupby(list(CASE[:3]))["best"].transform(lambda best: math.floor(100 * best.min()) / 100)
    table["passes_to_target"] = [_effort(row) for row in table.to_dict("records")]
    parts = table["subdomains"].where(table["data"] == "split", 1)
    table["rank_passes_to_target"] = table["passes_to_target"] / parts
    table["data_passes"] = table["data_passes"].map(lambda passes: passes[-1])
    for name in ("accuracy", "loss"):
        table[name] = table[name].map(lambda values: values[-1])
    rows = []
    for key, part in table.groupby([*CASE, "data"], sort=True):
        row = dict(zip([*CASE, "data"], key, strict=True)) | {"seeds": len(part), "target": part["target"].iloc[0]}
        row |= {name: _mean(part[name]) for name in [*MEASURES, "data_passes", "seconds"]}
        row |= {f"{name}_sd": float(part[name].std()) for name in ("accuracy", "loss")}
        rows.append(row)
    return pd.DataFrame(rows)


def _effort(row: Mapping[Any, Any]) -> float:
    """Count the passes over the data at the end of the first epoch that reaches the target."""
    reached = (passes for passes, got in zip(row["data_passes"], row["accuracy"], strict=True) if got >= row["target"])
    return next(reached, math.nan)


def _mean(values: pd.Series) -> float:
    """Return the mean of all seeds; NaN where one seed lacks a value."""
    return float(values.mean(skipna=False))


def differences(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Subtract the last accuracy with shared data from that with split data, seed by seed.

    Returns
    -------
    pandas.DataFrame
        ``CASE``, ``seeds``, the mean ``difference`` and half its 95 % confidence ``interval`` (Student's, paired).
    """
    table = pd.DataFrame(runs)
    table["last"] = table["accuracy"].map(lambda values: values[-1])
    pairs = table.pivot_table(index=[*CASE, "seed"], columns="data", values="last").dropna()
    difference = (pairs["split"] - pairs["shared"]).groupby(list(CASE))
    found = pd.DataFrame({"seeds": difference.count(), "difference": difference.mean(), "sd": difference.std()})
    t = found["seeds"].map(T95)
    return found.assign(interval=t * found.pop("sd") / found["seeds"] ** 0.5).reset_index()


def in_words(differences: pd.DataFrame) -> list[str]:
    """Say what splitting changes, a sentence for each data set, mode and order."""
    sentences = []
    for (dataset, mode, order), part in differences.groupby(list(CASE[:3]), sort=False):
        told = [
            f"N = {row['subdomains']}: {100 * row['difference']:+.1f} ± {100 * row['interval']:.1f}"
            for row in part.to_dict("records")
        ]
        name = f"{dataset}, mode {mode}, {'first' if order == 1 else 'second'} order"
        sentences.append(f"{name}: {', '.join(told)} points.")
    return sentences


# ---- a user's own runs


def partner(run: RunFolder, runs: Sequence[RunFolder]) -> RunFolder | None:
    """The first other run with the same experiment but for ``apts.data``; None without one, or without APTS."""
    if set(run.experiment.strategies).isdisjoint(additive()):
        return None
    wanted = _without_data(run)
    return next((other for other in runs if other.id != run.id and _is_partner(other, run, wanted)), None)


def _is_partner(other: RunFolder, run: RunFolder, wanted: dict[str, Any]) -> bool:
    try:
        return other.experiment.apts.data != run.experiment.apts.data and _without_data(other) == wanted
    except ValueError:  # a damaged run cannot be a partner
        return False


def _without_data(run: RunFolder) -> dict[str, Any]:
    asked = run.experiment.model_dump(mode="json")
    return {**asked, "apts": {**asked["apts"], "data": None}, "name": None, "placement": None}


def own_table(first: RunFolder, second: RunFolder) -> pd.DataFrame:
    """Tabulate the passes over the data of two partners' APTS and SAPTS, as ``passes_table``; ``run`` says which data.

    Empty before one of them has an epoch.
    """
    table = passes_table([first, second])
    kinds = {run.id: f"{run.experiment.apts.data} data" for run in (first, second)}
    table["run"] = table["run_id"].map(kinds)
    return table[table["strategy"].isin(additive())]


def own_in_words(first: RunFolder, second: RunFolder) -> str:
    """Say what the last epochs of two partners reach, split first; empty before both have one."""
    parts = []
    for run in sorted((first, second), key=lambda run: run.experiment.apts.data == "shared"):
        last: dict[tuple[str, int], float] = {}
        for record in run.metrics():
            accuracy = record["validation_accuracy"] if record["stage"] in additive() else None
            if accuracy is not None:
                last[record["stage"], record["seed"]] = accuracy
        for strategy in sorted({strategy for strategy, _ in last}):
            mine = [accuracy for (name, _), accuracy in last.items() if name == strategy]
            reached = percent(sum(mine) / len(mine))
            parts.append(f"{STRATEGIES[strategy].title} with {run.experiment.apts.data} data {reached}")
    return "; ".join(parts)
