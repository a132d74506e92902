"""Modules on ranks: which rank has which modules of a partition, and which schedule they follow.

Where ranks are fewer than modules, a rank has several. Neighbours then count as one larger module, as a transfer
between two modules of one rank takes nothing; only the interleaved schedule gains from small ones, which go around.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ddlab.pipeline.partition import Partition, balanced
from ddlab.pipeline.schedules import SCHEDULES, Action, Schedule, make_schedule
from ddlab.registry import choose

ALONE = "sequential"  # the schedule of one rank


@dataclass(frozen=True)
class Placement:
    """The modules of a partition on ranks.

    Parameters
    ----------
    partition
        The network as n modules.
    schedule
        Of the ranks that are used; its modules are the stretches.
    stretches
        The neighbouring modules that each of the schedule's modules consists of.
    """

    partition: Partition
    schedule: Schedule
    stretches: tuple[range, ...]

    @property
    def num_ranks(self) -> int:
        """Ranks that have a module."""
        return self.schedule.num_ranks

    @property
    def last_rank(self) -> int:
        """The rank that ends with logits and losses."""
        return self.schedule.rank_of(self.schedule.num_modules - 1)

    def stretches_of(self, rank: int) -> list[int]:
        """List the schedule's modules on a rank."""
        return list(self.schedule.modules_of(rank))

    def flops_of(self, rank: int) -> int:
        """Operations of a forward pass of one sample in the modules of a rank."""
        modules = self.partition.modules
        return sum(modules[module].flops for index in self.stretches_of(rank) for module in self.stretches[index])

    @property
    def hops(self) -> tuple[int, ...]:
        """Numbers a sample that go from each of the schedule's modules to the next one; 0 where they share a rank."""
        numbers, rank_of = self.partition.bytes_between(1), self.schedule.rank_of
        return tuple(
            numbers[stretch[-1]] if rank_of(index) != rank_of(index + 1) else 0
            for index, stretch in enumerate(self.stretches[:-1])
        )


def place(partition: Partition, schedule: str, num_ranks: int, num_micro_batches: int) -> Placement:
    """Place the modules of a partition on at most ``num_ranks`` ranks, as many as can be used.

    Raises
    ------
    ValueError
        If there is no such schedule, or no rank or micro-batch; names the field, the rule, the value and the choices.
    """
    entry = choose(SCHEDULES, schedule, "schedule")
    modules = len(partition.modules)
    if entry.least_chunks > 1:
        used = _rounds(modules, min(num_ranks, modules // entry.least_chunks), num_micro_batches, entry.whole_rounds)
        stretches = [range(index, index + 1) for index in range(modules)]
    else:
        used = min(num_ranks, modules)
        stretches = _neighbours(partition.costs, used)
    if used <= 1:
        alone = make_schedule(ALONE, 1, num_micro_batches, modules)
        return Placement(partition, alone, tuple(range(index, index + 1) for index in range(modules)))
    made = make_schedule(schedule, used, num_micro_batches, len(stretches) // used)
    return Placement(partition, made, tuple(stretches))


def make_assigned(assignment: Sequence[int], num_micro_batches: int) -> Schedule:
    """GPipe for modules that are on any ranks: all forward passes as they can begin, then all backward passes.

    Parameters
    ----------
    assignment
        The rank of every module; every rank from 0 on has one.

    Raises
    ------
    ValueError
        If there is no module or micro-batch, or a rank without a module; names the field, the rule and the value.
    """
    ranks = sorted(set(assignment))
    if not ranks or ranks != list(range(len(ranks))):
        raise ValueError(f"assignment: must name ranks from 0 on, each at least once, got {list(assignment)}")
    if num_micro_batches < 1:
        raise ValueError(f"num_micro_batches: must be at least 1, got {num_micro_batches}")
    last, batches = len(assignment) - 1, range(num_micro_batches)
    orders = []
    for rank in ranks:
        own = [module for module, there in enumerate(assignment) if there == rank]
        # What an action needs has a smaller sum than itself, so no two ranks wait for each other.
        there = sorted((module + batch, module, batch) for module in own for batch in batches)
        back = sorted((last - module + batch, batch, module) for module in own for batch in batches)
        forward = [Action("F", module, batch) for _, module, batch in there]
        orders.append((*forward, *(Action("B", module, batch) for _, batch, module in back)))
    chunks = max(Counter(assignment).values())
    return Schedule("gpipe", len(ranks), num_micro_batches, chunks, tuple(orders), tuple(assignment))


def place_assigned(partition: Partition, assignment: Sequence[int], num_micro_batches: int) -> Placement:
    """Place every module of a partition on the rank that an assignment gives it; raises as :func:`make_assigned`."""
    stretches = tuple(range(index, index + 1) for index in range(len(partition.modules)))
    return Placement(partition, make_assigned(assignment, num_micro_batches), stretches)


def _neighbours(costs: Sequence[float], ranks: int) -> list[range]:
    """Group modules by cost, neighbours together, as the layers are grouped to modules."""
    stops, start = [], 0
    for size in balanced(costs, ranks):
        stops.append(range(start, start + size))
        start += size
    return stops


def _rounds(modules: int, most: int, micro_batches: int, whole: bool) -> int:
    """The largest number of ranks that divides the modules and, for whole rounds, the micro-batches; 1 always does."""
    fits = (r for r in range(most, 1, -1) if modules % r == 0 and not (whole and micro_batches % r))
    return next(fits, 1)
