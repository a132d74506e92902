"""GABRA: modules on devices by a genetic algorithm, and replicas of the whole on parts of every batch.

Any module may be on any device, so the pipeline is GPipe in the order in which passes can begin. With one replica the
losses are those of ``layerwise``; with several, batch normalisation sees a replica's micro-batches.

References
----------
Akintoye, Han, Zhang, Chen, Zhang, "A Hybrid Parallelization Approach for Distributed and Scalable Deep Learning", IEEE
Access 10, 2022: GABRA, of which we know the abstract alone; the search is our reading (``ddlab.pipeline.genetic``).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ddlab.pipeline.assignment import Assignment, assign
from ddlab.pipeline.assignment_problem import AssignmentProblem, GeneticSettings
from ddlab.pipeline.partition import Partition
from ddlab.pipeline.placement import Placement, place_assigned
from ddlab.problem import Problem
from ddlab.strategies.growth import Growth
from ddlab.strategies.layers import check_parts, grow_modules, layers_stage, modules_of, prepare
from ddlab.strategies.stage import BACKWARD, Stage, StageContext


def stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train the modules of all replicas.

    Raises
    ------
    ExperimentError
        If the network cannot be cut so, or a batch not in equal parts; names the field, the rule and the value.
    """
    asked = problem.experiment.gabra
    check_parts(problem, "gabra.micro_batches", asked.micro_batches, asked.replicas)
    told = " and the gradient of every parameter" if asked.replicas > 1 else ""
    stage = layers_stage(problem, "gabra", train, f"activations at borders of devices, their gradients back{told}")
    most = len(stage.tasks) * asked.replicas
    yield replace(stage, divides_batches=asked.replicas > 1, most_ranks=most, growth=partial(grow, problem))


def grow(problem: Problem, ranks: int, images: int) -> Growth:
    """Place the modules of every replica on its ranks, for a part of the batch in micro-batches."""
    replicas = used_replicas(problem, ranks)
    devices = min(ranks // replicas, problem.experiment.pipeline.modules)
    return grow_modules(problem, placed(problem, devices), images, replicas)


def used_replicas(problem: Problem, ranks: int) -> int:
    """Replicas on so many ranks: as many as are asked for, or the largest divisor of that which the ranks allow."""
    asked = problem.experiment.gabra.replicas
    return max(r for r in range(1, asked + 1) if asked % r == 0 and r <= ranks)


def train(context: StageContext) -> None:
    """Train from the weights that ``global`` begins with."""
    from ddlab.training.pipeline_epoch import PipelineEpoch  # torch

    problem, asked = context.problem, context.problem.experiment.gabra
    replicas = used_replicas(problem, context.ranks.size)
    placement = placed(problem, context.ranks.size // replicas, context.seed)
    multiple, settings = asked.micro_batches * asked.replicas, problem.experiment.training
    training = prepare(context, placement, multiple, settings, replicas=replicas)
    if training is not None:
        everyone = context.ranks.first(replicas * placement.num_ranks)
        epoch = PipelineEpoch(training.model, context.folder.write_trace, training.replicas, everyone)
        replace(training, train_epoch=epoch.train_epoch).run()
    else:
        context.ranks.first(replicas * placement.num_ranks)


def placed(problem: Problem, num_devices: int, seed: int = 0) -> Placement:
    """Place the modules of the experiment on at most so many devices, those that are used numbered from 0 on."""
    partition, asked = modules_of(problem), problem.experiment.gabra
    found = assigned(
        partition,
        num_devices,
        asked.operations_a_byte,
        GeneticSettings(population=asked.population, generations=asked.generations, seed=seed),
    )
    numbers = {device: number for number, device in enumerate(dict.fromkeys(found.devices))}
    return place_assigned(partition, [numbers[device] for device in found.devices], asked.micro_batches)


def assigned(partition: Partition, num_devices: int, operations_a_byte: float, settings: GeneticSettings) -> Assignment:
    """Assign modules to devices by the operations of a sample, forward and back, and the bytes that it sends."""
    costs = tuple(float((1 + BACKWARD) * module.flops) for module in partition.modules)
    transfers = tuple(2 * operations_a_byte * size for size in partition.bytes_between())
    problem = AssignmentProblem(costs, min(num_devices, len(costs)), transfers)
    return assign(problem, "genetic", settings)
