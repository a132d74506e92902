"""Costs of networks and stages, computed from their descriptions before anything is built."""

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from statistics import median

import pandas as pd

from ddlab.decomposition import times
from ddlab.engine.choosing import place_here
from ddlab.experiment import Experiment
from ddlab.models.architecture import Network
from ddlab.models.counting import TORCH, WAYS, Counting
from ddlab.problem import Problem
from ddlab.runs import RunFolder, list_runs
from ddlab.strategies.stage import Stage, Task, plan, shard

BYTES = 4  # of a float32
STATES = {"adam": 2, "sgd": 1}  # numbers a parameter: means of the gradient and of its square; the momentum
# Operations a second of one process, until a run on this machine is measured: the classroom's networks reached 4 to 10
# times 10^9 on one busy core of a 2020s processor.
DEFAULT_RATE = 8.0e9
RUNS_FOR_RATE = 10
RUNS_LOOKED_AT = 40  # for such a network, or the same experiment


@dataclass(frozen=True)
class NetworkCost:
    """The cost of one network: parameters, operations and numbers kept for the backward pass.

    Parameters
    ----------
    parameters
        Trainable numbers.
    flops
        Operations of a forward pass of one image.
    activations
        Numbers kept of one image for the backward pass.
    """

    parameters: int
    flops: int
    activations: int

    def memory(self, batch_size: int, optimizer: str = "adam") -> dict[str, int]:
        """Bytes while training in float32: of ``weights``, ``gradients``, ``optimizer`` and ``activations``."""
        weights = BYTES * self.parameters
        return {
            "weights": weights,
            "gradients": weights,
            "optimizer": STATES[optimizer] * weights,
            "activations": BYTES * self.activations * batch_size,
        }


@lru_cache(maxsize=1024)
def network_cost(network: Network) -> NetworkCost:
    """Count parameters, operations and activations of a described network."""
    return NetworkCost(network.parameters(), network.flops(), network.activations())


def cost_table(problem: Problem, batch_size: int | None = None, counting: Counting = TORCH) -> pd.DataFrame:
    """The global network and every local one, a row each.

    Parameters
    ----------
    batch_size
        Images in memory at once; None takes the experiment's.
    counting
        Conventions of ``parameters`` and ``flops``; bytes are those of the networks as they are trained here.

    Returns
    -------
    pandas.DataFrame
        ``network``, ``subdomain`` (from 1; 0 for the global network), ``input`` in pixels, ``parameters``, ``flops`` a
        forward pass of one image, ``parameters_ratio`` and ``flops_ratio`` (the global network's over this one's), and
        ``weights``, ``gradients``, ``optimizer``, ``activations``, ``memory`` in bytes.
    """
    training = problem.experiment.training
    batch_size = batch_size or training.batch_size
    networks = [(0, "global", problem.global_network)]
    networks += [(number, f"local {number}", local) for number, local in enumerate(problem.local_networks, 1)]
    rows = []
    for number, name, network in networks:
        memory = network_cost(network).memory(batch_size, training.optimizer)
        row = {"network": name, "subdomain": number, "input": times(network.input[1:])}
        row |= {"parameters": counting.parameters(network), "flops": counting.flops(network)}
        rows.append(row | memory | {"memory": sum(memory.values())})
    table = pd.DataFrame(rows)
    for place, quantity in enumerate(("parameters", "flops"), 5):
        table.insert(place, f"{quantity}_ratio", table[quantity].iloc[0] / table[quantity])
    return table


def ways_table(problem: Problem) -> pd.DataFrame:
    """The global network and the first local one, counted in all ways, and what each way counts.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` (parameters or operations), ``way`` (one of ``WAYS``), ``counted`` (its
        title), ``global``, ``local 1``, ``over_torch`` (the global network's count less torch's) and ``explanation``.
    """
    rows = []
    for quantity, ways in WAYS.items():
        usual = getattr(TORCH, quantity)(problem.global_network)
        for way, entry in ways.items():
            count = getattr(Counting.of(quantity, way), quantity)
            whole, part = count(problem.global_network), count(problem.local_networks[0])
            row = {"quantity": quantity, "way": way, "counted": entry.title, "global": whole, "local 1": part}
            rows.append(row | {"over_torch": whole - usual, "explanation": entry.description})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class WorkRatio:
    """The work of the global network relative to that of the local ones, by the count of operations.

    Parameters
    ----------
    total
        Operations of the global network over those of all local networks together.
    longest
        Operations of the global network over those of the worker that has most to do: the gain in time that ``workers``
        processes promise.
    parameters
        Parameters of the global network over those of all local networks together.
    """

    total: float
    longest: float
    workers: int
    parameters: float


def work_ratio(problem: Problem, workers: int | None = None, counting: Counting = TORCH) -> WorkRatio:
    """Predict the gain of training local networks; None gives every local network a worker of its own."""
    local = [counting.flops(network) for network in problem.local_networks]
    workers = workers or len(local)
    tasks = tuple(Task(str(index), flops) for index, flops in enumerate(local))
    longest = max(sum(local[index] for index in indices) for indices in shard(tasks, workers))
    whole = counting.flops(problem.global_network)
    parameters = sum(counting.parameters(network) for network in problem.local_networks)
    return WorkRatio(
        whole / sum(local), whole / longest, workers, counting.parameters(problem.global_network) / parameters
    )


def plan_table(problem: Problem, workers: int = 1, rate: float = DEFAULT_RATE) -> pd.DataFrame:
    """The stages of an experiment with their operations and the time they may take, for all seeds.

    Parameters
    ----------
    rate
        Operations a second and worker; :func:`machine_rate` gives this machine's.

    Returns
    -------
    pandas.DataFrame
        ``stage``, ``title``, ``kind``, ``networks`` (trained), ``flops`` and ``seconds``.
    """
    seeds = len(problem.experiment.seeds)
    rows = [
        {"stage": stage.name, "title": stage.title, "kind": stage.kind}
        | {"networks": sum(task.networks for task in stage.tasks)}
        | {"flops": seeds * stage.flops, "seconds": seeds * _longest(stage, workers) / rate}
        for stage in plan(problem)
    ]
    return pd.DataFrame(rows)


def plan_here(problem: Problem) -> pd.DataFrame:
    """:func:`plan_table` on this machine: with the workers that the experiment asks for, at the rate of the last runs.

    Runs of the same network count alone, where there are any: narrow and wide ones reach different rates.

    Raises
    ------
    ValueError
        If it asks for devices that this machine does not have.
    """
    return plan_table(problem, place_here(problem).workers, machine_rate(list_runs(), problem.experiment.model.name))


@dataclass(frozen=True)
class Promise:
    """The time that an experiment may take on this machine, from its start to its end.

    Parameters
    ----------
    seconds
        Of all seeds, with the start of the processes.
    because
        Where that is known from, as a sentence.
    """

    seconds: float
    because: str


def promise_here(problem: Problem) -> Promise:
    """Promise what the same experiment took here; else what its stages may take at the rate of the last runs.

    Raises
    ------
    ValueError
        If it asks for devices that this machine does not have.
    """
    finished = list(islice(_finished_here(list_runs()), RUNS_LOOKED_AT))
    asked = _unnamed(problem.experiment)
    for run in finished:
        if _is_of(run, asked) and (took := run.state().seconds):  # of the last launch: a resumed run did more before
            return Promise(max(took, _stage_seconds(run)), "The same experiment took that long here.")
    stages = plan_here(problem)["seconds"].sum()
    starts = [start for run in finished[:RUNS_FOR_RATE] if (start := _start_seconds(run)) is not None]
    if not starts:
        return Promise(stages, "A guess: nothing was trained on this machine yet.")
    return Promise(stages + median(starts), "An estimate from the last runs on this machine.")


def _start_seconds(run: RunFolder) -> float | None:
    """Time of a run outside its stages: the start of its processes, its data."""
    took = run.state().seconds
    return None if took is None else max(0.0, took - _stage_seconds(run))


def _stage_seconds(run: RunFolder) -> float:
    return sum(float(result.get("seconds", 0)) for result in run.results())


def _is_of(run: RunFolder, asked: Experiment) -> bool:
    try:
        return run.summary()["model"] == asked.model.name and _unnamed(run.experiment) == asked
    except ValueError:  # a damaged run
        return False


def _unnamed(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update={"name": "", "sweep": ""})


def _longest(stage: Stage, workers: int) -> float:
    """Operations of the worker that has most to do.

    A collective stage of one task shares it out (data parallel); one of several gives each to a rank (model parallel).
    """
    if stage.kind == "collective" and len(stage.tasks) == 1:
        return stage.flops / workers
    if stage.kind == "single":
        return stage.flops
    loads = [sum(stage.tasks[index].flops for index in indices) for indices in shard(stage.tasks, workers)]
    return max(loads, default=0.0)


def machine_rate(runs: Iterable[RunFolder], model: str = "") -> float:
    """Operations a second and worker that the newest finished runs of this machine reached; a default where none did.

    Parameters
    ----------
    runs
        Newest first, as :func:`ddlab.runs.list_runs` gives them.
    model
        A network's name; runs of it count alone where there are any.
    """
    reached: dict[bool, list[tuple[float, float]]] = {True: [], False: []}  # by whether it is that network
    for run in islice(_finished_here(runs), RUNS_LOOKED_AT if model else RUNS_FOR_RATE):
        is_it = bool(model) and run.summary()["model"] == model
        if len(reached[is_it]) < RUNS_FOR_RATE:
            reached[is_it].append(_work(run))
    for is_it in (True, False):
        operations, seconds = (sum(of) for of in zip((0.0, 0.0), *reached[is_it], strict=True))
        if seconds:
            return float(operations / seconds)
    return DEFAULT_RATE


def _finished_here(runs: Iterable[RunFolder]) -> Iterator[RunFolder]:
    here = socket.gethostname()
    for run in runs:
        status = run.status()
        if status.get("state") == "finished" and status.get("host") == here:
            yield run


def _work(run: RunFolder) -> tuple[float, float]:
    """Operations of the busiest workers of a run's stages, and the seconds that these took."""
    operations = seconds = 0.0
    for result in run.results():
        busiest = max(result.get("flops_by_rank") or [0])
        if busiest and result.get("seconds", 0) > 1:  # shorter stages measure the start, not the work
            operations += busiest
            seconds += result["seconds"]
    return operations, seconds
