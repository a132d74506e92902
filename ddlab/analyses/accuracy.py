"""Strategies side by side: accuracy over the seeds, epochs, cost and time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.effort import EFFORTS, total_effort
from ddlab.data.cache import is_ready, load
from ddlab.experiment import DatasetSettings
from ddlab.problem import Problem, pose
from ddlab.runs import RunFolder
from ddlab.runs.health import says_the_same
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
UNEQUAL = 1.5  # classes of sizes further apart are judged by the mean recall over the classes, too


def strategy_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every strategy of every run that has a result, a row each.

    Returns
    -------
    pandas.DataFrame
        ``run_id``, ``run`` (its name), a column a setting that differs between the runs, ``strategy``, ``title``,
        ``seeds`` (how many are done), means and sample standard deviations ``validation``, ``validation_sd``,
        ``train``, ``train_sd``, then ``balanced`` (mean recall over the classes), ``last_validation``, ``best_epoch``
        (mean), ``same_answer`` (seeds with which it decides alike about practically all validation images),
        ``parameters``, ``flops`` of a forward pass, ``seconds`` (mean wall time of all stages that the strategy
        needs) and ``rank_flops`` (mean operations of the rank that worked most), both as in
        :func:`ddlab.analyses.effort.total_effort`. A standard deviation of one seed is NaN.
    """
    differing = differing_settings(runs)
    rows = []
    for run in runs:
        settings = {path: differing.at[run.id, path] for path in differing.columns}
        problem = _problem(run)
        for strategy in run.asked().get("strategies") or ():
            numbers = _strategy_row(run, problem, strategy)
            if numbers:
                rows.append({"run_id": run.id, "run": run.name, **settings, "strategy": strategy, **numbers})
    return pd.DataFrame(rows)


def _problem(run: RunFolder) -> Problem | None:
    """What the run trains; None where data are gone or a newer ddlab asked."""
    try:
        return pose(run.experiment)
    except ValueError:
        return None


def _strategy_row(run: RunFolder, problem: Problem | None, strategy: str) -> dict[str, Any]:
    by_stage: dict[tuple[str, int], dict] = {(r["stage"], r["seed"]): r for r in run.results()}
    done = [result for (stage, _), result in by_stage.items() if stage == strategy]
    if not done:
        return {}
    validation = [result["validation_accuracy"] for result in done]
    train = [result["train_accuracy"] for result in done]
    efforts = _efforts(problem, strategy, by_stage) if problem else []
    epochs = [result["best_epoch"] for result in done if result.get("best_epoch") is not None]
    title = STRATEGIES[strategy].title if strategy in STRATEGIES else strategy
    return {
        "title": title,
        "seeds": len(done),
        "validation": float(np.mean(validation)),
        "validation_sd": _sd(validation),
        "train": float(np.mean(train)),
        "train_sd": _sd(train),
        "balanced": _mean([r.get("balanced_accuracy", np.nan) for r in done]),
        "last_validation": _mean([r.get("last_validation_accuracy", np.nan) for r in done]),
        "best_epoch": _mean(epochs),
        "same_answer": sum(says_the_same(result.get("one_class")) for result in done),
        "parameters": done[0].get("parameters"),
        "flops": done[0].get("flops"),
        "seconds": _mean([effort["seconds"] for effort in efforts]),
        "rank_flops": _mean([effort["rank_flops"] for effort in efforts]),
    }


def _efforts(
    problem: Problem, strategy: str, by_stage: dict[tuple[str, int], dict[str, Any]]
) -> list[dict[str, float]]:
    """What a strategy takes with each seed of which all stages are done."""
    stages = list(strategy_stages(problem, strategy))
    efforts = []
    for seed in problem.experiment.seeds:
        results = {stage.name: by_stage[stage.name, seed] for stage in stages if (stage.name, seed) in by_stage}
        if len(results) == len(stages):
            efforts.append(dict(zip(EFFORTS, total_effort(problem, stages, results), strict=True)))
    return efforts


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def has_unequal_classes(settings: DatasetSettings) -> bool:
    """Whether the largest class of the validation images has more than ``UNEQUAL`` times those of the smallest.

    Then plain accuracy flatters whoever names the largest class. Nothing is decoded for it: False where it would be.
    """
    if not is_ready(settings):
        return False
    data = load(settings)
    counts = np.bincount(data.validation.labels, minlength=data.description.num_classes)
    return bool(counts.max() > UNEQUAL * counts.min())


def differing_settings(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """The settings in which runs differ, a column each, named by dotted paths; a row a run, indexed by its id.

    Names, strategies and seeds are left out: they are shown on their own.
    """
    flat = pd.DataFrame([flatten(run.asked()) for run in runs], index=[run.id for run in runs], dtype=object)
    shown = [path for path in flat.columns if path not in ("name", "sweep", "strategies", "seeds")]
    return flat[[path for path in shown if flat[path].map(str).nunique() > 1]]


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree of settings by their dotted paths; lists as text."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
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
