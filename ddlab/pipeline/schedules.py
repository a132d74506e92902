"""Schedules: in which order every rank of a pipeline works on its modules and micro-batches.

A schedule says only the order; when an action begins follows from what it needs (``ddlab.pipeline.simulation``).
In symbols: n ranks, m micro-batches, v chunks (modules a rank). Module k of the n·v modules is on rank k mod n. All of
them are counted from 0. Every schedule ends with a flush: one update after all micro-batches, with the gradient of the
whole batch.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 3.3.1.
Huang et al., "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism", 2019.
Narayanan et al., "Memory-Efficient Pipeline-Parallel DNN Training", 2021: PipeDream-Flush, which is 1F1B with a flush.
Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", 2021.
Qi, Wan, Huang, Lin, "Zero Bubble Pipeline Parallelism", 2023.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product, zip_longest
from typing import Literal, NamedTuple

from ddlab.registry import Entry, choose

KEPT = 512  # schedules in memory: tables ask for the same ones again and again
Kind = Literal["F", "B", "W"]
KINDS: dict[Kind, str] = {"F": "forward", "B": "backward", "W": "gradient of the weights"}


class Action(NamedTuple):
    """One pass of a micro-batch through a module.

    Parameters
    ----------
    kind
        ``"F"`` is the forward pass and ``"B"`` the backward pass. Where ``"W"``, the gradient of the weights, is an
        action of its own, ``"B"`` computes the gradient of the module's input alone.
    """

    kind: Kind
    module: int
    micro_batch: int

    def __str__(self) -> str:
        return f"{self.kind} of module {self.module}, micro-batch {self.micro_batch}"


Order = tuple[Action, ...]


@dataclass(frozen=True)
class ScheduleEntry(Entry):
    """A kind of schedule: ``target`` is a function of rank, n, m and v that gives the rank's :data:`Order`.

    Parameters
    ----------
    least_chunks, most_chunks
        Modules a rank that it is made for; any number from the least on if ``most_chunks`` is None.
    whole_rounds
        The number of micro-batches must be a multiple of the number of ranks.
    weights_apart
        The gradient of the weights is an action of its own.
    """

    least_chunks: int = 1
    most_chunks: int | None = None
    whole_rounds: bool = False
    weights_apart: bool = False

    def why_not(self, num_ranks: int, num_micro_batches: int, num_chunks: int = 1) -> str:
        """Say why there is no such schedule: field, rule, value and choices; empty if there is one."""
        sizes = {"num_ranks": num_ranks, "num_micro_batches": num_micro_batches, "num_chunks": num_chunks}
        for field, value in sizes.items():
            if value < 1:
                return f"{field}: must be at least 1, got {value}"
        if num_chunks < self.least_chunks:
            return f"num_chunks: must be at least {self.least_chunks} for {self.title}, got {num_chunks}"
        if self.most_chunks is not None and num_chunks > self.most_chunks:
            several = [entry.title for entry in SCHEDULES.values() if entry.most_chunks is None]
            return (
                f"num_chunks: must be at most {self.most_chunks} for {self.title}, got {num_chunks}; several modules a "
                f"rank are for: {', '.join(several)}"
            )
        if self.whole_rounds and num_micro_batches % num_ranks:
            below = num_micro_batches // num_ranks * num_ranks
            choices = [str(each) for each in (below, below + num_ranks) if each]
            return (
                f"num_micro_batches: must be a multiple of the {num_ranks} ranks for {self.title}, "
                f"got {num_micro_batches}; nearest: {' or '.join(choices)}"
            )
        return ""


@dataclass(frozen=True)
class Schedule:
    """The actions of every rank, in the order in which it does them.

    Parameters
    ----------
    name
        One of ``SCHEDULES``.
    num_chunks
        Modules a rank, at most.
    orders
        One a rank.
    assignment
        The rank of every module; empty: module k is on rank k mod n.
    """

    name: str
    num_ranks: int
    num_micro_batches: int
    num_chunks: int
    orders: tuple[Order, ...]
    assignment: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        kinds: tuple[Kind, ...] = ("F", "B", "W") if self.weights_apart else ("F", "B")
        for rank, order in enumerate(self.orders):
            modules = self.modules_of(rank)
            asked = Counter(Action(*each) for each in product(kinds, modules, range(self.num_micro_batches)))
            wrong = sorted({*(asked - Counter(order)), *(Counter(order) - asked)})
            assert not wrong, f"rank {rank} must do each of its actions once: {'; '.join(map(str, wrong))}"

    @property
    def num_modules(self) -> int:
        """Modules of the whole network."""
        return len(self.assignment) or self.num_ranks * self.num_chunks

    @property
    def weights_apart(self) -> bool:
        """The gradient of the weights is an action of its own."""
        return SCHEDULES[self.name].weights_apart

    @property
    def title(self) -> str:
        """The schedule as people read it."""
        return SCHEDULES[self.name].title

    def rank_of(self, module: int) -> int:
        """Return the rank that a module is on."""
        return self.assignment[module] if self.assignment else module % self.num_ranks

    def modules_of(self, rank: int) -> tuple[int, ...]:
        """List the modules that are on a rank."""
        return tuple(module for module in range(self.num_modules) if self.rank_of(module) == rank)

    def needs(self, action: Action) -> list[Action]:
        """List the actions that must have ended before one begins, besides those before it on its rank."""
        kind, module, micro_batch = action
        if kind == "F":
            return [Action("F", module - 1, micro_batch)] if module else []
        if kind == "W":
            return [Action("B", module, micro_batch)]
        own = [Action("F", module, micro_batch)]
        return own + ([Action("B", module + 1, micro_batch)] if module + 1 < self.num_modules else [])


@lru_cache(maxsize=KEPT)
def make_schedule(name: str, num_ranks: int, num_micro_batches: int, num_chunks: int = 1) -> Schedule:
    """The schedule of a name for n ranks, m micro-batches and v modules a rank.

    Raises
    ------
    ValueError
        If there is none; names the field, the rule, the value and the choices.
    """
    entry = choose(SCHEDULES, name, "schedule")
    if reason := entry.why_not(num_ranks, num_micro_batches, num_chunks):
        raise ValueError(reason)
    order = entry.load()
    orders = tuple(order(rank, num_ranks, num_micro_batches, num_chunks) for rank in range(num_ranks))
    return Schedule(name, num_ranks, num_micro_batches, num_chunks, orders)


# ---- the orders of one rank


def sequential_order(rank: int, num_ranks: int, num_micro_batches: int, num_chunks: int) -> Order:
    """Every micro-batch goes forward through all modules and back before the next one begins."""
    modules = range(rank, num_ranks * num_chunks, num_ranks)
    there = [Action("F", module, 0) for module in modules]
    back = [Action("B", module, 0) for module in reversed(modules)]
    batches = range(num_micro_batches)
    return tuple(action._replace(micro_batch=batch) for batch in batches for action in there + back)


def gpipe_order(rank: int, num_ranks: int, num_micro_batches: int, num_chunks: int) -> Order:
    """All micro-batches go forward through the rank's modules, one module after the other, then all go back."""
    modules, batches = range(rank, num_ranks * num_chunks, num_ranks), range(num_micro_batches)
    forward = [Action("F", module, batch) for module in modules for batch in batches]
    backward = [Action("B", module, batch) for module in reversed(modules) for batch in batches]
    return (*forward, *backward)


def one_forward_one_backward_order(rank: int, num_ranks: int, num_micro_batches: int, num_chunks: int) -> Order:
    """So many forward passes that the last rank can begin to go back, then a forward and a backward pass in turn."""
    warm_up = num_ranks - 1 - rank
    batches = range(num_micro_batches)
    return _in_turn(
        [Action("F", rank, batch) for batch in batches], [Action("B", rank, batch) for batch in batches], warm_up
    )


def interleaved_order(rank: int, num_ranks: int, num_micro_batches: int, num_chunks: int) -> Order:
    """1F1B over several modules a rank: n micro-batches go through a module, then the same n through the next one.

    The number of forward passes before the first backward pass is Narayanan et al.'s, as in Megatron-LM: one round of
    n micro-batches through every module of the rank but the last, and two more for every rank behind this one.
    """
    steps = range(num_chunks * num_micro_batches)
    chunks = [step // num_ranks % num_chunks for step in steps]
    batches = [step // (num_ranks * num_chunks) * num_ranks + step % num_ranks for step in steps]
    there = [Action("F", chunk * num_ranks + rank, batch) for chunk, batch in zip(chunks, batches, strict=True)]
    last = num_chunks - 1
    back = [Action("B", (last - chunk) * num_ranks + rank, batch) for chunk, batch in zip(chunks, batches, strict=True)]
    return _in_turn(there, back, last * num_ranks + 2 * (num_ranks - 1 - rank))


def zero_bubble_order(rank: int, num_ranks: int, num_micro_batches: int, num_chunks: int) -> Order:
    """1F1B in which rank r puts off the gradient of its weights by r micro-batches.

    So every rank has n micro-batches in flight at most, as the first one has in 1F1B: n - r between forward and
    backward pass, and r that wait for the gradient of the weights.
    """
    plain = one_forward_one_backward_order(rank, num_ranks, num_micro_batches, num_chunks)
    order: list[Action] = []
    for action in plain:
        order.append(action)
        if action.kind == "B" and action.micro_batch >= rank:
            order.append(Action("W", rank, action.micro_batch - rank))
    done = max(0, num_micro_batches - rank)
    return (*order, *(Action("W", rank, batch) for batch in range(done, num_micro_batches)))


def _in_turn(forward: list[Action], backward: list[Action], warm_up: int) -> Order:
    """Forward passes to begin with, then a forward and a backward pass in turn as long as there are both."""
    warm_up = min(warm_up, len(forward))
    pairs = chain.from_iterable(zip_longest(forward[warm_up:], backward))
    return (*forward[:warm_up], *(action for action in pairs if action is not None))


SCHEDULES: dict[str, ScheduleEntry] = {
    "sequential": ScheduleEntry(
        "Sequential",
        "One rank works at a time: the least memory, and n ranks are no faster than one.",
        "ddlab.pipeline.schedules:sequential_order",
        "Akintoye et al. 2023, Fig. 3(a)",
    ),
    "gpipe": ScheduleEntry(
        "GPipe",
        "All forward passes, then all backward passes: transfers cost time at both ends alone, but every rank keeps "
        "the activations of all m micro-batches.",
        "ddlab.pipeline.schedules:gpipe_order",
        "Huang et al. 2019, Fig. 2(c)",
    ),
    "1f1b": ScheduleEntry(
        "1F1B",
        "Backward passes begin as soon as they can: at most n micro-batches are kept instead of m, with the idle time "
        "of GPipe, but every turn of a forward and a backward pass waits for transfers.",
        "ddlab.pipeline.schedules:one_forward_one_backward_order",
        "Akintoye et al. 2023, Fig. 3(b); Narayanan et al. 2021 (PipeDream-Flush)",
        most_chunks=1,
    ),
    "interleaved": ScheduleEntry(
        "Interleaved 1F1B",
        "v smaller modules a rank: the idle time shrinks v times, for v times as many transfers and more activations.",
        "ddlab.pipeline.schedules:interleaved_order",
        "Narayanan et al. 2021 (Megatron-LM), Section 2.2.2",
        least_chunks=2,
        whole_rounds=True,
    ),
    "zero_bubble": ScheduleEntry(
        "Zero bubble (ZB-H1)",
        "The gradient of the weights is put off to fill the idle time at the end: a third of it is left where all "
        "three passes take equally long, and every rank keeps as much as the first one of 1F1B.",
        "ddlab.pipeline.schedules:zero_bubble_order",
        "Qi, Wan, Huang, Lin 2023, Section 2.1",
        most_chunks=1,
        weights_apart=True,
    ),
}
