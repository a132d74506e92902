"""Strategies side by side: accuracy over the seeds, epochs, cost and time; and the paper's numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.experiment import Experiment
from ddlab.problem import pose
from ddlab.runs import RunFolder
from ddlab.strategies import STRATEGIES
from ddlab.strategies.stage import strategy_stages

CURVE_COLUMNS = (
    "stage",
    "seed",
    "subdomain",
    "epoch",
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "rate",
    "seconds",
)


def strategy_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every strategy of every run that has a result, a row each.

    Returns
    -------
    pandas.DataFrame
        ``run_id``, ``run`` (its name), a column a setting that differs between the runs, ``strategy``, ``title``,
        ``seeds`` (how many are done), means and sample standard deviations ``validation``, ``validation_sd``,
        ``train``, ``train_sd``, then ``last_validation``, ``best_epoch`` (mean), ``parameters``, ``flops`` of a forward
        pass, ``seconds`` (mean wall time of all stages that the strategy needs) and ``rank_flops`` (mean operations of
        the rank that worked most). A standard deviation of one seed is NaN.
    """
    differing = differing_settings(runs)
    rows = []
    for run in runs:
        settings = {path: differing.at[run.id, path] for path in differing.columns}
        for strategy in run.asked().get("strategies") or ():
            numbers = _strategy_row(run, strategy)
            if numbers:
                rows.append({"run_id": run.id, "run": run.name, **settings, "strategy": strategy, **numbers})
    return pd.DataFrame(rows)


def _strategy_row(run: RunFolder, strategy: str) -> dict[str, Any]:
    by_stage: dict[tuple[str, int], dict] = {(r["stage"], r["seed"]): r for r in run.results()}
    done = [result for (stage, _), result in by_stage.items() if stage == strategy]
    if not done:
        return {}
    validation = [result["validation_accuracy"] for result in done]
    train = [result["train_accuracy"] for result in done]
    needed = [[by_stage.get((stage, r["seed"])) for stage in _needed_stages(run, strategy)] for r in done]
    whole = [[stage for stage in stages if stage] for stages in needed if stages and None not in stages]
    epochs = [result["best_epoch"] for result in done if result.get("best_epoch") is not None]
    title = STRATEGIES[strategy].title if strategy in STRATEGIES else strategy
    return {
        "title": title,
        "seeds": len(done),
        "validation": float(np.mean(validation)),
        "validation_sd": _sd(validation),
        "train": float(np.mean(train)),
        "train_sd": _sd(train),
        "last_validation": _mean([r.get("last_validation_accuracy", np.nan) for r in done]),
        "best_epoch": _mean(epochs),
        "parameters": done[0].get("parameters"),
        "flops": done[0].get("flops"),
        "seconds": _mean([sum(stage["seconds"] for stage in stages) for stages in whole]),
        "rank_flops": _mean([sum(max(stage["flops_by_rank"] or [0]) for stage in stages) for stages in whole]),
    }


def _needed_stages(run: RunFolder, strategy: str) -> list[str]:
    """Names of all stages of a strategy; none where data are gone or a newer ddlab asked, so that there is no plan."""
    try:
        return [stage.name for stage in strategy_stages(pose(run.experiment), strategy)]
    except ValueError:
        return []


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def differing_settings(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """The settings in which runs differ, a column each, named by dotted paths; a row a run, indexed by its id.

    Names, strategies and seeds are left out: they are shown on their own.
    """
    flat = pd.DataFrame([_flatten(run.asked()) for run in runs], index=[run.id for run in runs], dtype=object)
    shown = [path for path in flat.columns if path not in ("name", "strategies", "seeds")]
    return flat[[path for path in shown if flat[path].map(str).nunique() > 1]]


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flat[prefix + key] = "×".join(map(str, value))
        else:
            flat[prefix + key] = value
    return flat


def learning_curves(run: RunFolder) -> pd.DataFrame:
    """All records of a run, one row an epoch and network, with the columns ``CURVE_COLUMNS``.

    ``subdomain`` counts from 1 and is 0 for networks that see the whole image or none; accuracies are shares of 1.
    Of out-of-fold networks the mean over the folds is given.
    """
    frame = pd.DataFrame(run.metrics()).reindex(columns=list(CURVE_COLUMNS))
    frame["subdomain"] = frame["subdomain"].astype(float).add(1).fillna(0).astype(int)
    keys, measures = list(CURVE_COLUMNS[:4]), list(CURVE_COLUMNS[4:])
    return frame.astype(dict.fromkeys(measures, float)).groupby(keys, as_index=False)[measures].mean()


# ---- the paper's numbers

_TABLE_1 = (
    ("CIFAR-10", "2×2", (0.6745, 0.6237, 0.7669), (0.7081, 0.6546, 0.8071)),
    ("TF-Flowers", "2×2", (0.6162, 0.5974, 0.6938), (0.6498, 0.6026, 0.7552)),
    ("TF-Flowers", "4×4", (0.7565, 0.7022, 0.8471), (0.7745, 0.7238, 0.8593)),
    ("Chest CT scans", "2×2×1", (0.8038, 0.7761, 0.9143), (0.8279, 0.7997, 0.9357)),
    ("Chest CT scans", "4×4×2", (0.8024, 0.7453, 0.8988), (0.8409, 0.7999, 0.9493)),
)
# The global network's from Table 2. There CNN-DNN is better than in Table 1 (0.7999 for CIFAR-10); the paper does not
# say why, so strategies are compared within Table 1.
_GLOBAL = {"CIFAR-10": (0.7585, 0.8487), "TF-Flowers": (0.7887, 0.9321)}


def klawonn_table1() -> pd.DataFrame:
    """The paper's accuracies with VGG9 and no overlap, the global network's included.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``grid``, ``strategy``, ``validation`` and ``train`` as shares of 1.

    References
    ----------
    Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for CNNs via Domain Decomposition", Table 1;
    the global network from Table 2.
    """
    rows = []
    for dataset, grid, validation, train in _TABLE_1:
        numbers = zip(("average", "majority", "cnn_dnn"), validation, train, strict=True)
        rows += [(dataset, grid, *row) for row in numbers]
        if dataset in _GLOBAL:
            rows.append((dataset, grid, "global", *_GLOBAL[dataset]))
    return pd.DataFrame(rows, columns=["dataset", "grid", "strategy", "validation", "train"])


def paper_rows(experiment: Experiment) -> pd.DataFrame:
    """The rows of :func:`klawonn_table1` that this experiment repeats; empty for every other experiment."""
    settings = experiment.dataset
    names = {"cifar10": "CIFAR-10", "flowers": "TF-Flowers"}
    if settings.name == "folder" and "flower" in (settings.path or "").lower():
        names["folder"] = "TF-Flowers"
    table = klawonn_table1()
    grid = "×".join(map(str, experiment.decomposition.grid))
    repeats = experiment.model.name == "vgg9" and experiment.decomposition.boxes is None
    return table[(table["dataset"] == names.get(settings.name)) & (table["grid"] == grid) & repeats]


def paper_differences(experiment: Experiment) -> list[str]:
    """In what an experiment differs from those of :func:`klawonn_table1`, a phrase each.

    Known of the paper are 150 epochs, Adam with a rate of 1e-3, and that all images were used; of the widths of its
    networks it says nothing, so a width factor below 1 is named as ours.
    """
    training, data, width = experiment.training, experiment.dataset, experiment.model.width
    differences = {
        f"{training.epochs} epochs instead of 150": training.epochs != 150,
        f"networks of {width:g} times our usual width": width != 1.0,
        f"{data.train_images:,} training images instead of all" if data.train_images else "": data.train_images,
        f"{training.optimizer} instead of Adam": training.optimizer != "adam",
        f"a learning rate of {training.learning_rate:g} instead of 0.001": training.learning_rate != 1e-3,
        "overlapping subimages": np.any(experiment.decomposition.overlap),
    }
    return [phrase for phrase, holds in differences.items() if holds]
