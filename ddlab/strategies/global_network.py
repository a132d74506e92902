"""The global network: one network on the whole image, trained data parallel by all ranks. The benchmark."""

from collections.abc import Iterator

import numpy as np

from ddlab.data.source import SPLITS
from ddlab.problem import Problem
from ddlab.strategies.results import accuracies, write_decisions, write_result
from ddlab.strategies.stage import Stage, StageContext, Task, training_flops


def stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the network."""
    task = Task("whole image", training_flops(problem.global_network.flops(), problem))
    yield Stage("global", "Global network", "collective", train, tasks=(task,))


def train(context: StageContext) -> None:
    """Train on the whole images; every rank takes its part of each batch and gradients are averaged."""
    from ddlab.batches import ImageFeed, Sharing  # torch
    from ddlab.decomposition import Subdomain
    from ddlab.strategies import phases

    settings, ranks, shape = context.problem.experiment.training, context.ranks, context.problem.description.shape
    whole = Subdomain((0,) * len(shape), shape)
    feed = ImageFeed(context.dataset, [whole], settings, Sharing(ranks, split_batches=True))
    cohort = phases.Cohort(context.problem.global_network, ("global",), (None,))
    trained = phases.train_cohort(context, cohort, feed, settings, ranks)
    scores: dict[str, np.ndarray] = {
        split: phases.predict(trained.bank, feed, split, settings, ranks)[:, 0] for split in SPLITS
    }
    last = phases.predict_last(trained, feed, ranks)[:, 0].argmax(1)
    if ranks.rank > 0:
        return
    decisions: dict[str, np.ndarray] = {split: values.argmax(1) for split, values in scores.items()}
    reached = accuracies(context, decisions, last)
    (network,) = phases.network_results(
        cohort,
        trained,
        {
            "train": [reached["train_accuracy"]],
            "validation": [reached["validation_accuracy"]],
            "last": [reached["last_validation_accuracy"]],
        },
    )
    write_decisions(context, scores, decisions)
    work = trained.flops(len(context.dataset.train), len(context.dataset.validation)) / ranks.size
    size = {key: network[key] for key in ("best_epoch", "parameters", "flops")}
    sent = 0 if ranks.alone else network["epochs"] * feed.steps * gradient_bytes(context.problem)
    write_result(context, trained.seconds, [work] * ranks.size, [network], bytes_sent=sent, **reached, **size)


def gradient_bytes(problem: Problem) -> int:
    """What data parallel training sends a step: the gradient of every parameter, once."""
    return problem.global_network.parameters() * (8 if problem.experiment.training.precision == "float64" else 4)
