"""The global network: one network on the whole image, trained data parallel by all ranks. The benchmark."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlab.experiment import TrainingSettings
from ddlab.problem import Problem
from ddlab.strategies.growth import Exchange, Growth, Load, Share, divided
from ddlab.strategies.results import Splits, accuracies, write_decisions, write_result
from ddlab.strategies.stage import (
    Payload,
    Stage,
    StageContext,
    Task,
    kept_whole,
    predicted_images,
    steps_an_epoch,
    training_flops,
)

if TYPE_CHECKING:
    from ddlab.runs.records import Accuracies
    from ddlab.training.batches import ImageFeed
    from ddlab.training.loop import TrainingHooks


def stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the network."""
    task = global_task(problem, problem.experiment.training.epochs)
    yield whole_stage(problem, "global", train, task)


def whole_stage(
    problem: Problem,
    name: str,
    run: Callable[[StageContext], None],
    task: Task,
    payload: Payload | None = None,
    needs: tuple[str, ...] = (),
) -> Stage:
    """Declare a stage that trains the global network and leaves it under the stage's name.

    Parameters
    ----------
    payload
        What its ranks send each other in a step; None: as data parallel training does, the gradient.
    """
    kept = kept_whole(problem, name)
    sent = payload or Payload(gradient_bytes(problem), "the gradient of every parameter")
    epochs = task.flops / global_task(problem, 1).flops
    stage = Stage(name, kept.title, "collective", run, needs, (task,), (kept,), payload=sent, divides_batches=True)
    most = min(problem.experiment.training.batch_size, problem.description.num_train)
    return replace(stage, most_ranks=most, growth=partial(grow, problem, epochs))


def grow(problem: Problem, epochs: float, ranks: int, images: int) -> Growth:
    """Give every rank its part of every batch; gradients are summed over all of them."""
    data, network = problem.description, problem.global_network
    once: dict[str, Any] = {"evaluated": data.num_validation / ranks, "predicted": predicted_images(problem) / ranks}
    shares = tuple(Share(count, (Load(network, part, **once),)) for count, part in divided(images, ranks))
    summed = Exchange("all_reduce", ranks, gradient_bytes(problem))
    return Growth(shares, f"{images} images a step", images, steps_an_epoch(problem, images), epochs, (summed,))


def global_task(problem: Problem, epochs: int) -> Task:
    """Return the task of training the global network for this many epochs."""
    share = epochs / problem.experiment.training.epochs
    return Task("whole image", training_flops(problem.global_network.flops(), problem) * share)


def train(context: StageContext) -> None:
    """Train from new weights."""
    train_whole(context, context.problem.experiment.training)


def whole_feed(context: StageContext, settings: TrainingSettings) -> "ImageFeed":
    """Whole images; every rank takes its part of each batch."""
    from ddlab.training.batches import ImageFeed, Sharing  # torch

    return ImageFeed(
        context.dataset, [context.problem.whole_image], settings, Sharing(context.ranks, split_batches=True)
    )


def train_whole(
    context: StageContext,
    settings: TrainingSettings,
    hooks: "TrainingHooks | None" = None,
    feed: "ImageFeed | None" = None,
) -> None:
    """Train the global network; every rank takes its part of each batch and gradients are averaged.

    Its weights and decisions carry the stage's name.

    Parameters
    ----------
    hooks
        As :func:`ddlab.strategies.phases.train_cohort` takes it.
    feed
        Where images come from; :func:`whole_feed` if None.
    """
    from ddlab.strategies import phases  # torch
    from ddlab.training.loop import NO_HOOKS

    ranks, feed, hooks = context.ranks, feed or whole_feed(context, settings), hooks or NO_HOOKS
    cohort = phases.Cohort(context.problem.global_network, (context.stage.name,), (None,))
    trained = phases.train_cohort(context, cohort, feed, settings, ranks, hooks=hooks)
    scores: dict[str, np.ndarray] = {
        split: phases.predict(trained.bank, feed, split, settings, ranks)[:, 0] for split in context.dataset.splits
    }
    last = phases.predict_last(trained, feed, context.dataset.held_out, ranks)
    if ranks.rank > 0:
        return
    reached = write_scores(context, scores, {split: values[:, 0].argmax(1) for split, values in last.items()})
    (network,) = phases.network_results(cohort, trained, {name: [value] for name, value in reached.items()})
    work = trained.flops(len(context.dataset.train), len(context.dataset.validation)) / ranks.size
    sent = 0 if ranks.alone else trained.trainees[0].progress.vectors * gradient_bytes(context.problem)
    write_result(
        context,
        trained.seconds,
        [work] * ranks.size,
        [network],
        bytes_sent=sent,
        **reached,
        epochs=network["epochs"],
        best_epoch=network["best_epoch"],
        parameters=network["parameters"],
        flops=network["flops"],
    )


def write_scores(context: StageContext, scores: Splits, last: Splits) -> "Accuracies":
    """Write scores ``(M, K)`` and the decisions that follow from them; the accuracies that they reach.

    Parameters
    ----------
    last
        As :func:`ddlab.strategies.results.accuracies` takes it.
    """
    decisions: dict[str, np.ndarray] = {split: values.argmax(1) for split, values in scores.items()}
    write_decisions(context, scores, decisions)
    return accuracies(context, scores, decisions, last)


def gradient_bytes(problem: Problem) -> int:
    """Count the bytes of a data parallel step: the gradient of every parameter, once."""
    return problem.global_network.parameters() * problem.number_bytes
