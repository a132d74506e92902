"""What ranks send each other in a training step: counted from the networks, and measured in a run."""

import math
from collections import Counter

import pandas as pd

from ddlab.problem import Problem, pose
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.global_network import gradient_bytes

OF_WHOLE_IMAGES = ("global", "composed", "random", "random_work", "sgd", "adam")  # trained data parallel
MODEL_PARALLEL = ("coherent", "transfer")
EVERY_RANK_ALONE = ("average", "majority", "cnn_dnn", "composed_untrained")
DATA_PARALLEL = "coherent, data parallel"  # no strategy: what the model parallel ones avoid


def communication_table(problem: Problem) -> pd.DataFrame:
    """Payload of the collectives of one training step, by strategy, and of the coherent model trained data parallel.

    A coherent model gathers the N·K local outputs of a batch in its forward pass. Its backward pass sends nothing:
    every rank computes the whole DNN, so it already holds the gradient of its own outputs; sending them back would
    double it. Data parallel training averages a gradient of every parameter. The methods with a trust region sum
    vectors of a number a parameter: here, those of a step of first order of which no trial is rejected; further trials
    and secant pairs add some (:class:`ddlab.optim.apts.SAPTS`). What a rank sends for any of them depends on how the
    collective is done; the payload does not.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``bytes`` a step, and ``sends`` (in words).
    """
    asked = problem.experiment
    number = 8 if asked.training.precision == "float64" else 4
    outputs = len(problem.decomposition) * problem.description.num_classes * asked.training.batch_size * number
    parameters = sum(network.parameters() for network in (*problem.local_networks, dnn(problem)))
    sends = {
        **dict.fromkeys(EVERY_RANK_ALONE, (0, "nothing")),
        **dict.fromkeys(OF_WHOLE_IMAGES, (gradient_bytes(problem), "the gradient of every parameter")),
        **dict.fromkeys(MODEL_PARALLEL, (outputs, "N·K local outputs of every image")),
    }
    for name, count in _vectors(problem).items():
        sends[name] = count * gradient_bytes(problem), f"{count} or more numbers a parameter"
    rows = [(name, STRATEGIES[name].title, *sends[name]) for name in asked.strategies]
    if set(MODEL_PARALLEL) & set(asked.strategies):
        rows.append((DATA_PARALLEL, "Coherent, data parallel", number * parameters, "the gradient of every parameter"))
    return pd.DataFrame(rows, columns=["strategy", "title", "bytes", "sends"])


def _vectors(problem: Problem) -> dict[str, int]:
    """The fewest vectors of a step: gradient, additive step, gradient where it leads, which may be the next step's."""
    apts = 3 if problem.experiment.apts.global_pass else 2
    return {"apts": apts, "sapts": 3, "trust_region": 1}


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
    problem = pose(run.experiment)
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
