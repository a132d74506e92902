"""Schedules side by side: how long a step takes, how idle the ranks are, what they keep and send.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 3.3.2.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import SCHEDULES, make_schedule
from ddlab.pipeline.simulation import Simulation, simulate
from ddlab.pipeline.theory import pipeline_speed_up
from ddlab.registry import choose

SEQUENTIAL = "sequential"  # what the paper's speed-up is over
NUMBERS = ("makespan", "bubble", "speed_up", "over_sequential", "kept", "kept_bytes", "sent_bytes")


def simulate_network(name: str, costs: Costs, num_ranks: int, num_micro_batches: int) -> Simulation:
    """Simulate a schedule of a network whose modules are as small as any schedule needs them.

    Parameters
    ----------
    costs
        The modules in order, v of them a rank. A schedule that is made for one module a rank gets v neighbours as one.

    Raises
    ------
    ValueError
        If the schedule is not for these numbers; names the field, the rule, the value and the choices.
    """
    if num_ranks < 1 or costs.num_modules % num_ranks:
        raise ValueError(f"num_ranks: must divide the {costs.num_modules} modules, got {num_ranks}")
    a_rank = costs.num_modules // num_ranks
    entry = SCHEDULES.get(name)
    several = entry is not None and entry.least_chunks > 1
    schedule = make_schedule(name, num_ranks, num_micro_batches, a_rank if several else 1)
    return simulate(schedule, costs if several else costs.merged(a_rank))


def schedule_table(costs: Costs, num_ranks: int, num_micro_batches: int) -> pd.DataFrame:
    """Every schedule of one network on the same ranks, a row each.

    Parameters
    ----------
    costs
        As of :func:`simulate_network`.

    Returns
    -------
    pandas.DataFrame
        ``schedule``, ``title``, ``description`` and ``reference``; ``makespan`` in the unit of the costs; ``bubble``
        (idle share of all ranks); ``speed_up`` over one rank that transfers nothing; ``over_sequential``, the paper's
        speed-up over the sequential schedule on the same ranks, with its transfers; ``kept`` (micro-batches whose
        activations the rank that keeps most of them keeps); ``kept_bytes`` and ``sent_bytes`` (empty where the costs do
        not say them); and ``reason`` why there is no such schedule. Numbers are empty there.

    Raises
    ------
    ValueError
        If the ranks do not divide the modules, or there is no rank or no micro-batch.
    """
    base = simulate_network(SEQUENTIAL, costs, num_ranks, num_micro_batches).makespan
    rows = []
    for name, entry in SCHEDULES.items():
        row: dict[str, Any] = {"schedule": name, "title": entry.title, "description": entry.description}
        row["reference"] = entry.reference
        try:
            found = simulate_network(name, costs, num_ranks, num_micro_batches)
        except ValueError as error:
            rows.append(row | {"reason": str(error)})
        else:
            rows.append(row | _numbers(found) | {"over_sequential": base / found.makespan, "reason": ""})
    columns = ["schedule", "title", "description", "reference", *NUMBERS, "reason"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(NUMBERS, float))


def _numbers(found: Simulation) -> dict[str, Any]:
    return {
        "makespan": found.makespan,
        "bubble": found.bubble,
        "speed_up": found.speed_up,
        "kept": max(found.kept),
        "kept_bytes": max(found.kept_bytes, default=None),
        "sent_bytes": found.sent_bytes,
    }


def speed_up_table(
    costs: Costs, num_ranks: int, micro_batches: Iterable[int], schedules: Iterable[str] = tuple(SCHEDULES)
) -> pd.DataFrame:
    """Speed-up of schedules against the number of micro-batches, a row each.

    A speed-up stays the same when all times of a micro-batch shrink alike; so it is that of a batch of any size, as
    long as half a batch takes half the time.

    Parameters
    ----------
    costs
        As of :func:`simulate_network`.

    Returns
    -------
    pandas.DataFrame
        ``schedule``, ``title``, ``micro_batches``, ``speed_up`` over one rank that transfers nothing, ``bubble``, and
        ``ideal``: n m/(m + n - 1), the speed-up of GPipe and 1F1B without transfers. Numbers that a schedule is not
        for have no row. The rows of a schedule follow each other.

    Raises
    ------
    ValueError
        If the ranks do not divide the modules, or a number of micro-batches is below 1.
    """
    rows = []
    counts = sorted({*micro_batches})
    for count in counts:
        make_schedule(SEQUENTIAL, num_ranks, count)  # refuses what no schedule is for
    for name in schedules:
        entry = choose(SCHEDULES, name, "schedule")
        for count in counts:
            chunks = max(1, costs.num_modules // num_ranks) if entry.least_chunks > 1 else 1
            if entry.why_not(num_ranks, count, chunks):
                continue
            found = simulate_network(name, costs, num_ranks, count)
            about = {"schedule": name, "title": entry.title, "micro_batches": count}
            ideal = pipeline_speed_up(num_ranks, count)
            rows.append(about | {"speed_up": found.speed_up, "bubble": found.bubble, "ideal": ideal})
    return pd.DataFrame(rows, columns=["schedule", "title", "micro_batches", "speed_up", "bubble", "ideal"])
