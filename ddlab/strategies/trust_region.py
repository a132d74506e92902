"""Training without a learning rate: the trust-region method, and APTS and SAPTS, which precondition it.

The global network is trained; what is decomposed is the data of a step. Every rank holds some of the subdomains. Where
all subdomains share the data (``apts.data``), nothing is decomposed, and the first rank has the one local training.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method".
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ddlab.experiment import Experiment, ExperimentError
from ddlab.experiment.parts import AUGMENTATIONS
from ddlab.optim import OPTIMIZERS
from ddlab.problem import Problem
from ddlab.strategies.descent import begin_alike, effort_notes
from ddlab.strategies.global_network import global_task, gradient_bytes, train_whole, whole_feed, whole_stage
from ddlab.strategies.growth import Exchange, Growth, Load, Share, divided
from ddlab.strategies.stage import (
    Payload,
    Stage,
    StageContext,
    check_no_clipping,
    predicted_images,
    steps_an_epoch,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ddlab.optim.base import TrustRegionMethod
    from ddlab.ranks import Ranks
    from ddlab.runs.records import Notes
    from ddlab.training.trainee import Trainee
    from ddlab.training.trust_region_epoch import DataDivision

VALUE = 1 / 3  # of the operations of a gradient
LOSS_BYTES = 8  # of a loss, which is summed by itself


def apts_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: APTS on all images in every step.

    Raises
    ------
    ExperimentError
        If a step's function would not be that of the step before, or a subdomain would be left without images.
    """
    training, model = problem.experiment.training, problem.experiment.model
    for field in AUGMENTATIONS:
        if value := getattr(training, field):
            raise ExperimentError(f"training.{field}: apts sees the same images in every step; needs 0, got {value}")
    if model.dropout:
        raise ExperimentError(f"model.dropout: apts has one loss for all steps; needs 0, got {model.dropout:g}")
    _enough(problem, problem.description.num_train)
    yield _stage(problem, "apts", _passes(problem.experiment), 3 if problem.experiment.apts.global_pass else 2)


def sapts_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: APTS in minibatches.

    Raises
    ------
    ExperimentError
        If a subdomain would be left without images.
    """
    _enough(problem, min(problem.experiment.training.batch_size, problem.description.num_train))
    yield _stage(problem, "sapts", _passes(problem.experiment), 3)


def trust_region_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: the trust-region method on minibatches."""
    yield _stage(problem, "trust_region", 1 + VALUE, 1)


def _stage(problem: Problem, name: str, passes: float, vectors: int) -> Stage:
    """Declare a stage whose epochs take so many passes over the images.

    Its ranks sum at least so many vectors a step, of a number a parameter each: the gradient where it begins, the
    additive step, the gradient where that leads (which may be the next step's). A step of first order of which no trial
    is rejected sums just those; further trials and secant pairs add some (:class:`ddlab.optim.apts.SAPTS`).
    """
    check_no_clipping(problem, name)
    task = global_task(problem, problem.experiment.training.epochs)
    payload = Payload(vectors * gradient_bytes(problem), f"{vectors} or more numbers a parameter")
    stage = whole_stage(problem, name, train, replace(task, flops=task.flops * passes), payload)
    stage = replace(stage, growth=partial(grow, problem, name, vectors))
    if name == "trust_region":  # a subdomain of the data a rank, however many there are
        return stage
    apts = problem.experiment.apts
    return replace(stage, most_ranks=1 if apts.data == "shared" else apts.subdomains)


def grow(problem: Problem, name: str, vectors: int, ranks: int, images: int) -> Growth:
    """Give every rank some of the subdomains of a step's data; vectors are summed, and the losses with them.

    ``trust_region`` has a subdomain a rank. Nothing is rejected, as in :func:`_passes`.
    """
    apts, data = problem.experiment.apts, problem.description
    plain, whole = name == "trust_region", _is_whole(problem, name)
    seen = data.num_train if whole else images
    most = seen if plain else 1 if apts.data == "shared" else apts.subdomains
    passes: dict[str, Any] = (
        {"gradients": 1, "values": 1} if plain else {"gradients": 1 + apts.local_steps, "values": 2}
    )
    once: dict[str, Any] = {"evaluated": data.num_validation / ranks, "predicted": predicted_images(problem) / ranks}
    shares = tuple(
        Share(count, (Load(problem.global_network, part * seen / most, **passes, **once),))
        for count, part in divided(most, ranks)
    )
    summed = Exchange("all_reduce", ranks, gradient_bytes(problem), vectors)
    losses = Exchange("all_reduce", ranks, LOSS_BYTES, vectors + passes["values"])
    steps = 1 if whole else steps_an_epoch(problem, images)
    parts = f"{most} images a step" if plain else f"{most} subdomain{'s' * (most > 1)} of the data"
    return Growth(shares, parts, most, steps, problem.experiment.training.epochs, (summed, losses))


def _passes(experiment: Experiment) -> float:
    """Passes of an additive step in which nothing is rejected: here, ν - 1 local ones, the sum; and two losses."""
    return 1 + experiment.apts.local_steps + 2 * VALUE


def _enough(problem: Problem, images: int) -> None:
    count = problem.experiment.apts.subdomains
    if count > images and problem.experiment.apts.data == "split":
        raise ExperimentError(f"apts.subdomains: every one needs an image of a step, which has {images}, got {count}")


def train(context: StageContext) -> None:
    """Train from new weights, the same for all methods that are compared."""
    from ddlab.training.loop import TrainingHooks
    from ddlab.training.trust_region_epoch import Steps, chunk_of  # torch

    problem, settings = context.problem, context.problem.experiment.training
    feed = whole_feed(context, settings)
    steps = Steps(feed, _data_division(problem, context.stage.name, context.ranks), chunk_of(problem.global_network))

    def begin(trainee: "Trainee") -> None:
        begin_alike(context, trainee)
        parameters = list(trainee.owner.parameters())
        optimizer = _optimizer(problem.experiment, context.stage.name, parameters, list(trainee.owner.buffers()))
        trainee.use(optimizer)

        def notes() -> "Notes":
            return {
                **effort_notes(problem, trainee),
                "step_loss": steps.step_loss,
                "radius": optimizer.radius,
                "steps": steps.columns,
                "still": trainee.progress.finished,
            }

        trainee.notes = notes

    train_whole(context, settings, TrainingHooks(begin, steps.train_epoch, averaged=False), feed)


def _data_division(problem: Problem, strategy: str, ranks: "Ranks") -> "DataDivision":
    """Return how the experiment cuts its data over subdomains and ranks; ``trust_region`` has a subdomain a rank."""
    from ddlab.optim.communicator import items_of_rank
    from ddlab.training.trust_region_epoch import DataDivision

    apts, plain = problem.experiment.apts, strategy == "trust_region"
    whole = _is_whole(problem, strategy)
    count = ranks.size if plain else 1 if apts.data == "shared" else apts.subdomains
    own = items_of_rank(count, ranks.rank, ranks.size)
    return DataDivision(count, own, whole, apts.overlap, "next" if plain else apts.overlap_of)


def _is_whole(problem: Problem, strategy: str) -> bool:
    """Whether every step of a strategy sees all training images."""
    return strategy == "apts" or (strategy == "trust_region" and _never_changes(problem))


def _never_changes(problem: Problem) -> bool:
    """Whether every step sees all images, and all of them alike."""
    training = problem.experiment.training
    changed = any(getattr(training, field) for field in AUGMENTATIONS) or problem.experiment.model.dropout
    return training.batch_size >= problem.description.num_train and not changed


def _optimizer(
    experiment: Experiment, strategy: str, parameters: "list[Tensor]", buffers: "list[Tensor]"
) -> "TrustRegionMethod":
    import torch.distributed

    from ddlab.optim.model import StepModel
    from ddlab.optim.preconditioner import Preconditioner
    from ddlab.optim.radius import RadiusRule

    own, apts = experiment.trust_region, experiment.apts
    bounds = (own.min_radius, own.max_radius)
    trials = own.trials if strategy == "trust_region" else apts.global_trials or own.trials
    rule = RadiusRule(own.lower, own.upper, own.decrease, own.increase, *bounds, trials)
    group = torch.distributed.group.WORLD if torch.distributed.is_initialized() else None
    released = strategy != "trust_region" and apts.mode == "released"
    model = StepModel(own.order, own.norm, own.history, signed=released)
    balls = {"rule": rule, "model": model, "group": group, "buffers": buffers}
    if strategy != "trust_region":
        parts = (apts.subdomains, apts.local_steps, apts.mode, apts.consistency, apts.global_pass)
        balls["preconditioner"] = Preconditioner(*parts, shared=apts.data == "shared")
    optimizer: TrustRegionMethod = OPTIMIZERS[strategy].load()(parameters, own.radius, **balls)
    return optimizer
