"""A pipeline before it is built: a network, machines and a schedule; what every machine computes, keeps and sends.

Operations, activations and bytes are counted from the network's description. A machine computes at a steady rate, a
backward pass takes twice the operations of the forward pass, half of it for the gradient of the weights, and a transfer
takes its bytes over the bandwidth. Updates and the loading of images are left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from ddlab.analyses.comparison.cost import NetworkCost
from ddlab.models.architecture import Network
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.methods import METHODS, Method, make_method
from ddlab.pipeline.partition import FLOAT_BYTES, Partition, partition
from ddlab.pipeline.schedules import SCHEDULES, make_schedule
from ddlab.pipeline.simulation import Simulation, simulate
from ddlab.registry import choose
from ddlab.strategies.stage import BACKWARD

SEQUENTIAL = "sequential"  # for one module a machine, and any number of micro-batches
OPTIMIZER = "adam"  # as experiments have it: two more numbers a parameter
MEMORY = ("weights", "gradients", "optimizer", "activations", "old_weights")


@dataclass(frozen=True)
class Machines:
    """Machines that are all alike, each with a link to its neighbours.

    Parameters
    ----------
    number
        n, a rank each.
    rate
        Operations a second that each reaches.
    bandwidth
        Bytes a second of a link, each way; infinite where transfers shall take no time.

    Raises
    ------
    ValueError
        If one of them is not above 0.
    """

    number: int
    rate: float
    bandwidth: float = math.inf

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"number: must be at least 1 machine, got {self.number}")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"rate: must be a number of operations a second above 0, got {self.rate:g}")
        if not self.bandwidth > 0:
            raise ValueError(f"bandwidth: must be bytes a second above 0, or infinite, got {self.bandwidth:g}")


@dataclass(frozen=True)
class PipelinePlan:
    """A network over machines in modules of consecutive layers, and the schedule by which they work on a batch.

    Parameters
    ----------
    schedule
        One of ``SCHEDULES``.
    num_micro_batches, num_chunks
        m, parts of a batch; v, modules a machine.
    batch_size
        Images; a multiple of m.
    grouping
        One of ``ddlab.pipeline.partition.GROUPINGS``.

    Raises
    ------
    ValueError
        If there is no such pipeline; names the field, the rule, the value and the choices.
    """

    network: Network
    machines: Machines
    schedule: str = "1f1b"
    num_micro_batches: int = 8
    batch_size: int = 64
    num_chunks: int = 1
    grouping: str = "balanced"

    def __post_init__(self) -> None:
        entry = choose(SCHEDULES, self.schedule, "schedule")
        if reason := entry.why_not(self.machines.number, self.num_micro_batches, self.num_chunks):
            raise ValueError(reason)
        if self.batch_size < 1 or self.batch_size % self.num_micro_batches:
            parts = self.num_micro_batches
            below = self.batch_size // parts * parts
            choices = [str(each) for each in (below, below + parts) if each > 0]
            raise ValueError(
                f"batch_size: must be a multiple of the {parts} micro-batches, got {self.batch_size}; "
                f"nearest: {' or '.join(choices)}"
            )
        assert len(self.partition.modules) == self.num_modules

    @property
    def num_modules(self) -> int:
        """Modules of the whole network."""
        return self.machines.number * self.num_chunks

    @property
    def micro_batch(self) -> int:
        """Images of a micro-batch."""
        return self.batch_size // self.num_micro_batches

    @cached_property
    def partition(self) -> Partition:
        """The network in its modules."""
        return partition(self.network, self.num_modules, self.grouping)

    @cached_property
    def costs(self) -> Costs:
        """Seconds and bytes of a micro-batch in every module."""
        return self._costs(self.micro_batch)

    @cached_property
    def batch_costs(self) -> Costs:
        """Seconds and bytes of a whole batch in every module."""
        return self._costs(self.batch_size)

    @cached_property
    def simulation(self) -> Simulation:
        """The schedule in time, in seconds."""
        return self.simulated_in(1.0)

    def simulated_in(self, a_second: float) -> Simulation:
        """The schedule in time, in a unit of which ``a_second`` are a second: 1000 for milliseconds."""
        sizes = (self.machines.number, self.num_micro_batches, self.num_chunks)
        return simulate(make_schedule(self.schedule, *sizes), self.costs.scaled(a_second))

    @property
    def alone(self) -> float:
        """Seconds that one machine takes for the batch."""
        return self.batch_costs.work

    @property
    def ratio(self) -> float:
        """Mean time of a transfer over the mean time of a forward pass, T_C/T_F; 0 where nothing is transferred."""
        transfers, forward = self.costs.transfer, self.costs.forward
        return sum(transfers) / len(transfers) / (sum(forward) / len(forward)) if transfers else 0.0

    def by(self, schedule: str) -> "PipelinePlan":
        """The same machines with another schedule: of one module a machine, or of several if it is made for that.

        Raises
        ------
        ValueError
            If the schedule is not for these numbers; names the field, the rule, the value and the choices.
        """
        entry = choose(SCHEDULES, schedule, "schedule")
        chunks = max(entry.least_chunks, self.num_chunks) if entry.least_chunks > 1 else 1
        return replace(self, schedule=schedule, num_chunks=chunks)

    def _costs(self, images: int) -> Costs:
        modules, machines = self.partition.modules, self.machines
        forward = tuple(images * module.flops / machines.rate for module in modules)
        hops = tuple(images * sent for sent in self.partition.bytes_between())
        return Costs(
            forward,
            tuple(BACKWARD * seconds for seconds in forward),
            tuple(BACKWARD * seconds / 2 for seconds in forward),
            tuple(sent / machines.bandwidth for sent in hops),
            tuple(float(images * FLOAT_BYTES * module.activations) for module in modules),
            tuple(map(float, hops)),
        )


def time_unit(seconds: float) -> tuple[str, float]:
    """A unit in which a time is 1 to 1000, or as near to it as units of this kind are, and how many are a second."""
    for name, a_second in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * a_second >= 1:
            return name, a_second
    return "ns", 1e9


def bandwidth_of_ratio(parts: Partition, rate: float, ratio: float) -> float:
    """Bytes a second with which T_C/T_F, mean transfer over mean forward pass, is ``ratio``; infinite for 0.

    Raises
    ------
    ValueError
        If the ratio is negative or no number.
    """
    if not (math.isfinite(ratio) and ratio >= 0):
        raise ValueError(f"ratio: must be a number from 0 on, got {ratio:g}")
    hops = parts.bytes_between()
    forward = sum(module.flops for module in parts.modules) / len(parts.modules) / rate
    return sum(hops) / len(hops) / (ratio * forward) if ratio and hops and forward else math.inf


# ---- tables


def sub_layer_table(plan: PipelinePlan) -> pd.DataFrame:
    """The sub-layers in order, a row each.

    Returns
    -------
    pandas.DataFrame
        ``sub_layer``, ``module`` and ``rank`` (counted from 0), ``flops`` (of a forward pass of one image), ``share``
        of the whole network's, and ``layers``, their names.
    """
    whole = plan.network.flops()
    rows = []
    for number, module in enumerate(plan.partition.modules):
        for piece in module.sub_layers:
            layers = ", ".join(name for name, _ in piece.network.layers)
            flops = piece.network.flops()
            rows.append(
                (piece.name or "all layers", number, number % plan.machines.number, flops, flops / whole, layers)
            )
    return pd.DataFrame(rows, columns=["sub_layer", "module", "rank", "flops", "share", "layers"])


def module_table(plan: PipelinePlan) -> pd.DataFrame:
    """The modules in order, a row each.

    Returns
    -------
    pandas.DataFrame
        ``module`` and ``rank`` (counted from 0), ``sub_layers`` (how many), ``flops`` (of a forward pass of one image)
        and their ``share``, ``parameters``, ``activation_bytes`` (kept of one image), ``sent_bytes`` (of one image to
        the next module; as many come back) and ``seconds`` of a forward pass of a micro-batch.
    """
    whole, sent = plan.network.flops(), (*plan.partition.bytes_between(), 0)
    rows = [
        (number, number % plan.machines.number, len(module.sub_layers), module.flops, module.flops / whole)
        + (module.parameters, FLOAT_BYTES * module.activations, sent[number], plan.costs.forward[number])
        for number, module in enumerate(plan.partition.modules)
    ]
    columns = ["module", "rank", "sub_layers", "flops", "share", "parameters", "activation_bytes", "sent_bytes"]
    return pd.DataFrame(rows, columns=[*columns, "seconds"])


def memory_table(plan: PipelinePlan) -> pd.DataFrame:
    """Bytes that every machine holds while it trains with Adam: by the plan's schedule, and with old gradients.

    A schedule keeps micro-batches, a method with old gradients whole batches.

    Returns
    -------
    pandas.DataFrame
        ``method`` (a key of ``SCHEDULES`` or ``METHODS``), ``title``, ``rank``, ``weights``, ``gradients``,
        ``optimizer``, ``activations`` (kept inputs among them), ``old_weights`` and ``total``. The rows of a method
        follow each other.
    """
    found = [schedule_memory(plan)]
    found += [method_memory(plan.by(SEQUENTIAL), make_method(name, plan.machines.number)) for name in METHODS]
    return pd.concat(found, ignore_index=True)


def schedule_memory(plan: PipelinePlan) -> pd.DataFrame:
    """The rows of :func:`memory_table` of the plan's schedule."""
    number, modules = plan.machines.number, plan.partition.modules
    parameters = [sum(module.parameters for module in modules[rank::number]) for rank in range(number)]
    return _memory(plan.schedule, SCHEDULES[plan.schedule].title, parameters, plan.simulation.kept_bytes)


def method_memory(plan: PipelinePlan, method: Method) -> pd.DataFrame:
    """The rows of :func:`memory_table` of a method with old gradients, on a plan with one module a machine."""
    graphs, modules = plan.batch_costs.activation_bytes, plan.partition.modules
    activations, old = [], []
    for module, graph, kept in zip(modules, graphs, method.kept, strict=True):
        stored = kept.inputs * plan.batch_size * FLOAT_BYTES * math.prod(module.input)
        activations.append(kept.graphs * graph + stored)
        old.append((kept.weight_versions - 1) * FLOAT_BYTES * module.parameters)
    title = METHODS[method.name].title
    return _memory(method.name, title, [module.parameters for module in modules], activations, old)


def _memory(
    name: str, title: str, parameters: Sequence[int], activations: Sequence[float], old: Sequence[int] = ()
) -> pd.DataFrame:
    rows = []
    for rank, (count, kept) in enumerate(zip(parameters, activations, strict=True)):
        parts = NetworkCost(count, 0, 0).memory(0, OPTIMIZER) | {"activations": round(kept)}
        parts |= {"old_weights": old[rank] if old else 0}
        rows.append({"method": name, "title": title, "rank": rank} | parts | {"total": sum(parts.values())})
    return pd.DataFrame(rows, columns=["method", "title", "rank", *MEMORY, "total"])
