"""Three ways to use n machines: cut the images, cut the data, or cut the layers; what a step of each takes.

Work and payloads are those that the strategies' stages say of themselves, for one batch as the whole data set; of a
pipeline, those of :class:`~ddlab.analyses.pipeline.plan.PipelinePlan`. What is assumed:

- A backward pass takes twice the operations of a forward pass; all machines reach the same rate. Small networks reach
  less of it, which no count knows.
- Cutting the images trains N = n small networks, one a machine, on subimages of nearly equal boxes. They are **other
  networks** than the one that the other two ways train, less work by the reduction rule, and not as accurate.
- The sum of a gradient over n machines is a ring all-reduce: each sends 2(n - 1)/n of it. Local outputs are gathered in
  a ring: each sends (n - 1)/n of them. Nothing of that goes on while machines compute.
- A pipeline's transfers delay who receives them, and occupy nobody (:mod:`ddlab.pipeline.simulation`).
- Memory is weights, gradient, Adam's two numbers a parameter, and kept activations, in float32. The vectors that
  methods with a trust region keep are counted as if they were Adam's.

References
----------
Patarasuk, Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", 2009.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ddlab.analyses.comparison.cost import network_cost
from ddlab.analyses.pipeline.assumed import assumed
from ddlab.analyses.pipeline.plan import OPTIMIZER, Machines, PipelinePlan, schedule_memory
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.problem import Problem
from ddlab.registry.strategies import CUTS, STRATEGIES
from ddlab.strategies.stage import Stage, shard, strategy_stages

WAYS = {"images": "cut the images", "data": "cut the data", "layers": "cut the layers"}
NUMBERS = ("seconds", "bytes", "busiest_bytes", "memory")
COLUMNS = ("machines", "way", "strategy", "title", *NUMBERS, "sends", "reason")


def machine_numbers(chosen: int, most: int = 8) -> list[int]:
    """Numbers of machines to compare: all up to ``most``, and the chosen one."""
    return sorted({*range(1, most + 1), chosen})


def ways_table(
    model: dict[str, Any], plan: PipelinePlan, numbers: Iterable[int], strategies: Sequence[str] = CUTS
) -> pd.DataFrame:
    """A step of every way on several numbers of machines, a row a number and strategy or schedule.

    Parameters
    ----------
    model
        Settings of the network, as the part ``model`` of an experiment; its reduction rule is that of local networks.
    plan
        The global network, its batch, rate, bandwidth and schedule.
    numbers
        Numbers of machines, in place of the plan's.
    strategies
        Keys of ``STRATEGIES`` that cut images or data; for those that cut layers stands the plan's schedule, which
        comes last.

    Returns
    -------
    pandas.DataFrame
        ``machines``, ``way`` (a key of ``WAYS``), ``strategy`` (a key of ``STRATEGIES``, or of ``SCHEDULES``),
        ``title``, ``seconds`` a step, ``bytes`` that all machines send in it, ``busiest_bytes`` of the one that sends
        most, ``memory`` of the one that holds most (bytes), ``sends`` (in words), and ``reason`` why it cannot be;
        numbers are empty there.
    """
    rows: list[dict[str, Any]] = []
    for number in numbers:
        machines = replace(plan.machines, number=number)
        for name in strategies:
            about = {"machines": number, "way": way_of(name), "strategy": name, "title": STRATEGIES[name].title}
            try:
                rows.append(about | _strategy_row(model, plan, machines, name))
            except ValueError as error:
                rows.append(about | {"reason": str(error)})
        about = {"machines": number, "way": "layers", "strategy": plan.schedule, "sends": "maps between modules"}
        about["title"] = f"Pipeline, {SCHEDULES[plan.schedule].title}"
        try:
            rows.append(about | _pipeline_row(replace(plan, machines=machines)))
        except ValueError as error:
            rows.append(about | {"reason": str(error)})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, float))


# ---- images and data: what the stages say


def way_of(strategy: str) -> str:
    """The way of a strategy: modules of layers; or one network that all machines train on their data; or small ones."""
    entry = STRATEGIES[strategy]
    if "pipeline" in entry.settings:
        return "layers"
    return "data" if entry.sees == "image" else "images"


def _strategy_row(model: dict[str, Any], plan: PipelinePlan, machines: Machines, name: str) -> dict[str, Any]:
    problem = one_step(model, plan, machines.number, name)
    stage, number = deciding_stage(problem, name), machines.number
    split = way_of(name) == "data"
    busiest = ring_share(number, both_ways=split) * stage.payload.bytes
    work = stage.flops * images_each(plan, number) / plan.batch_size if split else max(_loads(stage, number))
    memory = _whole_memory(problem, images_each(plan, number)) if split else max(_local_memory(problem, stage, number))
    return {
        "seconds": work / machines.rate + busiest / machines.bandwidth,
        "bytes": number * busiest,
        "busiest_bytes": busiest,
        "memory": memory,
        "sends": stage.payload.sends,
        "reason": "",
    }


def one_step(model: dict[str, Any], plan: PipelinePlan, number: int, strategy: str) -> Problem:
    """The experiment whose one epoch is one step: its training images are one batch, and no others are looked at.

    Raises
    ------
    ExperimentError
        If the image cannot be cut in so many parts, or these are too small for the network.
    """
    training = {"epochs": 1, "batch_size": plan.batch_size, "optimizer": OPTIMIZER}
    asked = {"model": model, "training": training, "strategies": [strategy]}
    boxes = number if STRATEGIES[strategy].decomposes else 1
    return assumed(asked, plan.network.input, plan.network.outputs, boxes, plan.batch_size)


def deciding_stage(problem: Problem, strategy: str) -> Stage:
    """Find the stage whose steps count: the last one whose ranks send anything, else the last one that trains."""
    stages = [stage for stage in strategy_stages(problem, strategy) if stage.tasks]
    return next((stage for stage in reversed(stages) if stage.payload.bytes), stages[-1])


def ring_share(number: int, both_ways: bool) -> float:
    """Share of a payload that each of n machines sends in a ring.

    Parameters
    ----------
    both_ways
        It is summed, and the sum is sent round again, 2(n - 1)/n; else parts of it are gathered, (n - 1)/n.
    """
    return (1 + both_ways) * (number - 1) / number


def _loads(stage: Stage, number: int) -> Iterator[float]:
    for indices in shard(stage.tasks, number):
        yield sum(stage.tasks[index].flops for index in indices)


def images_each(plan: PipelinePlan, number: int) -> int:
    """Images of a batch that the machine gets that gets most."""
    return math.ceil(plan.batch_size / number)


def _whole_memory(problem: Problem, images: int) -> int:
    return sum(network_cost(problem.global_network).memory(images, OPTIMIZER).values())


def _local_memory(problem: Problem, stage: Stage, number: int) -> Iterator[int]:
    """Bytes that every machine holds of its local networks, which see the whole batch; a common DNN stands on all."""
    images = problem.experiment.training.batch_size
    shared = sum(network_cost(stage.dnn.dnn.network).memory(images, OPTIMIZER).values()) if stage.dnn else 0
    for indices in shard(stage.tasks, number):
        networks = [network_cost(problem.local_networks[index]) for index in indices]
        yield shared + sum(sum(cost.memory(images, OPTIMIZER).values()) for cost in networks)


# ---- layers: what the simulation says


def _pipeline_row(plan: PipelinePlan) -> dict[str, Any]:
    found = plan.simulation
    return {
        "seconds": found.makespan,
        "bytes": found.sent_bytes,
        "busiest_bytes": busiest_rank(plan),
        "memory": schedule_memory(plan)["total"].max(),
        "reason": "",
    }


def busiest_rank(plan: PipelinePlan) -> float:
    """Bytes that the machine sends that sends most: maps to the next module, gradients to the one before."""
    number, hops = plan.machines.number, plan.batch_costs.hop_bytes
    if number == 1:
        return 0.0
    sent = [0.0] * number
    for place, size in enumerate(hops):
        sent[place % number] += size
        sent[(place + 1) % number] += size
    return max(sent)
