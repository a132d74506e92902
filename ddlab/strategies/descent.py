"""Adam and SGD at a rate that stays: what methods without a rate are compared with.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Section 3: Adam at the best of 13 rates.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ddlab.experiment import TrainingSettings
from ddlab.problem import Problem
from ddlab.strategies import global_network
from ddlab.strategies.global_network import global_task, train_whole, whole_stage
from ddlab.strategies.growth import Growth, Load
from ddlab.strategies.stage import Stage, StageContext

if TYPE_CHECKING:
    from ddlab.runs.records import Notes
    from ddlab.training.loop import Loop
    from ddlab.training.totals import Means
    from ddlab.training.trainee import Trainee


def adam_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the global network by Adam."""
    yield _stage(problem, "adam")


def sgd_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the global network by SGD."""
    yield _stage(problem, "sgd")


def _stage(problem: Problem, name: str) -> Stage:
    task = global_task(problem, problem.experiment.training.epochs)
    return replace(whole_stage(problem, name, train, task), growth=partial(grow, problem))


def grow(problem: Problem, ranks: int, images: int) -> Growth:
    """Grow as data parallel training does, and tell the loss of all training images after every epoch."""
    grown = global_network.grow(problem, problem.experiment.training.epochs, ranks, images)
    told = problem.description.num_train / ranks

    def more(load: Load) -> Load:
        return replace(load, evaluated=load.evaluated + told)

    return replace(grown, shares=tuple(replace(s, loads=tuple(map(more, s.loads))) for s in grown.shares))


def settings_of(problem: Problem, optimizer: str) -> TrainingSettings:
    """The training's, with this optimizer at its own rate, which nothing lowers and which is there from the start."""
    training = problem.experiment.training
    rate = getattr(problem.experiment.descent, f"{optimizer}_rate")
    steady = {"rate_steps": (), "plateau_patience": training.epochs, "warm_up": 0}
    return training.model_copy(update={"optimizer": optimizer, "learning_rate": rate, **steady})


def train(context: StageContext) -> None:
    """Train from new weights, the same as those of the strategies without a rate."""
    from ddlab.training.loop import TrainingHooks  # torch

    settings = settings_of(context.problem, context.stage.name)

    def begin(trainee: "Trainee") -> None:
        begin_alike(context, trainee)
        trainee.notes = partial(effort_notes, context.problem, trainee)

    train_whole(context, settings, TrainingHooks(begin, _train_epoch))


def _train_epoch(loop: "Loop", epoch: int, active: "list[Trainee]") -> "Means":
    """Train an epoch by back-propagation; losses and accuracies of the training images are taken after it."""
    loop.back_propagate(epoch, active)
    return loop.evaluate("train")


def begin_alike(context: StageContext, trainee: "Trainee") -> None:
    """Begin from weights that follow from the seed alone, whichever strategy trains them."""
    from ddlab.strategies.phases import new_state

    trainee.begin_with(new_state(context.problem.global_network, context.seed, "optimizers", "global"))


def effort_notes(problem: Problem, trainee: "Trainee") -> "Notes":
    """Return what a record says of the effort so far: passes over the data, and what ranks exchange."""
    return {
        "data_passes": trainee.progress.data_passes,
        "vectors": trainee.progress.vectors,
        "parameters": problem.global_network.parameters(),
        "bytes_each": problem.number_bytes,
    }
