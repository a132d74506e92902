"""Stages: the resumable steps of a strategy, and what one is given when it runs.

A strategy is a function ``stages(problem)`` that yields its stages in order; the last one carries the strategy's name
and writes its decisions. Strategies of one experiment share stages of the same name. Nothing here imports torch: a
page shows the plan of a run that no process has started yet.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ddlab.data.source import Dataset
from ddlab.decomposition import Subdomain
from ddlab.experiment import ExperimentError
from ddlab.models.architecture import Network
from ddlab.models.names import local_name
from ddlab.problem import Problem
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.growth import Grows

if TYPE_CHECKING:
    from ddlab.ranks import Ranks
    from ddlab.runs import StageFolder
    from ddlab.runs.records import EpochRecord

Kind = Literal["sharded", "collective", "single"]
Outputs = Literal["probabilities", "logits"]
LOCAL = "local"  # the stage of the local networks, which most strategies build on
ROUNDING = 1e-9  # of sums of operations in another order
BACKWARD = 2  # a backward pass costs about twice the operations of a forward pass


@dataclass(frozen=True)
class Task:
    """A part of a stage: a network to train (of folds several), and the operations that this takes."""

    name: str
    flops: float
    networks: int = 1


@dataclass(frozen=True)
class Payload:
    """Bytes that the ranks of a stage send each other in a training step, and what they are in words.

    What one rank sends for a collective depends on how that is done; its payload does not.
    """

    bytes: int
    sends: str


NO_PAYLOAD = Payload(0, "nothing")


@dataclass(frozen=True)
class KeptNetwork:
    """A network that a finished stage leaves, and the name of its weights in the stage's folder.

    Parameters
    ----------
    name
        Its key among the networks of a run: ``global``, ``local-1``.
    box
        The part of the image that it sees; of a DNN, the whole image, of which it gets the local outputs.
    file
        Its weights: ``FILE-best`` and ``FILE-last`` (:mod:`ddlab.strategies.checkpoints`).
    """

    name: str
    title: str
    network: Network
    box: Subdomain
    file: str


@dataclass(frozen=True)
class KeptDNN:
    """A DNN that a finished stage leaves, and whose outputs it decides from.

    Parameters
    ----------
    dnn
        The DNN itself.
    members
        Names of the N local networks that it listens to.
    outputs
        What it gets of them.
    """

    dnn: KeptNetwork
    members: tuple[str, ...]
    outputs: Outputs


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
    report: Callable[["EpochRecord"], None]
    check: Callable[[], None]

    @property
    def overhead(self) -> float:
        """Share of the training time that checkpoints may take."""
        return self.problem.experiment.placement.checkpoint_overhead

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
    networks
        Those that it leaves and that see pixels.
    dnn
        The DNN that it leaves, if it leaves one.
    payload
        What its ranks send each other in a training step.
    starts_from
        Epoch of the needed networks from which it starts; None: their last one.
    divides_batches
        Whether every rank trains the same weights on its part of every batch.
    most_ranks
        Ranks that find work in it at most; None: as its kind and its tasks tell.
    hands_on
        Whether a rank sends tensors to one other, as the modules of a pipeline do, and not only to all together.
    growth
        What each of any number of ranks does; None: not known, or nothing is trained.
    """

    name: str
    title: str
    kind: Kind
    run: Callable[[StageContext], None]
    needs: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    networks: tuple[KeptNetwork, ...] = ()
    dnn: KeptDNN | None = None
    payload: Payload = NO_PAYLOAD
    starts_from: int | None = None
    divides_batches: bool = False
    most_ranks: int | None = None
    hands_on: bool = False
    growth: Grows | None = None

    @property
    def flops(self) -> float:
        """Operations of all tasks."""
        return sum(task.flops for task in self.tasks)

    def useful_ranks(self, ranks: int) -> int:
        """Return the least number of ranks with which it takes no longer than with ``ranks``."""
        if self.kind == "single" or not self.tasks:
            return 1
        ranks = min(ranks, self.most_ranks or ranks)
        if self.divides_batches or self.hands_on:
            return ranks
        ranks = min(ranks, len(self.tasks))
        longest = _longest(self.tasks, ranks) * (1 + ROUNDING)
        fewest = max(1, math.ceil(self.flops / longest)) if longest else 1
        return next(count for count in range(fewest, ranks + 1) if _longest(self.tasks, count) <= longest)


def plan(problem: Problem) -> tuple[Stage, ...]:
    """All stages of the experiment's strategies for one seed, shared ones once, each after those it needs."""
    stages: dict[str, Stage] = {}
    for name in problem.experiment.strategies:
        for stage in strategy_stages(problem, name):
            stages.setdefault(stage.name, stage)
    return tuple(stages.values())


def strategy_stages(problem: Problem, name: str) -> Iterator[Stage]:
    """The stages of one strategy, in order."""
    stages: Iterator[Stage] = STRATEGIES[name].load()(problem)
    return stages


def check_no_clipping(problem: Problem, name: str) -> None:
    """Refuse a limit of the gradient to a strategy whose steps have no one gradient of the whole network.

    Raises
    ------
    ExperimentError
        Names the field, the rule and the value.
    """
    if clip_norm := problem.experiment.training.clip_norm:
        raise ExperimentError(f"training.clip_norm: {name} has no one gradient a step; needs 0, got {clip_norm:g}")


def kept_local(problem: Problem, stage: str = LOCAL, title: str = "") -> tuple[KeptNetwork, ...]:
    """Declare the local networks that a stage leaves; ``title`` names the model that they are parts of."""
    owner = f", {title}" if title else ""
    return tuple(
        KeptNetwork(f"{stage}-{number}", f"Local network {number}{owner}", network, box, local_name(number - 1))
        for number, (network, box) in enumerate(zip(problem.local_networks, problem.decomposition, strict=True), 1)
    )


def kept_whole(problem: Problem, stage: str) -> KeptNetwork:
    """Declare the global network that a stage leaves, under the stage's own name."""
    title = STRATEGIES[stage].title if stage in STRATEGIES else stage
    return KeptNetwork(stage, title, problem.global_network, problem.whole_image, stage)


def training_flops(flops: int, problem: Problem) -> float:
    """Operations of training a network of ``flops`` a forward pass, on all images for all epochs with validation."""
    data = problem.description
    return flops * problem.experiment.training.epochs * ((1 + BACKWARD) * data.num_train + data.num_validation)


def _longest(tasks: tuple[Task, ...], workers: int) -> float:
    """Operations of the worker that has most to do."""
    return max(sum(tasks[index].flops for index in indices) for indices in shard(tasks, workers))


def steps_an_epoch(problem: Problem, images: int) -> int:
    """Steps of an epoch with so many images each."""
    return math.ceil(problem.description.num_train / images)


def predicted_images(problem: Problem) -> int:
    """Images that a stage predicts when it ends: all once, and those held out again with its last weights."""
    data = problem.description
    return data.num_train + 2 * (data.num_validation + data.num_test)


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
