"""Modules that train at once with old gradients: DDG, FDG and DSP, with exactly the staleness that the methods have.

The global network is cut across its layers; a batch enters at every iteration, and no module waits until it has come
back. What each method trades for that is in :mod:`ddlab.pipeline.methods`.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 2, which
compares with them; Huo et al. 2018 (DDG); Zhuang et al. 2021 (FDG); Xu et al. 2020 (DSP).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ddlab.experiment import ExperimentError
from ddlab.pipeline.methods import METHODS, Method, make_method
from ddlab.pipeline.placement import ALONE, place
from ddlab.problem import Problem
from ddlab.strategies.growth import Growth
from ddlab.strategies.layers import grow_modules, layers_stage, modules_of, prepare
from ddlab.strategies.stage import Stage, StageContext, check_no_clipping

SENDS = "activations at every border, and errors back"


def ddg_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the modules by DDG.

    Raises
    ------
    ExperimentError
        If the network cannot be cut so; names the field, the rule and the value.
    """
    yield _stage(problem, "ddg")


def fdg_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the modules by FDG; raises as :func:`ddg_stages`."""
    yield _stage(problem, "fdg")


def dsp_stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the modules by DSP.

    Raises
    ------
    ExperimentError
        If the network cannot be cut so, or modules not be so stale; names the field, the rule and the value.
    """
    yield _stage(problem, "dsp")


def _stage(problem: Problem, name: str) -> Stage:
    check_no_clipping(problem, name)
    stage = layers_stage(problem, name, partial(train, name=name), SENDS)
    method_of(problem, name)
    return replace(stage, growth=partial(grow, problem, name))


def grow(problem: Problem, name: str, ranks: int, images: int) -> Growth:
    """Give every rank some consecutive modules, which all work at once on batches of different age."""
    placement = place(modules_of(problem), ALONE, ranks, 1)
    grown = grow_modules(problem, placement, images)
    assert grown.order is not None
    return replace(grown, order=replace(grown.order, method=method_of(problem, name)))


def method_of(problem: Problem, name: str) -> Method:
    """The method of a name for the modules of the experiment.

    Raises
    ------
    ExperimentError
        If its settings do not fit the modules.
    """
    asked, entry = problem.experiment.delayed, METHODS[name]
    beta = asked.beta if entry.takes_beta else 1.0
    staleness = (asked.staleness or None) if entry.takes_staleness else None
    try:
        return make_method(name, problem.experiment.pipeline.modules, beta, staleness)
    except ValueError as error:
        raise ExperimentError(f"delayed.{error}") from None


def train(context: StageContext, name: str) -> None:
    """Train from the weights that ``global`` begins with."""
    from ddlab.training.delayed_epoch import DelayedEpoch, DelayedModel  # torch

    problem, settings = context.problem, context.problem.experiment.training
    placement = place(modules_of(problem), ALONE, context.ranks.size, 1)
    training = prepare(context, placement, 1, settings, DelayedModel)
    if training is not None:
        epoch = DelayedEpoch(training.model, method_of(problem, name))
        replace(training, train_epoch=epoch.train_epoch).run()
