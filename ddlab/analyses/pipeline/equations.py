"""The paper's equations (11), (12) and (13) beside the event simulation, and why they differ where they do.

All of it is for m = n micro-batches, as in the paper, and times of a micro-batch that are the means of the modules'.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 3.3.2.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ddlab.analyses.pipeline.plan import SEQUENTIAL, PipelinePlan
from ddlab.analyses.pipeline.schedules import simulate_network
from ddlab.pipeline import theory
from ddlab.pipeline.costs import Costs

ROUNDING = 1e-9  # of a time: less is no difference
OVERLAPPED = ("gpipe", "1f1b")  # both are readings of the paper's Fig. 3(b); 1F1B is the nearer one
COLUMNS = ("quantity", "equation", "schedule", "formula", "equal", "partition")


@dataclass(frozen=True)
class Equations:
    """Times of the equations' model for one network on n ranks, in any unit.

    Parameters
    ----------
    costs
        Of a micro-batch of an n-th of the batch, one module a rank.
    """

    costs: Costs

    @classmethod
    def of(cls, plan: PipelinePlan) -> "Equations":
        """The plan's network with one module a machine and m = n."""
        whole, parts = plan.by(SEQUENTIAL).batch_costs, plan.machines.number
        times = (whole.forward, whole.backward, whole.weight, whole.transfer)
        return cls(Costs(*(tuple(seconds / parts for seconds in part) for part in times)))

    @property
    def num_ranks(self) -> int:
        """The number of ranks, n."""
        return self.costs.num_modules

    @property
    def means(self) -> tuple[float, float, float]:
        """T_F, T_B and T_C: means over modules and hops; T_C is 0 for one rank."""
        hops = self.costs.transfer
        transfer = sum(hops) / len(hops) if hops else 0.0
        return sum(self.costs.forward) / self.num_ranks, sum(self.costs.backward) / self.num_ranks, transfer

    @cached_property
    def simulated(self) -> dict[str, tuple[float, float]]:
        """Times of a batch by schedule: with modules that are all alike, and with those that there are."""
        alike = Costs.uniform(self.num_ranks, *self.means)
        return {
            name: (self._makespan(name, alike), self._makespan(name, self.costs)) for name in (SEQUENTIAL, *OVERLAPPED)
        }

    def _makespan(self, name: str, costs: Costs) -> float:
        return simulate_network(name, costs, self.num_ranks, self.num_ranks).makespan


def equation_table(found: Equations) -> pd.DataFrame:
    """The equations' values beside those of the simulation, a row a quantity and schedule.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` (T_NO, T_O, S), ``equation``, ``schedule`` that is simulated, ``formula``, and simulated:
        ``equal``, modules that are all alike, and ``partition``, those that there are. Times are in the unit of the
        costs.
    """
    sizes, simulated = (found.num_ranks, *found.means), found.simulated
    rows: list[tuple[object, ...]] = [
        ("T_NO", "(11)", SEQUENTIAL, theory.sequential_time(*sizes), *simulated[SEQUENTIAL])
    ]
    for name in OVERLAPPED:
        rows.append(("T_O", "(12)", name, theory.overlapped_time(*sizes), *simulated[name]))
    for name in OVERLAPPED:
        over = [alone / time for alone, time in zip(simulated[SEQUENTIAL], simulated[name], strict=True)]
        rows.append(("S", "(13)", name, theory.overlap_speed_up(*sizes), *over))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def differences(found: Equations) -> list[tuple[str, float]]:
    """List why equations and simulation differ: a sentence each, and the time that it comes to; empty if they agree.

    The first two make up all of the difference between (12) and GPipe with modules that are all alike.
    """
    number, (forward, backward, transfer), simulated = found.num_ranks, found.means, found.simulated
    alike = {name: times[0] for name, times in simulated.items()}
    uneven = {name: own - equal for name, (equal, own) in simulated.items()}
    reasons = [
        (
            "(12) takes the longer pass for both ramps; in the simulation one ramp is of forward passes, the other of "
            "backward passes: (n − 1)|T_B − T_F|.",
            (number - 1) * abs(backward - forward),
        ),
        ("(12) lets a micro-batch make n hops each way, where n modules have n − 1 borders: 2 T_C.", 2 * transfer),
        ("(11) does the same for each of the n micro-batches: 2 n T_C.", 2 * number * transfer),
        (
            "1F1B waits for transfers also between its turns of a forward and a backward pass, which (12) leaves out: "
            "1F1B less GPipe.",
            alike["1f1b"] - alike["gpipe"],
        ),
        (
            "The modules and transfers of this network are not all alike: 1F1B of this partition less 1F1B of equal "
            "modules.",
            uneven["1f1b"],
        ),
    ]
    return [(text, time) for text, time in reasons if abs(time) > ROUNDING * alike[SEQUENTIAL]]
