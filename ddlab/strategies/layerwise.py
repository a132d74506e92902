"""Layer-wise pipeline: the global network cut across its layers, over ranks that work on different micro-batches.

One update a batch, with the gradient of all its micro-batches: the losses are those of ``global`` where nothing looks
at a batch as a whole. Batch normalisation does: it sees every micro-batch by itself.

References
----------
Akintoye, Han, Lloyd, Zhang, Dancey, Chen, Zhang, "Layer-wise partitioning and merging for efficient and scalable deep
learning", FGCS 149, 2023: Section 3, Algorithm 1.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ddlab.experiment import ExperimentError
from ddlab.pipeline.placement import place
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.problem import Problem
from ddlab.strategies.growth import Growth
from ddlab.strategies.layers import check_parts, grow_modules, layers_stage, modules_of, prepare
from ddlab.strategies.stage import Stage, StageContext


def stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the modules.

    Raises
    ------
    ExperimentError
        If the network cannot be cut so, or a batch not in equal parts; names the field, the rule and the value.
    """
    asked, modules = problem.experiment.layerwise, problem.experiment.pipeline.modules
    check_parts(problem, "layerwise.micro_batches", asked.micro_batches)
    least = SCHEDULES[asked.schedule].least_chunks
    if modules < least:
        raise ExperimentError(
            f"pipeline.modules: must be at least {least} for {SCHEDULES[asked.schedule].title}, which gives a rank "
            f"several of them, got {modules}"
        )
    stage = layers_stage(problem, "layerwise", train, "activations at every border, and their gradients back")
    used = place(modules_of(problem), asked.schedule, modules, asked.micro_batches).num_ranks
    yield replace(stage, most_ranks=used, growth=partial(grow, problem))


def grow(problem: Problem, ranks: int, images: int) -> Growth:
    """Give every rank some consecutive modules, which work on micro-batches by the schedule."""
    asked = problem.experiment.layerwise
    placement = place(modules_of(problem), asked.schedule, ranks, asked.micro_batches)
    return grow_modules(problem, placement, images)


def train(context: StageContext) -> None:
    """Train from the weights that ``global`` begins with."""
    from ddlab.training.pipeline_epoch import PipelineEpoch  # torch

    asked, settings = context.problem.experiment.layerwise, context.problem.experiment.training
    placement = place(modules_of(context.problem), asked.schedule, context.ranks.size, asked.micro_batches)
    training = prepare(context, placement, asked.micro_batches, settings)
    if training is not None:
        epoch = PipelineEpoch(training.model, context.folder.write_trace)
        replace(training, train_epoch=epoch.train_epoch).run()
