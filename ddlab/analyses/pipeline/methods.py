"""All schedules and all methods with old gradients side by side: time, memory, staleness, and what each trades."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from ddlab.analyses.pipeline.plan import SEQUENTIAL, PipelinePlan, method_memory, schedule_memory
from ddlab.analyses.pipeline.schedules import speed_up_table
from ddlab.pipeline.iterations import iteration_time, working_time
from ddlab.pipeline.methods import METHODS, make_method
from ddlab.pipeline.schedules import SCHEDULES

KINDS = ("exact gradients", "old gradients")
NUMBERS = ("seconds", "speed_up", "bubble", "memory", "staleness", "weight_versions", "bytes")


def method_table(plan: PipelinePlan) -> pd.DataFrame:
    """Every schedule and every method with old gradients on the plan's machines, a row each.

    Schedules update once a batch and work on its micro-batches; methods with old gradients work on whole batches, one
    entering an iteration, once their pipeline is full.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``title``, ``kind`` (one of ``KINDS``), ``seconds`` a batch, ``speed_up`` over one machine, ``bubble``
        (idle share of all machines), ``memory`` (bytes of the machine that holds most), ``staleness`` (updates between
        forward pass and update, of the module where it is most), ``weight_versions`` (most a machine holds), ``bytes``
        that all machines send for a batch, ``trades`` (in words), ``reference``, and ``reason`` why there is no such
        schedule; numbers are empty there.
    """
    rows = [*(_schedule_row(plan, name) for name in SCHEDULES), *_method_rows(plan)]
    columns = ["name", "title", "kind", *NUMBERS, "trades", "reference", "reason"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(NUMBERS, float))


def _schedule_row(plan: PipelinePlan, name: str) -> dict[str, Any]:
    entry = SCHEDULES[name]
    row: dict[str, Any] = {"name": name, "title": entry.title, "kind": KINDS[0]}
    row |= {"trades": entry.description, "reference": entry.reference}
    try:
        asked = plan.by(name)
    except ValueError as error:
        return row | {"reason": str(error)}
    found = asked.simulation
    row |= {"seconds": found.makespan, "speed_up": found.speed_up, "bubble": found.bubble, "staleness": 0}
    row |= {"memory": schedule_memory(asked)["total"].max(), "weight_versions": 1, "bytes": found.sent_bytes}
    return row | {"reason": ""}


def _method_rows(plan: PipelinePlan) -> list[dict[str, Any]]:
    number, rows = plan.machines.number, []
    single = plan.by(SEQUENTIAL)
    costs = single.batch_costs
    for name, entry in METHODS.items():
        method = make_method(name, number)
        seconds, worked = iteration_time(method, costs), sum(working_time(method, costs))
        row: dict[str, Any] = {"name": name, "title": entry.title, "kind": KINDS[max(method.delays) > 0]}
        row |= {"seconds": seconds, "speed_up": costs.work / seconds, "bubble": 1 - worked / (number * seconds)}
        row |= {"memory": method_memory(single, method)["total"].max(), "staleness": max(method.delays)}
        row |= {"weight_versions": max(kept.weight_versions for kept in method.kept)}
        row |= {"bytes": 2 * sum(costs.hop_bytes), "trades": entry.description, "reference": entry.reference}
        rows.append(row | {"reason": ""})
    return rows


def speed_ups(plan: PipelinePlan, micro_batches: Iterable[int]) -> pd.DataFrame:
    """Speed-up of every schedule against the number of micro-batches, each on modules of its own.

    Returns
    -------
    pandas.DataFrame
        As :func:`ddlab.analyses.pipeline.schedules.speed_up_table`; a schedule for which the network has too few
        sub-layers has no rows.
    """
    tables = []
    counts, single = tuple(micro_batches), plan.by(SEQUENTIAL)
    for name, entry in SCHEDULES.items():
        chunks = max(entry.least_chunks, plan.num_chunks) if entry.least_chunks > 1 else 1
        try:
            costs = replace(single, num_chunks=chunks).costs
        except ValueError:  # the network has fewer sub-layers than modules
            continue
        tables.append(speed_up_table(costs, plan.machines.number, counts, [name]))
    return pd.concat(tables, ignore_index=True)


def micro_batch_counts(num_ranks: int, chosen: int, most: int = 64) -> list[int]:
    """Numbers of micro-batches to draw speed-ups for: powers of two, multiples of n, and the chosen one.

    Parameters
    ----------
    most
        The largest, unless more were chosen.
    """
    most = max(most, chosen)
    powers = {2**power for power in range(most.bit_length()) if 2**power <= most}
    multiples = {num_ranks * factor for factor in (1, 2, 3, 4, 6, 8, 12, 16) if num_ranks * factor <= most}
    return sorted(powers | multiples | {num_ranks, chosen})
