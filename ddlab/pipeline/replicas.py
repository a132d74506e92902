"""The ways to use n machines as R replicas of a network that is cut over D = n/R devices, and the time of a step each.

Every replica trains on 1/R of the batch, and its modules are assigned to its D devices. In the symbols of
``assignment_problem.py``, with costs and hops of the whole batch, w_k the bytes of the parameters of module k and B the
bandwidth, a step takes::

    T(R) = max over d of sum of c_k / R over the modules of d
           + sum of h_k / R over the hops that cross devices
           + max over d of 2 (R - 1)/R (sum of w_k over the modules of d) / B

The last line is the all-reduce of the gradients: every device adds up its own with the same device of the other
replicas, in a ring, and all devices at once. Nothing hides it and nothing is overlapped, and a message takes as long as
its bytes: no latency. R = n is data parallelism alone, R = 1 a network that is only cut. The assignment makes the first
two lines least together; the third one is counted for it and not minimised.

References
----------
Akintoye et al., "A Hybrid Parallelization Approach for Distributed and Scalable Deep Learning", 2022: partitions
on GPUs and data parallelism together; the formula is ours.
Patarasuk, Yuan, "Bandwidth Optimal All-reduce Algorithms for Clusters of Workstations", 2009: 2 (R - 1)/R.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ddlab.pipeline.assignment import Assignment, assign
from ddlab.pipeline.assignment_problem import MOST_DEVICES, AssignmentProblem, GeneticSettings, check_numbers


@dataclass(frozen=True)
class HybridProblem:
    """A network in modules, and the machines to train it on.

    Parameters
    ----------
    costs
        Seconds that a machine takes for every module in a step of the whole batch, forward and back.
    hop_bytes
        Bytes that the whole batch sends over every hop between neighbouring modules, there and back.
    parameter_bytes
        Bytes of the parameters of every module; their gradients are as many.
    num_machines
        Equal machines, all of which are used.
    bandwidth
        Bytes a second that a machine sends, and receives meanwhile.
    batch_size
        Samples of a batch, which the replicas share equally.

    Raises
    ------
    ValueError
        If a number cannot be; names the field, the rule, the value and the choices.
    """

    costs: tuple[float, ...]
    hop_bytes: tuple[float, ...]
    parameter_bytes: tuple[float, ...]
    num_machines: int
    bandwidth: float
    batch_size: int

    def __post_init__(self) -> None:
        if not 1 <= self.num_machines <= MOST_DEVICES:
            told = f"from 1 to {MOST_DEVICES}"
            raise ValueError(f"num_machines: must be {told}, got {self.num_machines}; choices: {told}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size: must be at least 1, got {self.batch_size}; choices: 1 or more")
        if not (math.isfinite(self.bandwidth) and self.bandwidth > 0):
            raise ValueError(
                f"bandwidth: must be finite and above 0, got {self.bandwidth:g}; choices: positive numbers"
            )
        modules = len(self.costs)
        check_numbers("parameter_bytes", self.parameter_bytes, modules, f"{modules} modules")
        check_numbers("hop_bytes", self.hop_bytes, max(0, modules - 1), f"{modules} modules")
        self.of_replica(1)  # refuses wrong costs

    @property
    def replica_counts(self) -> tuple[int, ...]:
        """Numbers of replicas that divide the machines, whether or not they divide the batch."""
        return tuple(count for count in range(1, self.num_machines + 1) if self.num_machines % count == 0)

    def why_not(self, num_replicas: int) -> str:
        """Say why there cannot be so many replicas: field, rule, value and choices; empty if there can be."""
        if num_replicas not in self.replica_counts:
            choices = ", ".join(map(str, self.replica_counts))
            return f"num_replicas: must divide the {self.num_machines} machines, got {num_replicas}; choices: {choices}"
        if self.batch_size % num_replicas:
            choices = ", ".join(str(count) for count in self.replica_counts if self.batch_size % count == 0)
            return f"num_replicas: must divide the batch of {self.batch_size}, got {num_replicas}; choices: {choices}"
        return ""

    def of_replica(self, num_replicas: int) -> AssignmentProblem:
        """Make the problem of one replica: its part of the batch, on its devices."""
        return AssignmentProblem(
            tuple(cost / num_replicas for cost in self.costs),
            self.num_machines // num_replicas,
            tuple(size / num_replicas / self.bandwidth for size in self.hop_bytes),
            tuple(size / num_replicas for size in self.hop_bytes),
        )


@dataclass(frozen=True)
class Way:
    """One way to use the machines.

    Parameters
    ----------
    assignment
        Of the modules to the devices of one replica.
    device_parameters
        Bytes of the parameters that every device of a replica holds.
    all_reduce
        Seconds of a step in which the replicas add up their gradients.
    """

    num_replicas: int
    assignment: Assignment
    device_parameters: tuple[float, ...]
    all_reduce: float

    @property
    def num_devices(self) -> int:
        """Devices of a replica, those that have no module included."""
        return self.assignment.problem.num_devices

    @property
    def compute(self) -> float:
        """Seconds of a step that the busiest device works."""
        return max(self.assignment.loads)

    @property
    def time(self) -> float:
        """Seconds of a step, T(R)."""
        return self.compute + self.assignment.transfer + self.all_reduce

    @property
    def sent_bytes(self) -> float:
        """Bytes that all machines send in a step."""
        crossing = self.num_replicas * (self.assignment.crossing_bytes or 0)
        return crossing + 2 * (self.num_replicas - 1) * sum(self.device_parameters)


def use_machines(
    problem: HybridProblem, num_replicas: int, method: str = "contiguous", settings: GeneticSettings | None = None
) -> Way:
    """Cut each of R replicas over its n/R machines.

    Parameters
    ----------
    method
        A key of ``ASSIGNMENTS``.

    Raises
    ------
    ValueError
        If the replicas divide the machines or the batch unevenly, or there is no such method for these modules.
    """
    if reason := problem.why_not(num_replicas):
        raise ValueError(reason)
    assignment = assign(problem.of_replica(num_replicas), method, settings)
    held = [0.0] * assignment.problem.num_devices
    for device, size in zip(assignment.devices, problem.parameter_bytes, strict=True):
        held[device] += size
    all_reduce = 2 * (num_replicas - 1) / num_replicas * max(held) / problem.bandwidth
    return Way(num_replicas, assignment, tuple(held), all_reduce)


def ways_to_use(
    problem: HybridProblem, method: str = "contiguous", settings: GeneticSettings | None = None
) -> tuple[Way, ...]:
    """List the ways to use all machines, by the number of replicas; those that cannot share the batch are left out."""
    counts = [count for count in problem.replica_counts if not problem.why_not(count)]
    return tuple(use_machines(problem, count, method, settings) for count in counts)


def fastest(ways: Sequence[Way]) -> Way:
    """Pick the way with the shortest step; of those as fast, the one that sends least."""
    return min(ways, key=lambda way: (way.time, way.sent_bytes))
