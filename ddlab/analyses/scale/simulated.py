"""Ranks of different speed, simulated: what waiting for the slowest costs.

Every rank computes, comes to the exchange, and waits there; the exchange begins with the last one that comes and ends
for all at once. Of a stage that exchanges nothing the last rank's end counts. Ranks that hold consecutive layers follow
their schedule, event by event (:mod:`ddlab.pipeline.simulation`). Without a spread this gives the time of the formula.

The spread σ is the standard deviation of the time of a step over its mean, by one of two causes:

- ``steps``: the time of every rank is drawn anew in every step, as other programs and the network disturb it. Where
  ranks meet in every step they wait for the slowest of each; where they meet only at the end, it averages out;
- ``ranks``: a rank is as fast as it is from the first step to the last, as machines of several kinds are. Then all wait
  for the slowest one, whatever they exchange. What this takes is the mean over draws of all ranks.

Times are lognormal, which are above 0, and their mean is that of the formula.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ddlab.analyses.scale.cluster import Cluster
from ddlab.analyses.scale.ordered import order_costs, order_seconds, ranks_of_modules
from ddlab.analyses.scale.step import busy_seconds, exchange_cost, update_seconds
from ddlab.analyses.scale.table import Grown, grown
from ddlab.pipeline.costs import Costs
from ddlab.problem import Problem
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.growth import Growth

Cause = Literal["steps", "ranks"]
CAUSES: dict[Cause, str] = {"steps": "every step is drawn anew", "ranks": "a rank stays as fast as it is"}
TRIED = 24  # steps that are simulated, or draws of all ranks


@dataclass(frozen=True)
class Spread:
    """A spread of the times of ranks.

    Parameters
    ----------
    size
        σ: standard deviation over mean, from 0 on.
    cause
        One of ``CAUSES``.
    seed
        Of what is drawn.

    Raises
    ------
    ValueError
        If the size cannot be.
    """

    size: float = 0.0
    cause: Cause = "steps"
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.size) and 0 <= self.size <= 2):
            raise ValueError(f"spread: must be from 0 to 2, a share of the time of a step, got {self.size:g}")

    def factors(self, ranks: int, steps: float = 1.0) -> np.ndarray:
        """Factors on the times ``(TRIED, ranks)``; those of every rank have the mean 1.

        Parameters
        ----------
        steps
            How many steps a rank does before it waits.
        """
        # The mean of n independent draws has a spread of 1/√n of it.
        size = self.size / math.sqrt(max(steps, 1.0)) if self.cause == "steps" else self.size
        width = math.sqrt(math.log(1 + size**2))
        drawn: np.ndarray = np.exp(width * np.random.default_rng(self.seed).standard_normal((TRIED, ranks)))
        factors: np.ndarray = drawn / drawn.mean(axis=0)
        return factors


def simulated_step(growth: Growth, cluster: Cluster, ranks: int, spread: Spread) -> float:
    """Mean seconds of a step of a stage on ``ranks`` ranks."""
    worker = cluster.at(ranks)
    if not growth.steps:
        return 0.0
    whole = sum(exchange_cost(cluster.link, e.collective, e.ranks, e.size).seconds * e.times for e in growth.exchanges)
    if growth.order is not None:
        factors = spread.factors(growth.order.placement.num_ranks)
        return _ordered(growth, cluster, ranks, factors) + float(whole)
    loads = np.concatenate([np.full(count, seconds) for count, seconds in busy_seconds(growth, worker)])
    if not growth.exchanges:
        return float((loads * spread.factors(len(loads), growth.steps * growth.epochs)).max(axis=1).mean())
    return _meeting(loads * spread.factors(len(loads)), whole)


def _meeting(times: np.ndarray, exchange: float) -> float:
    """Mean seconds of a step of ranks that meet at the end of each; times ``(steps, ranks)``."""
    return float(times.max(axis=1).mean()) + exchange


def _ordered(growth: Growth, cluster: Cluster, ranks: int, factors: np.ndarray) -> float:
    order = growth.order
    assert order is not None
    costs, placement = order_costs(order, cluster, ranks), order.placement
    if order.method is not None:  # its costs are by module
        owner: Callable[[int], int] = ranks_of_modules(placement).__getitem__
    else:
        owner = placement.schedule.rank_of
    times = [order_seconds(order, _slowed(costs, [row[owner(m)] for m in range(costs.num_modules)])) for row in factors]
    return float(np.mean(times)) + update_seconds(growth, cluster.at(ranks))


def _slowed(costs: Costs, factors: list[float]) -> Costs:
    def times(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(float(factor * value) for factor, value in zip(factors, values, strict=True))

    return replace(costs, forward=times(costs.forward), backward=times(costs.backward), weight=times(costs.weight))


def spread_table(
    problem: Problem, cluster: Cluster, ranks: int, size: float, *, strategies: tuple[str, ...] = (), weak: bool = False
) -> pd.DataFrame:
    """Simulate the training steps of every strategy on so many ranks, without a spread and with it.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``; seconds of all training steps: ``formula``, ``simulated`` without a spread, ``steps``
        and ``ranks`` with one of either cause; ``steps_cost`` and ``ranks_cost``, what that adds as a share. Strategies
        of which it is not known how they grow are left out.
    """
    rows = []
    for strategy in strategies or problem.experiment.strategies:
        try:
            found = grown(problem, strategy, cluster, ranks, weak)
        except ValueError:
            continue
        spreads = {"simulated": Spread()} | {str(cause): Spread(size, cause) for cause in CAUSES}
        times = {name: _all_steps(found, spread) for name, spread in spreads.items()}
        row = {"strategy": strategy, "title": STRATEGIES[strategy].title, "formula": found.steps_seconds, **times}
        rows.append(row | {f"{cause}_cost": times[cause] / times["simulated"] - 1 for cause in CAUSES})
    columns = ["strategy", "title", "formula", "simulated", *CAUSES, *(f"{cause}_cost" for cause in CAUSES)]
    return pd.DataFrame(rows, columns=columns)


def _all_steps(found: Grown, spread: Spread) -> float:
    return sum(
        simulated_step(growth, found.cluster, found.ranks, spread) * growth.steps * growth.epochs
        for _, growth, _ in found.stages
    )
