"""Sentences that say what more ranks would buy."""

from typing import Any

import pandas as pd

from ddlab.analyses.scale.cluster import Cluster
from ddlab.analyses.scale.table import grown, stops
from ddlab.machine.links import NCCL
from ddlab.problem import Problem
from ddlab.written import listed, percent

WHY = {  # by the part of the time that takes longest beyond
    "repeated": "then what every rank repeats takes longest, updates and operations too small to be faster",
    "waiting": "then ranks wait for each other",
    "latency": "then the latency of exchanges takes longest",
    "transfer": "then the bytes of exchanges take longest",
    "alone": "then what one rank does alone takes longest",
}


def answer(problem: Problem, table: pd.DataFrame, cluster: Cluster, ranks: int) -> list[str]:
    """Say of every strategy how far it gains and what stops it, a sentence each; those that stop alike in one.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.scale.table.scale_table` gives it, of strong scaling.
    ranks
        The most that are asked for.
    """
    told: dict[str, list[str]] = {}
    for strategy, stop in stops(table).items():  # of all numbers: where the figure has its mark
        rows = table[table["strategy"] == strategy].set_index("ranks")
        told.setdefault(_of(problem, cluster, strategy, min(stop, ranks), rows, ranks), []).append(
            str(rows["title"].iloc[0])
        )
    return [f"**{listed(titles)}**: {sentence}" for sentence, titles in told.items()]


def _of(problem: Problem, cluster: Cluster, strategy: str, stop: int, rows: pd.DataFrame, ranks: int) -> str:
    gain = f"{rows['speed_up'].to_dict()[stop]:.3g} times as fast as one rank"
    if stop == ranks:
        return f"gains up to all {ranks:,} ranks, {gain}." if ranks > 1 else "one rank has nobody to share with."
    why = reason(problem, cluster, strategy, stop, rows)
    return f"nothing gained: {why}." if stop == 1 else f"stops at {stop:,} ranks, {gain}: {why}."


def reason(problem: Problem, cluster: Cluster, strategy: str, stop: int, rows: pd.DataFrame) -> str:
    """Say why a strategy gains nothing beyond ``stop`` ranks: its parts are given out, or what takes longest beyond."""
    _, growth, _ = grown(problem, strategy, cluster, stop).longest
    if stop <= growth.most < 2 * stop:
        return f"there are {growth.parts}" if growth.most > 1 else f"there is {growth.parts}"
    following = min((number for number in rows.index if number > stop), default=stop)
    beyond: dict[Any, Any] = rows.loc[[following]].to_dict("records")[0]
    held = {part: float(beyond[part]) for part in WHY}
    part = max(held, key=lambda name: held[name])
    return f"{WHY[part]} ({percent(held[part] / float(beyond['seconds']), 0)} of the time on {following:,})"


def assumed_in_words(cluster: Cluster, weak: bool) -> str:
    """Say what the ranks are, how they exchange, and what is left out."""
    machine, link = cluster.machine, cluster.link
    rank = "a GPU each" if link.library == NCCL else "a core each"
    told = f"Ranks: {rank}, {machine.name} ({'as measured' if machine.measured else machine.source}). "
    told += f"Link: {link.name}, {link.bandwidth / 1e9:.3g}·10⁹ bytes a second each way, {link.latency * 1e6:.3g} µs a "
    told += f"message; sums as {link.library} makes them. "
    if cluster.start:
        told += f"An operation takes {cluster.start * 1e6:.3g} µs at least. "
    if weak:
        told += "Weak scaling: a step of R ranks has R times as many images, and what is learned is another matter. "
    return told + "Left out: loading and augmenting images, checkpoints, the start of the processes."
