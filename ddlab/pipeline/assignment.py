"""Assign the modules of a network to devices: by a genetic algorithm, by a greedy rule, and exactly.

GABRA (Akintoye et al. 2022) assigns partitions to GPUs by a genetic algorithm, and trains replicas of the whole on
different data (``ddlab.pipeline.replicas``). We know its abstract alone, which names neither fitness nor operators:
those here are our reading. Beside it stand what shows whether it finds the best assignment: a greedy rule and two exact
searches. Without transfers the problem is the scheduling of independent jobs on uniform machines, which is NP-hard, so
that the exact search among all assignments is for few modules. What all of them minimise is T(a) of
``ddlab.pipeline.assignment_problem``.

References
----------
Akintoye, Han, Zhang, Chen, Zhang, "A Hybrid Parallelization Approach for Distributed and Scalable Deep Learning", IEEE
Access 10, 2022: GABRA.
Graham, "Bounds on Multiprocessing Timing Anomalies", 1969: longest processing time first.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from ddlab.pipeline.assignment_problem import AssignmentProblem, Found, Generation, GeneticSettings, loads
from ddlab.registry import Entry, choose, load_target


@dataclass(frozen=True)
class AssignmentEntry(Entry):
    """A way to assign modules: ``target`` is a function of a problem and genetic settings that gives :class:`Found`.

    Parameters
    ----------
    limit
        ``"package.module:attribute"`` of a function of the problem that says why it is too large; empty if none is.
    """

    limit: str = ""

    def why_not(self, problem: AssignmentProblem) -> str:
        """Say why the problem is too large for it: field, rule, value and choices; empty if it is not."""
        return str(load_target(self.limit)(problem)) if self.limit else ""


@dataclass(frozen=True)
class Assignment:
    """Modules on their devices.

    Parameters
    ----------
    devices
        Device of every module, in the order of the forward pass, counted from 0.
    method
        A key of ``ASSIGNMENTS``, or a name of one's own for an assignment by hand.
    history
        Generations of the search, the random first one included; empty if it has none.

    Raises
    ------
    ValueError
        If a module has no device, or one that there is not.
    """

    problem: AssignmentProblem
    devices: tuple[int, ...]
    method: str = "by hand"
    history: tuple[Generation, ...] = ()

    def __post_init__(self) -> None:
        modules, last = self.problem.num_modules, self.problem.num_devices - 1
        if len(self.devices) != modules:
            raise ValueError(f"devices: must be one for each of the {modules} modules, got {len(self.devices)}")
        for device in self.devices:
            if not 0 <= device <= last:
                raise ValueError(f"devices: must be from 0 to {last}, got {device}; choices: 0 to {last}")

    @property
    def title(self) -> str:
        """The way to assign as people read it."""
        return ASSIGNMENTS[self.method].title if self.method in ASSIGNMENTS else self.method

    @cached_property
    def loads(self) -> tuple[float, ...]:
        """Time that every device works in a step."""
        return tuple(map(float, loads(self.problem, [self.devices])[0]))

    @property
    def transfer(self) -> float:
        """Time of the hops that cross devices, in a step."""
        return math.fsum(self.problem.transfers[hop] for hop in self.crossings)

    @property
    def time(self) -> float:
        """Time of a step, T(a)."""
        return max(self.loads) + self.transfer

    @property
    def balance(self) -> float:
        """Mean time that devices work over the longest one: 1 if all work equally long."""
        return sum(self.loads) / (len(self.loads) * max(self.loads))

    @cached_property
    def crossings(self) -> tuple[int, ...]:
        """Hops that cross devices, by the module before them."""
        hops = zip(self.devices, self.devices[1:], strict=False)
        return tuple(hop for hop, (here, there) in enumerate(hops) if here != there)

    @property
    def crossing_bytes(self) -> float | None:
        """Bytes of a step that cross devices, there and back; None if they are unknown."""
        sizes = self.problem.hop_bytes
        known = len(sizes) == self.problem.num_modules - 1
        return sum(sizes[hop] for hop in self.crossings) if known else None


def assign(problem: AssignmentProblem, method: str = "genetic", settings: GeneticSettings | None = None) -> Assignment:
    """Assign modules to devices in one of the ways of ``ASSIGNMENTS``.

    Of devices of equal speed, the first one has the first module that is on any of them, and so on.

    Raises
    ------
    ValueError
        If there is no such way, or the problem is too large for it; names the field, the rule, the value and the
        choices.
    """
    entry = choose(ASSIGNMENTS, method, "assignment")
    if reason := entry.why_not(problem):
        raise ValueError(reason)
    found: Found = entry.load()(problem, settings or GeneticSettings())
    return Assignment(problem, _named_in_order(problem, found.devices), method, found.history)


def _named_in_order(problem: AssignmentProblem, devices: tuple[int, ...]) -> tuple[int, ...]:
    """Exchange devices of equal speed so that the first module that needs one has the first of them, and so on.

    So assignments that differ by names alone are equal, and look equal.
    """
    names: dict[int, int] = {}
    for kind in problem.kinds:
        used = [device for device in dict.fromkeys(devices) if device in kind]
        names |= dict(zip(used, kind, strict=False))
    return tuple(names[device] for device in devices)


ASSIGNMENTS: dict[str, AssignmentEntry] = {
    "genetic": AssignmentEntry(
        "Genetic (GABRA, our reading)",
        "A population of random assignments that is selected, crossed and mutated: any number of modules and any "
        "devices, without a word on how far the result is from the best.",
        "ddlab.pipeline.genetic:genetic",
        "Akintoye et al. 2022 (GABRA), read from its abstract; fitness and operators are ours",
    ),
    "greedy": AssignmentEntry(
        "Greedy",
        "The largest module first, each where the step stays shortest: at once, but what was placed stays, and a hop "
        "is seen only when both its modules are placed.",
        "ddlab.pipeline.assignment_search:greedy",
        "Graham 1969, longest processing time first; transfers and speeds are ours",
    ),
    "contiguous": AssignmentEntry(
        "Exact, contiguous",
        "The best of all assignments in which a device has consecutive modules, as a pipeline has: few transfers, but "
        "large and small modules cannot be paired at will.",
        "ddlab.pipeline.assignment_search:contiguous",
        "ours, dynamic programming over work and transfers",
        "ddlab.pipeline.assignment_search:why_not_contiguous",
    ),
    "exact": AssignmentEntry(
        "Exact, any",
        "The best of all assignments, for so few modules that all can be gone through: what the others are judged by.",
        "ddlab.pipeline.assignment_search:exact",
        "ours, branch and bound",
        "ddlab.pipeline.assignment_search:why_not_exact",
    ),
}
