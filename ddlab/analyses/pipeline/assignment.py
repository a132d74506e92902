"""Ways to assign modules to devices side by side, and the ways to use n machines as replicas and devices.

References
----------
Akintoye et al., "A Hybrid Parallelization Approach for Distributed and Scalable Deep Learning", 2022: GABRA.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ddlab.pipeline.assignment import ASSIGNMENTS, Assignment, assign
from ddlab.pipeline.assignment_problem import AssignmentProblem, GeneticSettings
from ddlab.pipeline.replicas import HybridProblem, fastest, ways_to_use

NUMBERS = ("time", "over_best", "work", "transfer", "balance", "crossings", "crossing_bytes", "devices_used")
WAY_NUMBERS = ("time", "speed_up", "compute", "transfer", "all_reduce", "sent_bytes", "parameter_bytes")


def assign_all(problem: AssignmentProblem, settings: GeneticSettings | None = None) -> dict[str, Assignment]:
    """Assign modules in every way that the problem is not too large for, by its key in ``ASSIGNMENTS``."""
    return {name: assign(problem, name, settings) for name, entry in ASSIGNMENTS.items() if not entry.why_not(problem)}


def assignment_table(problem: AssignmentProblem, found: Mapping[str, Assignment]) -> pd.DataFrame:
    """Every way to assign the modules of one network, a row each.

    Parameters
    ----------
    found
        As of :func:`assign_all`.

    Returns
    -------
    pandas.DataFrame
        ``assignment``, ``title``, ``description`` and ``reference``; ``time`` of a step in the unit of the costs;
        ``over_best``, that time over the least one of the table; ``work`` of the busiest device and ``transfer``, which
        make up the time; ``balance`` (mean work of the devices over the longest); ``crossings`` (hops that cross
        devices) and ``crossing_bytes`` (empty where the problem does not say them); ``devices_used``; and ``reason``
        why there is no such assignment. Numbers are empty there.
    """
    best = min((assignment.time for assignment in found.values()), default=None)
    rows = []
    for name, entry in ASSIGNMENTS.items():
        row: dict[str, Any] = {"assignment": name, "title": entry.title, "description": entry.description}
        row["reference"] = entry.reference
        if name in found and best:
            numbers = _numbers(found[name])
            rows.append(row | numbers | {"over_best": numbers["time"] / best, "reason": ""})
        else:
            rows.append(row | {"reason": entry.why_not(problem) or "not asked for"})
    columns = ["assignment", "title", "description", "reference", *NUMBERS, "reason"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(NUMBERS, float))


def _numbers(assignment: Assignment) -> dict[str, Any]:
    return {
        "time": assignment.time,
        "work": max(assignment.loads),
        "transfer": assignment.transfer,
        "balance": assignment.balance,
        "crossings": len(assignment.crossings),
        "crossing_bytes": assignment.crossing_bytes,
        "devices_used": len(set(assignment.devices)),
    }


def placement_table(found: Mapping[str, Assignment]) -> pd.DataFrame:
    """The device of every module in every assignment, a row each.

    Returns
    -------
    pandas.DataFrame
        ``assignment``, ``title``, ``time`` of a step, ``module`` and ``device`` (both counted from 0), and ``cost`` of
        the module on a device of speed 1. The modules of an assignment follow each other.
    """
    rows = [
        (name, assignment.title, assignment.time, module, device, assignment.problem.costs[module])
        for name, assignment in found.items()
        for module, device in enumerate(assignment.devices)
    ]
    return pd.DataFrame(rows, columns=["assignment", "title", "time", "module", "device", "cost"])


def generation_table(assignment: Assignment) -> pd.DataFrame:
    """The generations of a genetic search, a row each: ``generation``, ``best`` and ``mean`` time of a step.

    Generation 0 is the random one. The table is empty for a search without generations.
    """
    rows = [(number, *generation) for number, generation in enumerate(assignment.history)]
    return pd.DataFrame(rows, columns=["generation", "best", "mean"]).astype({"best": float, "mean": float})


def replica_table(
    problem: HybridProblem, method: str = "contiguous", settings: GeneticSettings | None = None
) -> pd.DataFrame:
    """The ways to use n machines as replicas of devices, a row each.

    Returns
    -------
    pandas.DataFrame
        ``replicas`` and ``devices`` of each, whose product are the machines; ``time`` of a step in seconds, and
        ``compute``, ``transfer`` and ``all_reduce``, which make it up; ``speed_up`` over one machine; ``sent_bytes`` of
        all machines in a step; ``parameter_bytes`` of the device that holds most; ``fastest``, of one row; and
        ``reason`` why there is no such way. Numbers are empty there.

    Raises
    ------
    ValueError
        If there is no such method, or the modules are too many for it.
    """
    ways = {way.num_replicas: way for way in ways_to_use(problem, method, settings)}
    best = fastest(list(ways.values()))
    rows = []
    for count in problem.replica_counts:
        row: dict[str, Any] = {"replicas": count, "devices": problem.num_machines // count, "fastest": False}
        if count not in ways:
            rows.append(row | {"reason": problem.why_not(count)})
            continue
        way = ways[count]
        row |= {"time": way.time, "speed_up": sum(problem.costs) / way.time, "compute": way.compute}
        row |= {"transfer": way.assignment.transfer, "all_reduce": way.all_reduce, "sent_bytes": way.sent_bytes}
        rows.append(row | {"parameter_bytes": max(way.device_parameters), "fastest": way is best, "reason": ""})
    columns = ["replicas", "devices", *WAY_NUMBERS, "fastest", "reason"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(WAY_NUMBERS, float))
