"""Communication: what ranks send each other in a training step, counted from the stages and measured in a run."""

import math
from collections import Counter

import pandas as pd

from ddlab.problem import Problem, problem_of
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.stage import NO_PAYLOAD, strategy_stages

DATA_PARALLEL = "coherent, data parallel"  # no strategy: what the model parallel ones avoid


def communication_table(problem: Problem) -> pd.DataFrame:
    """Count the payload of one training step of every strategy, and of the coherent model trained data parallel.

    A strategy's stages say what their ranks send each other (:class:`ddlab.strategies.stage.Payload`); the last one
    that sends anything counts, which trains what decides.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``bytes`` a step, and ``sends`` (in words).
    """
    rows, of_coherent = [], 0
    for name in problem.experiment.strategies:
        stages = list(strategy_stages(problem, name))
        payload = next((stage.payload for stage in reversed(stages) if stage.payload.bytes), NO_PAYLOAD)
        rows.append((name, STRATEGIES[name].title, payload.bytes, payload.sends))
        if stages[-1].kind == "collective" and (kept := stages[-1].dnn):
            parts = [*(network.network for network in stages[-1].networks), kept.dnn.network]
            of_coherent = problem.number_bytes * sum(part.parameters() for part in parts)
    if of_coherent:
        rows.append((DATA_PARALLEL, "Coherent, data parallel", of_coherent, "the gradient of every parameter"))
    return pd.DataFrame(rows, columns=["strategy", "title", "bytes", "sends"])


def measured_communication(run: RunFolder) -> pd.DataFrame:
    """The table of :func:`communication_table` beside what the run counted.

    Returns
    -------
    pandas.DataFrame
        As there, and ``measured``: bytes a step, mean over the seeds; NaN for strategies that are not done or that ran
        on one rank, which has nobody to send to.

    Raises
    ------
    ValueError
        If the data set is gone, so that nobody knows the networks.
    """
    problem = problem_of(run)
    batches = math.ceil(problem.description.num_train / problem.experiment.training.batch_size)
    steps: Counter[tuple[str, int]] = Counter()
    for record in run.metrics():
        if record.get("subdomain") is None:  # methods with a trust region tell their steps, of which APTS has one
            told = len((record.get("steps") or {}).get("loss", ()))
            steps[record["stage"], record["seed"]] += told or batches
    counted: dict[str, list[float]] = {}
    for result in run.results():
        taken = steps[result["stage"], result["seed"]]
        if len(result["flops_by_rank"]) > 1 and taken:
            counted.setdefault(result["stage"], []).append(result["bytes_sent"] / taken)
    means = {stage: sum(values) / len(values) for stage, values in counted.items()}
    table = communication_table(problem)
    return table.assign(measured=table["strategy"].map(means).astype(float))
