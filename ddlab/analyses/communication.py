"""What ranks send each other in a training step: counted from the networks, and measured in a run."""

import math

import pandas as pd

from ddlab.problem import Problem, pose
from ddlab.runs import RunFolder
from ddlab.strategies import STRATEGIES
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.global_network import gradient_bytes

OF_WHOLE_IMAGES = ("global", "composed", "random", "random_work")  # trained data parallel
MODEL_PARALLEL = ("coherent", "transfer")
DATA_PARALLEL = "coherent, data parallel"  # no strategy: what the model parallel ones avoid


def communication_table(problem: Problem) -> pd.DataFrame:
    """Payload of the collectives of one training step, by strategy, and of the coherent model trained data parallel.

    A coherent model gathers the N·K local outputs of a batch in its forward pass. Its backward pass sends nothing:
    every rank computes the whole DNN, so it already holds the gradient of its own outputs; sending them back would
    double it. Data parallel training averages a gradient of every parameter. What a rank sends for either depends on
    how the collective is done; the payload does not.

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
        **dict.fromkeys(OF_WHOLE_IMAGES, (gradient_bytes(problem), "the gradient of every parameter")),
        **dict.fromkeys(MODEL_PARALLEL, (outputs, "N·K local outputs of every image")),
    }
    rows = [(name, STRATEGIES[name].title, *sends.get(name, (0, "nothing"))) for name in asked.strategies]
    if set(MODEL_PARALLEL) & set(asked.strategies):
        rows.append((DATA_PARALLEL, "Coherent, data parallel", number * parameters, "the gradient of every parameter"))
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
    problem = pose(run.experiment)
    steps = math.ceil(problem.description.num_train / problem.experiment.training.batch_size)
    epochs = pd.Series([(r["stage"], r["seed"]) for r in run.metrics() if r.get("subdomain") is None]).value_counts()
    counted: dict[str, list[float]] = {}
    for result in run.results():
        trained = epochs.get((result["stage"], result["seed"]), 0)
        if len(result["flops_by_rank"]) > 1 and trained:
            counted.setdefault(result["stage"], []).append(result["bytes_sent"] / (steps * trained))
    means = {stage: sum(values) / len(values) for stage, values in counted.items()}
    table = communication_table(problem)
    return table.assign(measured=table["strategy"].map(means).astype(float))
