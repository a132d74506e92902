"""Effort: the accuracy of a strategy against time and work, as if a run had trained nothing but its stages.

Strategies of a run share stages, so that none was ever trained by itself; here each is laid out as if it had been.
"""

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.reaching import reaching
from ddlab.problem import Problem, problem_of
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.runs.records import StageResult
from ddlab.strategies.stage import LOCAL, Stage, strategy_stages, training_flops

EFFORTS = {
    "seconds": "wall time (s)",
    "flops": "operations of all ranks",
    "rank_flops": "operations of the busiest rank",
    "worker_flops": "operations of the busiest of N workers",
}
COLUMNS = ("strategy", "title", "seed", "epoch", *EFFORTS, "validation_accuracy")


def effort_curves(run: RunFolder) -> pd.DataFrame:
    """The validation accuracy of every strategy that is done, epoch by epoch of its last stage, against the effort.

    The stages before the last are the effort that it begins with. They count as the run placed them: independent
    networks by the rank that had most to do. ``worker_flops`` says what would be with a worker for every subdomain: the
    largest local network counts, and the global network is shared out (data parallel). Of the local networks a stage
    that starts from an earlier epoch needs the epochs up to that one.

    Returns
    -------
    pandas.DataFrame
        The columns ``COLUMNS``: efforts are sums from the start of training. Strategies that train nothing have one row
        of epoch 0.

    Raises
    ------
    ValueError
        If the data set is gone, so that nobody knows the stages.
    """
    problem = problem_of(run)
    results = {(result["stage"], result["seed"]): result for result in run.results()}
    records = pd.DataFrame(run.metrics()).reindex(columns=["stage", "seed", "epoch", "seconds", "validation_accuracy"])
    parts = []
    for strategy in run.experiment.strategies:
        stages = list(strategy_stages(problem, strategy))
        for seed in run.experiment.seeds:
            if all((stage.name, seed) in results for stage in stages):
                mine = records[(records["stage"] == strategy) & (records["seed"] == seed)].sort_values("epoch")
                by_stage = {stage.name: results[stage.name, seed] for stage in stages}
                parts.append(_curve(problem, stages, by_stage, mine).assign(strategy=strategy, seed=seed))
    curves = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    titles = {name: entry.title for name, entry in STRATEGIES.items()}
    return curves.assign(title=curves["strategy"].map(titles))[list(COLUMNS)]


def _curve(
    problem: Problem, stages: list[Stage], results: dict[str, StageResult], records: pd.DataFrame
) -> pd.DataFrame:
    """One strategy of one seed."""
    last = stages[-1].name
    whole, own = total_effort(problem, stages, results), _spent(problem, stages[-1], results[last])
    if records.empty:
        told = {"epoch": [0], "validation_accuracy": [results[last]["validation_accuracy"]]}
        return pd.DataFrame(told | dict(zip(EFFORTS, whole[:, None], strict=True)))
    epochs = records[["epoch", "validation_accuracy"]].reset_index(drop=True)
    before = whole - own
    spent = pd.DataFrame(before + np.outer(np.arange(1, len(epochs) + 1) / len(epochs), own), columns=list(EFFORTS))
    return epochs.join(spent).assign(seconds=before[0] + records["seconds"].cumsum().to_numpy())


def total_effort(problem: Problem, stages: list[Stage], results: dict[str, StageResult]) -> np.ndarray:
    """Add up the effort of a strategy from its start to its end, of one seed, in the order of ``EFFORTS``.

    Parameters
    ----------
    stages
        Those of the strategy, in order.
    results
        Of every one of them, by name.
    """
    *earlier, last = stages
    before = sum((_spent(problem, stage, results[stage.name]) for stage in earlier), np.zeros(len(EFFORTS)))
    if last.starts_from is not None:
        before = before * _share_of_epochs(results[LOCAL], last.starts_from)
    total: np.ndarray = before + _spent(problem, last, results[last.name])
    return total


def total_epochs(problem: Problem, stages: list[Stage], results: dict[str, StageResult]) -> tuple[float, float]:
    """Epochs that a strategy trains as one model, and epochs in all: those of its local networks, too.

    What looks at probabilities, not at images, counts as none: the DNN of CNN-DNN, and votes. Out-of-fold networks are
    left out; the work counts them. NaN where an older ddlab did not write how many epochs there were.

    Parameters
    ----------
    stages, results
        As :func:`total_effort` takes them.
    """
    as_one = sum(_epochs(results[stage.name]) for stage in stages if stage.kind == "collective")
    before = max((_epochs(results[stage.name]) for stage in stages if stage.name == LOCAL), default=0)
    if stages[-1].starts_from is not None:
        before = min(before, stages[-1].starts_from)
    return as_one, as_one + before


def _epochs(result: StageResult) -> float:
    """Epochs that a stage trained; of several networks those of the longest."""
    known = [result.get("epochs"), *(network.get("epochs") for network in result.get("networks") or ())]
    return float(max((epochs for epochs in known if epochs is not None), default=np.nan))


def share_of_global(problem: Problem, flops: float) -> float:
    """Operations as a share of those that training the global network takes for all epochs of the training."""
    return flops / training_flops(problem.global_network.flops(), problem)


def _spent(problem: Problem, stage: Stage, result: StageResult) -> np.ndarray:
    """Return the effort of a whole stage, in the order of ``EFFORTS``."""
    by_rank = result["flops_by_rank"] or [0.0]
    return np.array([result["seconds"], sum(by_rank), max(by_rank), sum(by_rank) * _largest_share(problem, stage)])


def _largest_share(problem: Problem, stage: Stage) -> float:
    """The share of a stage's work that the busiest of N workers has.

    The DNN, which in a coherent model every worker computes, is small and left out.
    """
    if stage.kind == "single":
        return 1.0
    if len(stage.tasks) == 1:  # one network for the whole image
        return 1 / len(problem.decomposition)
    work = [task.flops for task in stage.tasks]
    return max(work) / sum(work)


def _share_of_epochs(local: StageResult, start: int) -> float:
    """Return the share of the local stage's work that was done when a stage could start from its epoch ``start``."""
    done = [
        (network["flops"] * min(start, network["epochs"]), network["flops"] * network["epochs"])
        for network in local["networks"]
    ]
    return sum(part for part, _ in done) / sum(whole for _, whole in done)


def time_to_accuracy(curves: pd.DataFrame, target: float) -> pd.DataFrame:
    """Find the effort with which every strategy first reaches an accuracy on the validation images.

    Parameters
    ----------
    curves
        As :func:`effort_curves` gives them.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``best`` (highest accuracy, mean over the seeds), ``seeds``, ``reached`` (by how many
        of them), and the efforts ``EFFORTS``: means over the seeds, NaN unless all of them reach it.
    """
    rows = []
    for (strategy, title), curve in curves.groupby(["strategy", "title"], sort=False):
        best = curve.groupby("seed")["validation_accuracy"].max().mean()
        rows.append({"strategy": strategy, "title": title, "best": best, **reaching(curve, target, list(EFFORTS))})
    return pd.DataFrame(rows, columns=["strategy", "title", "best", "seeds", "reached", *EFFORTS])
