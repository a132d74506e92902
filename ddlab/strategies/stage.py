"""Stages: the resumable steps of a strategy, and what one is given when it runs.

A strategy is a function ``stages(problem)`` that yields its stages in order; the last one carries the strategy's name
and writes its decisions. Strategies of one experiment share stages of the same name. Nothing here imports torch: a
page shows the plan of a run that no process has started yet.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ddlab.data.source import Dataset
from ddlab.problem import Problem
from ddlab.registry.strategies import STRATEGIES

if TYPE_CHECKING:
    from ddlab.ranks import Ranks
    from ddlab.runs import StageFolder

Kind = Literal["sharded", "collective", "single"]
LOCAL = "local"  # the stage of the local networks, which most strategies build on
BACKWARD = 2  # a backward pass costs about twice the operations of a forward pass


@dataclass(frozen=True)
class Task:
    """A part of a stage: a network to train (of folds several), and the operations that this takes."""

    name: str
    flops: float
    networks: int = 1


@dataclass(frozen=True)
class StageContext:
    """The context of a running stage.

    Parameters
    ----------
    folder
        Where it writes; ``needed(name)`` gives the folder of a stage it builds on.
    ranks
        Who we are among how many, and on which device.
    report
        Called with one record an epoch and network.
    check
        Called once a step; raises ``Stopped`` when the run was asked to stop.
    """

    problem: Problem
    dataset: Dataset
    stage: "Stage"
    seed: int
    folder: "StageFolder"
    needed: "Callable[[str], StageFolder]"
    ranks: "Ranks"
    report: Callable[[dict[str, Any]], None]
    check: Callable[[], None]

    @property
    def alone(self) -> "Ranks":
        """Our rank and its device without other ranks: for work that needs no communication."""
        return replace(self.ranks, rank=0, size=1)


@dataclass(frozen=True)
class Stage:
    """A resumable step.

    Parameters
    ----------
    kind
        ``sharded``: independent tasks, given to ranks by cost; ``collective``: all ranks together; ``single``: rank 0.
    needs
        Names of the stages whose results it reads.
    tasks
        What is trained; empty where nothing is.
    run
        Does it. It imports torch, if it needs it, when it is called.
    """

    name: str
    title: str
    kind: Kind
    run: Callable[[StageContext], None]
    needs: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()

    @property
    def flops(self) -> float:
        """Operations of all tasks."""
        return sum(task.flops for task in self.tasks)


def plan(problem: Problem) -> tuple[Stage, ...]:
    """All stages of the experiment's strategies for one seed, shared ones once, each after those it needs."""
    stages: dict[str, Stage] = {}
    for name in problem.experiment.strategies:
        for stage in strategy_stages(problem, name):
            stages.setdefault(stage.name, stage)
    return tuple(stages.values())


def strategy_stages(problem: Problem, name: str) -> Iterator[Stage]:
    """The stages of one strategy, in order."""
    return STRATEGIES[name].load()(problem)


def training_flops(flops: int, problem: Problem) -> float:
    """Operations of training a network of ``flops`` a forward pass, on all images for all epochs with validation."""
    data = problem.description
    return flops * problem.experiment.training.epochs * ((1 + BACKWARD) * data.num_train + data.num_validation)


def shard(tasks: tuple[Task, ...], workers: int) -> list[list[int]]:
    """Give tasks to workers by cost: the largest first, each to the worker with the least to do so far.

    Returns
    -------
    list of list of int
        Indices of the tasks of each worker, ascending; at most 4/3 of the shortest possible longest worker.

    References
    ----------
    Graham 1969, longest processing time first.
    """
    loads = [0.0] * workers
    shards: list[list[int]] = [[] for _ in range(workers)]
    for index in sorted(range(len(tasks)), key=lambda i: -tasks[i].flops):
        worker = min(range(workers), key=lambda w: (loads[w], w))
        loads[worker] += tasks[index].flops
        shards[worker].append(index)
    return [sorted(indices) for indices in shards]
