"""The random start: the global network from new weights, for as long as local networks and composed network together.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022, Section 3.1.1: called GNet-R there; as many epochs in all, and the same rate in the
last ones. At equal epochs it does more work than the composed network; at equal work it gets fewer epochs.
"""

from collections.abc import Iterator

from ddlab.experiment import TrainingSettings
from ddlab.experiment.base import Rates
from ddlab.problem import Problem
from ddlab.strategies.composed import further_settings
from ddlab.strategies.global_network import global_task, train_whole, whole_stage
from ddlab.strategies.stage import Stage, StageContext


def stages(problem: Problem) -> Iterator[Stage]:
    """Yield one stage, of equal epochs."""
    task = global_task(problem, settings_of(problem).epochs)
    yield whole_stage(problem, "random", train, task)


def stages_of_equal_work(problem: Problem) -> Iterator[Stage]:
    """Yield one stage, of equal work."""
    task = global_task(problem, settings_of_equal_work(problem).epochs)
    yield whole_stage(problem, "random_work", train_equal_work, task)


def train(context: StageContext) -> None:
    """Train from new weights."""
    train_whole(context, settings_of(context.problem))


def train_equal_work(context: StageContext) -> None:
    """Train from new weights, for fewer epochs."""
    train_whole(context, settings_of_equal_work(context.problem))


def settings_of(problem: Problem) -> TrainingSettings:
    """Return the settings: the epochs of local and composed networks; the training's rates, then the composed one's."""
    training, further = problem.experiment.training, further_settings(problem)
    plan: Rates = problem.experiment.composed.random_steps or (
        *(step for step in training.rate_steps if step[0] < training.epochs),
        (training.epochs, further.learning_rate),
        *((training.epochs + epoch, rate) for epoch, rate in further.rate_steps),
    )
    return training.model_copy(update={"epochs": training.epochs + further.epochs, "rate_steps": plan})


def settings_of_equal_work(problem: Problem) -> TrainingSettings:
    """Return :func:`settings_of`, compressed to the epochs that cost what local and composed networks cost together."""
    settings = settings_of(problem)
    local = sum(network.flops() for network in problem.local_networks) / problem.global_network.flops()
    epochs = max(1, round(problem.experiment.composed.epochs + problem.experiment.training.epochs * local))
    share = epochs / settings.epochs
    plan = {max(1, round(epoch * share)): rate for epoch, rate in settings.rate_steps}
    return settings.model_copy(update={"epochs": epochs, "rate_steps": tuple(plan.items())})
