"""Simulate a schedule: when every action begins and ends, how long ranks are idle, and how much they keep.

An action begins when its rank is free and what it needs has arrived. A transfer takes its time between the end of an
action and the earliest begin of the next one on another rank, and nothing else: it occupies neither of the two ranks,
and any number of them go on at once. So a transfer costs time where a rank has nothing else to do meanwhile, which the
paper calls exposed. The paper's ramps, n(T_F + T_C) and n(T_B + T_C), assume the same, but for one thing: here a
micro-batch makes n - 1 hops each way, there n.

Activations are kept from the forward pass to the end of the backward pass, and where the gradient of the weights is an
action of its own, to the end of that: an upper bound, as a backward pass can free a part of them.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 3.3.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import Action, Schedule

ROUNDING = 1e-9  # of the makespan: shorter gaps between actions are sums that were rounded differently


@dataclass(frozen=True)
class Simulation:
    """A schedule in time, which begins at 0.

    Parameters
    ----------
    starts, ends
        Times of every action, in the unit of the costs.
    """

    schedule: Schedule
    costs: Costs
    starts: Mapping[Action, float]
    ends: Mapping[Action, float]

    @property
    def makespan(self) -> float:
        """Time of the whole schedule."""
        return max(self.ends.values())

    def scaled(self, factor: float) -> "Simulation":
        """The same in another unit of time, ``factor`` of which are one of this."""
        starts, ends = ({a: factor * time for a, time in times.items()} for times in (self.starts, self.ends))
        return Simulation(self.schedule, self.costs.scaled(factor), starts, ends)

    @property
    def busy(self) -> tuple[float, ...]:
        """Time that every rank works."""
        return tuple(sum(self.ends[action] - self.starts[action] for action in order) for order in self.schedule.orders)

    @property
    def idle_shares(self) -> tuple[float, ...]:
        """Share of the makespan in which every rank is idle."""
        return tuple(1 - busy / self.makespan for busy in self.busy)

    @property
    def bubble(self) -> float:
        """Share of the makespan in which ranks are idle, over all ranks."""
        return sum(self.idle_shares) / self.schedule.num_ranks

    @property
    def speed_up(self) -> float:
        """Speed-up over one rank that does all modules and transfers nothing."""
        return self.schedule.num_micro_batches * self.costs.work / self.makespan

    @property
    def kept(self) -> tuple[float, ...]:
        """Largest number of micro-batches whose activations every rank keeps; one in one of v modules counts 1/v."""
        most = self._most((1,) * self.costs.num_modules)
        return tuple(count / len(self.schedule.modules_of(rank)) for rank, count in enumerate(most))

    @property
    def kept_bytes(self) -> tuple[float, ...]:
        """Largest number of bytes of activations that every rank keeps; empty if the costs do not say them."""
        return self._most(self.costs.activation_bytes) if self.costs.activation_bytes else ()

    @property
    def sent_bytes(self) -> float | None:
        """Bytes that all ranks send each other: activations forward, gradients back; None if they are unknown."""
        hops, rank_of = self.costs.hop_bytes, self.schedule.rank_of
        if len(hops) != self.costs.num_modules - 1:
            return None
        crossing = sum(size for hop, size in enumerate(hops) if rank_of(hop) != rank_of(hop + 1))
        return 2 * self.schedule.num_micro_batches * crossing

    def _most(self, sizes: tuple[float, ...]) -> tuple[float, ...]:
        """The most that every rank keeps at a time, by the size of a module's activations."""
        last = "W" if self.schedule.weights_apart else "B"
        found = []
        for order in self.schedule.orders:
            now = most = 0.0
            for kind, module, _ in order:
                if kind == "F":
                    now += sizes[module]
                    most = max(most, now)
                elif kind == last:
                    now -= sizes[module]
            found.append(most)
        return tuple(found)

    def action_table(self) -> pd.DataFrame:
        """All actions as they begin, a row each, of equal times the lower rank first.

        Returns
        -------
        pandas.DataFrame
            ``rank``, ``kind`` (F, B or W), ``module`` and ``micro_batch`` (all counted from 0), ``start`` and ``end``.
        """
        places = {
            action: (rank, at) for rank, order in enumerate(self.schedule.orders) for at, action in enumerate(order)
        }
        actions = sorted(self.starts, key=lambda action: (self.starts[action], places[action]))
        rows = [(places[action][0], *action, self.starts[action], self.ends[action]) for action in actions]
        return pd.DataFrame(rows, columns=["rank", "kind", "module", "micro_batch", "start", "end"])

    def idle_table(self) -> pd.DataFrame:
        """All times in which a rank is idle, a row each: ``rank``, ``start`` and ``end``; from 0 to the makespan."""
        rows, whole = [], self.makespan
        for rank, order in enumerate(self.schedule.orders):
            free = [0.0, *(self.ends[action] for action in order)]
            until = [*(self.starts[action] for action in order), whole]
            gaps = zip(free, until, strict=True)
            rows += [(rank, start, end) for start, end in gaps if end - start > ROUNDING * whole]
        return pd.DataFrame(rows, columns=["rank", "start", "end"]).astype({"start": float, "end": float})


def simulate(schedule: Schedule, costs: Costs) -> Simulation:
    """Let every action begin as soon as it can.

    Raises
    ------
    ValueError
        If the costs are of another number of modules.
    AssertionError
        If ranks wait for each other for ever; names the actions.
    """
    if costs.num_modules != schedule.num_modules:
        raise ValueError(
            f"costs: must be of {schedule.num_modules} modules ({schedule.num_ranks} ranks, {schedule.num_chunks} "
            f"a rank), got {costs.num_modules}"
        )
    starts: dict[Action, float] = {}
    ends: dict[Action, float] = {}
    done = [0] * schedule.num_ranks  # actions of every rank
    waiting: dict[Action, list[int]] = {}  # ranks by the action that they wait for
    ready = list(range(schedule.num_ranks))
    while ready:
        rank = ready.pop()
        order = schedule.orders[rank]
        while done[rank] < len(order):
            action = order[done[rank]]
            needs = schedule.needs(action)
            missing = next((need for need in needs if need not in ends), None)
            if missing is not None:
                waiting.setdefault(missing, []).append(rank)
                break
            free = ends[order[done[rank] - 1]] if done[rank] else 0.0
            starts[action] = max([free, *(ends[need] + _transfer(schedule, costs, need, action) for need in needs)])
            ends[action] = starts[action] + costs.seconds(action, schedule.weights_apart)
            done[rank] += 1
            ready += waiting.pop(action, [])
    told = [
        f"rank {rank} waits with {schedule.orders[rank][done[rank]]} for {need}"
        for need in waiting
        for rank in waiting[need]
    ]
    assert not waiting, f"deadlock: {'; '.join(sorted(told))}"
    return Simulation(schedule, costs, starts, ends)


def _transfer(schedule: Schedule, costs: Costs, source: Action, target: Action) -> float:
    """Time from the end of an action until its result is where another one needs it."""
    if schedule.rank_of(source.module) == schedule.rank_of(target.module):
        return 0.0
    return costs.transfer[min(source.module, target.module)]
