"""Strategies side by side: accuracy over the seeds, epochs, cost and time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.effort import EFFORTS, share_of_global, total_effort, total_epochs
from ddlab.analyses.comparison.identity import differing_settings, run_labels
from ddlab.analyses.comparison.judged import Judge, judge_of, judged_accuracy
from ddlab.data.cache import is_ready, load
from ddlab.experiment import DatasetSettings
from ddlab.problem import Problem, problem_of
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.runs.health import says_the_same
from ddlab.runs.records import StageResult
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
    "dead_units",
    "one_class",
)
UNEQUAL = 1.5  # classes of sizes further apart are judged by the mean recall over the classes, too


def strategy_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every strategy of every run that has a result, a row each.

    Returns
    -------
    pandas.DataFrame
        ``run_id``, ``run`` (its label, :func:`ddlab.analyses.comparison.identity.run_labels`), a column a setting that
        differs between the runs, ``strategy``, ``title``,
        ``seeds`` (how many are done), means and sample standard deviations ``test``, ``test_sd`` (NaN where the images
        that chose the epoch judge, too), ``validation``, ``validation_sd``, ``train``, ``train_sd``; of the images that
        judge, test images or else validation images, ``low`` and ``high`` (the ends of the 95 % interval of
        :mod:`ddlab.analyses.comparison.intervals`; NaN where the data are gone), ``balanced`` (mean recall over the
        classes) and ``top5`` (NaN of five classes or fewer); ``last_test``, ``last_validation``, ``best_epoch`` (mean),
        ``same_answer`` (seeds with which it decides alike about practically all validation images),
        ``epochs_as_one``, ``epochs`` (:func:`ddlab.analyses.comparison.effort.total_epochs`, means), ``work`` (all
        operations of training as a share of those of the global network), ``parameters``, ``flops`` of a forward pass,
        ``seconds`` (mean wall time of all stages that the strategy needs) and ``rank_flops`` (mean operations of the
        rank that worked most), both as in :func:`ddlab.analyses.comparison.effort.total_effort`. A standard deviation
        of one seed is NaN.
    """
    differing, labels = differing_settings(runs), run_labels(runs)
    rows = []
    for run in runs:
        settings = {path: differing.at[run.id, path] for path in differing.columns}
        problem, judge = _problem(run), judge_of(run)
        for strategy in run.asked().get("strategies") or ():
            numbers = _strategy_row(run, problem, strategy, judge)
            if numbers:
                rows.append({"run_id": run.id, "run": labels[run.id], **settings, "strategy": strategy, **numbers})
    return pd.DataFrame(rows)


def _problem(run: RunFolder) -> Problem | None:
    """Return the problem of a run; None where its data are gone or a newer ddlab wrote its experiment."""
    try:
        return problem_of(run)
    except ValueError:
        return None


def _strategy_row(run: RunFolder, problem: Problem | None, strategy: str, judge: Judge) -> dict[str, Any]:
    by_stage = {(r["stage"], r["seed"]): r for r in run.results()}
    done = [result for (stage, _), result in by_stage.items() if stage == strategy]
    if not done:
        return {}
    efforts = _efforts(problem, strategy, by_stage) if problem else []
    told = {measure: _of(done, f"{measure}_accuracy") for measure in ("test", "validation", "train")}
    judged = judged_accuracy(run, strategy, [result["seed"] for result in done], judge)
    return {
        "title": STRATEGIES[strategy].title if strategy in STRATEGIES else strategy,
        "seeds": len(done),
        **{name: number(told[measure]) for measure in told for name, number in _spread(measure)},
        "low": judged.low,
        "high": judged.high,
        "balanced": _mean(_of(done, "test_balanced_accuracy" if judge.split == "test" else "balanced_accuracy")),
        "top5": _mean(_of(done, f"{judge.split}_top5_accuracy")),
        "last_test": _mean(_of(done, "last_test_accuracy")),
        "last_validation": _mean(_of(done, "last_validation_accuracy")),
        "best_epoch": _mean(_of(done, "best_epoch")),
        "same_answer": sum(says_the_same(result.get("one_class")) for result in done),
        **{name: _mean(_of(efforts, name)) for name in ("epochs_as_one", "epochs", "work")},
        "parameters": done[0].get("parameters"),
        "flops": done[0].get("flops"),
        **{name: _mean(_of(efforts, name)) for name in ("seconds", "rank_flops")},
    }


def _of(rows: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """Collect the values that rows have under a key; rows without one are left out."""
    return [row[key] for row in rows if row.get(key) is not None]


def _spread(measure: str) -> tuple[tuple[str, Callable[[Sequence[float]], float]], ...]:
    return (measure, _mean), (f"{measure}_sd", _sd)


def _efforts(problem: Problem, strategy: str, by_stage: dict[tuple[str, int], StageResult]) -> list[dict[str, float]]:
    """Return what a strategy takes with each seed whose stages are all done: epochs, operations and time."""
    stages = list(strategy_stages(problem, strategy))
    efforts = []
    for seed in problem.experiment.seeds:
        results = {stage.name: by_stage[stage.name, seed] for stage in stages if (stage.name, seed) in by_stage}
        if len(results) == len(stages):
            spent = dict(zip(EFFORTS, total_effort(problem, stages, results).tolist(), strict=True))
            as_one, epochs = total_epochs(problem, stages, results)
            shares = {"epochs_as_one": as_one, "epochs": epochs, "work": share_of_global(problem, spent["flops"])}
            efforts.append(spent | shares)
    return efforts


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def has_unequal_classes(settings: DatasetSettings) -> bool:
    """Whether the largest class of the images that judge has more than ``UNEQUAL`` times those of the smallest.

    Then plain accuracy flatters whoever names the largest class. Nothing is decoded for it: False where it would be.
    """
    if not is_ready(settings):
        return False
    data = load(settings)
    judges = data.test or data.validation
    counts = np.bincount(judges.labels, minlength=data.description.num_classes)
    return bool(counts.max() > UNEQUAL * counts.min())


def learning_curves(run: RunFolder) -> pd.DataFrame:
    """All records of a run, one row an epoch and network, with the columns ``CURVE_COLUMNS``.

    ``subdomain`` counts from 1 and is 0 for networks that see the whole image or none; accuracies are shares of 1.
    Of out-of-fold networks the mean over the folds is given.
    """
    frame = pd.DataFrame(run.metrics()).reindex(columns=list(CURVE_COLUMNS))
    frame["subdomain"] = frame["subdomain"].astype(float).add(1).fillna(0).astype(int)
    keys, measures = list(CURVE_COLUMNS[:4]), list(CURVE_COLUMNS[4:])
    return frame.astype(dict.fromkeys(measures, float)).groupby(keys, as_index=False)[measures].mean()


def curves_of(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """The :func:`learning_curves` of several runs, with their ids in ``run_id`` and their labels in ``run``."""
    labels = run_labels(runs)
    parts = [learning_curves(run).assign(run_id=run.id, run=labels[run.id]) for run in runs]
    return pd.concat(parts, ignore_index=True)
