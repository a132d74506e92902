"""The composed network: local networks trained on their own, put together to one global network, trained on.

References
----------
Gu, Zhang, Liu, Cai, "Decomposition and composition of deep convolutional neural networks and training acceleration via
sub-network transfer learning", ETNA 56, 2022: Algorithm 1. What it makes is called GNet-T there.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlab.composition.matching import check_composition
from ddlab.experiment import ExperimentError, TrainingSettings
from ddlab.problem import Problem
from ddlab.strategies.global_network import global_task, train_whole, whole_feed, whole_stage, write_scores
from ddlab.strategies.growth import Growth, Load, Share
from ddlab.strategies.local import local_stage
from ddlab.strategies.results import write_result
from ddlab.strategies.stage import LOCAL, Stage, StageContext, kept_whole, predicted_images

if TYPE_CHECKING:
    from ddlab.runs.records import Notes
    from ddlab.training.trainee import State, Trainee

UNTRAINED = "composed_untrained"
FURTHER_RATE = 0.1  # of the training's: at the full rate Adam's first steps undo what the local networks learned


def untrained_stages(problem: Problem) -> Iterator[Stage]:
    """The local networks, then the network that they make, as it is.

    Raises
    ------
    ExperimentError
        If the local networks do not make a global network.
    """
    _composable(problem)
    yield local_stage(problem)
    left, growth = (kept_whole(problem, UNTRAINED),), partial(grow, problem)
    title = "Composed network, untrained"
    yield Stage(UNTRAINED, title, "single", compose, needs=(LOCAL,), networks=left, growth=growth)


def grow(problem: Problem, ranks: int, images: int) -> Growth:
    """Let one rank compose the network and predict all images by it, whatever there are of them."""
    again = problem.description.num_train * problem.experiment.composed.recalibrate
    load = Load(problem.global_network, images, predicted=predicted_images(problem) + again)
    return Growth((Share(1, (load,)),), "1 composed network, whose images one rank predicts", 1, 0, 0)


def stages(problem: Problem) -> Iterator[Stage]:
    """The local networks, the network that they make, and its further training.

    Raises
    ------
    ExperimentError
        If the local networks do not make a global network.
    """
    yield from untrained_stages(problem)
    task = global_task(problem, problem.experiment.composed.epochs)
    yield whole_stage(problem, "composed", train_further, task, needs=(UNTRAINED,))


def further_settings(problem: Problem) -> TrainingSettings:
    """Return the settings of the further training: its own epochs and rates, all else as for the local networks."""
    training, own = problem.experiment.training, problem.experiment.composed
    return training.model_copy(
        update={
            "epochs": own.epochs,
            "learning_rate": own.learning_rate or FURTHER_RATE * training.learning_rate,
            "rate_steps": own.rate_steps,
        }
    )


def compose(context: StageContext) -> None:
    """Compose the global network and write what it decides, untrained."""
    from ddlab.composition.blocks import average_logits, recalibrate
    from ddlab.composition.compose import composition_of
    from ddlab.models.bank import Bank
    from ddlab.models.names import local_name
    from ddlab.strategies import checkpoints, phases

    problem, began = context.problem, time.monotonic()
    own, settings = problem.experiment.composed, problem.experiment.training
    local = context.needed(LOCAL)
    names = [f"{local_name(index)}-{settings.keep}" for index in range(len(problem.decomposition))]
    composition = composition_of(problem)
    state = composition.compose([checkpoints.read_weights(local, name) for name in names])
    if own.logits == "mean":
        state = average_logits(composition, state)
    bank, feed = (
        Bank(problem.global_network, 1).to(phases.arithmetic(settings)),
        whole_feed(replace(context, ranks=context.alone), settings),
    )
    bank.load_state_of(0, state)
    bank.prepare(context.ranks.device, phases.arithmetic(settings))
    if own.recalibrate:
        recalibrate(bank, feed.evaluate("train"))
    for epoch in ("best", "last"):
        checkpoints.save_weights(context, f"{UNTRAINED}-{epoch}", bank.state_of(0))
    scores: dict[str, np.ndarray] = {
        split: phases.predict(bank, feed, split, settings, context.alone)[:, 0] for split in context.dataset.splits
    }
    reached = write_scores(context, scores, {split: values.argmax(1) for split, values in scores.items()})
    size = {"parameters": problem.global_network.parameters(), "flops": problem.global_network.flops()}
    write_result(context, time.monotonic() - began, [0.0], [], **reached, best_epoch=None, **size)


def train_further(context: StageContext) -> None:
    """Train the composed network on; every epoch's record says how much has moved between the blocks."""
    from ddlab.composition.blocks import cross_energy, damp
    from ddlab.composition.compose import composition_of
    from ddlab.strategies.checkpoints import read_weights
    from ddlab.training.loop import TrainingHooks

    own, settings = context.problem.experiment.composed, further_settings(context.problem)
    composed = read_weights(context.needed(UNTRAINED), f"{UNTRAINED}-last")
    masks = composition_of(context.problem).cross_masks()

    def factor(trainee: "Trainee") -> float:
        return own.cross_rate * min(1.0, (trainee.progress.epoch + 1) / (own.warm_up + 1))

    def notes(trainee: "Trainee") -> "Notes":
        return {"cross_energy": cross_energy(trainee.last_state, masks)}

    def begin(trainee: "Trainee") -> None:
        trainee.begin_with(composed)
        trainee.notes = partial(notes, trainee)
        if own.cross_rate < 1 or own.warm_up:
            damp(trainee.optimizer, _masked(trainee, masks), partial(factor, trainee))

    train_whole(context, settings, TrainingHooks(begin))


def _masked(trainee: "Trainee", masks: "State") -> list[Any]:
    """The weights that have a mask, each with it."""
    keys = [key for key, value in trainee.last_state.items() if value.dim() > 1]
    weights = [weight for weight in trainee.optimizer.param_groups[0]["params"] if weight.dim() > 1]
    return [(weight, masks[key]) for key, weight in zip(keys, weights, strict=True) if key in masks]


def _composable(problem: Problem) -> None:
    if problem.experiment.model.reduction != "1/N":
        raise ExperimentError(
            "model.reduction: a composed network needs '1/N', so that the channels of N local networks add up to those "
            f"of the global one, got {problem.experiment.model.reduction!r}"
        )
    try:
        check_composition(problem.local_networks, problem.global_network, problem.decomposition)
    except ValueError as error:
        raise ExperimentError(str(error)) from None
