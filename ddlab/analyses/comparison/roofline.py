"""The speed-up that a machine allows at most: operations and bytes of every layer against what it does at best.

A pass of a layer takes at least ``max(operations / peak operations, bytes / peak bandwidth)``. The sum over all passes
and layers of a training step, of the global network over that of all local networks together, is the ratio of times
that no training of ours can exceed on that machine. All of the machine works on either.

Below the roof there are ceilings: how fast torch's own operations are where nothing disturbs them, convolutions by
their number of channels, norms, rectifiers and pooling by the bytes that they move. Where they were measured, a second
ratio says what is left with these operations as they are.

References
----------
Williams, Waterman, Patterson 2009, "Roofline", Communications of the ACM 52(4).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from ddlab.analyses.comparison.cost import STATES
from ddlab.machine.rates import Machine
from ddlab.models.architecture import Network
from ddlab.models.work import LayerWork, network_work
from ddlab.problem import Problem
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL
from ddlab.written import percent

MOST_ROWS = 24  # bars that a page shows; of deeper networks blocks or stages are told
BOUNDS = ("operations", "bytes")
SUMS = ("count", "moved", "best", *BOUNDS)
GROUPS = {"kind": "kind of layer", "layer": "layer"}
NEAR = 0.9  # of the counted ratio: memory holds back nothing worth telling
TOLD = 2  # kinds of layers in the sentence
GLOBAL = "global"  # the stage


@dataclass(frozen=True)
class LayerTime:
    """The least time of a layer in a training step.

    Parameters
    ----------
    by_bound
        Seconds that operations bound, and seconds that bytes bound: of its passes, each is one or the other.
    best
        Seconds of all its passes with torch's own operations, at least ``seconds``.
    """

    work: LayerWork
    by_bound: dict[str, float]
    best: float

    @property
    def seconds(self) -> float:
        """Least time of all its passes."""
        return sum(self.by_bound.values())


def layer_times(
    work: Iterable[LayerWork], machine: Machine, number_bytes: int = 4, at_once: int = 1
) -> list[LayerTime]:
    """The least time of every layer on the whole machine.

    Parameters
    ----------
    work
        As :func:`ddlab.models.work.network_work` gives it.
    number_bytes
        Of the arithmetic; the same as of the work.
    at_once
        How many such networks are computed side by side.
    """
    found = []
    for layer in work:
        by_bound = dict.fromkeys(BOUNDS, 0.0)
        for part in layer.passes:
            seconds, bound = machine.all_threads.seconds(part, number_bytes, at_once)
            by_bound[bound] += seconds
        ceilings = machine.all_threads.ceilings(layer)
        best = sum(ceilings.seconds(part, number_bytes, at_once)[0] for part in layer.passes)
        found.append(LayerTime(layer, by_bound, best))
    return found


def roofline_table(
    problem: Problem, machine: Machine, batch_size: int | None = None, by: str = "layer"
) -> pd.DataFrame:
    """The global network beside all local ones, a row a layer or a kind of layer.

    Parameters
    ----------
    batch_size
        Images of a step; None takes the experiment's.
    by
        One of ``GROUPS``. Layers of a deep network are told by blocks or stages.

    Returns
    -------
    pandas.DataFrame
        ``row``; ``counted``, ``moved``, ``allowed`` and ``best``: operations, bytes, least time and best time with
        torch, of the global network over those of all local ones (NaN where there are none); ``global_seconds``,
        ``local_seconds``, ``global_best``, ``local_best``: these times of a step; ``global_share``, ``local_share`` of
        all rows in the best times; ``global_bound``, ``local_bound``: which of ``BOUNDS`` takes most of the least time;
        ``local_bytes_seconds``, that part of the local networks' least time that bytes bound.
    """
    training = problem.experiment.training
    batch_size = batch_size or training.batch_size
    numbers = problem.number_bytes

    def times(network: Network, at_once: int = 1) -> list[LayerTime]:
        work = network_work(network, batch_size, numbers, STATES[training.optimizer])
        return layer_times(work, machine, numbers, at_once)

    at_once = min(machine.threads, len(problem.local_networks))
    parts = {"global": times(problem.global_network)}
    known = {network: times(network, at_once) for network in set(problem.local_networks)}  # most are equal
    parts["local"] = [each for network in problem.local_networks for each in known[network]]
    label = _label(by, [each.work for each in parts["global"]])
    sums = {part: _sums(found, label) for part, found in parts.items()}
    rows = list(dict.fromkeys([*sums["global"], *sums["local"]]))
    table = pd.DataFrame([_row(row, sums["global"].get(row), sums["local"].get(row)) for row in rows])
    for part in parts:
        table[f"{part}_share"] = table[f"{part}_best"] / table[f"{part}_best"].sum()
    ordered = table.sort_values("local_best", ascending=False, kind="stable") if by == "kind" else table
    return ordered.reset_index(drop=True)


def _label(by: str, work: Sequence[LayerWork]) -> Callable[[LayerWork], str]:
    """Name the row of a layer: its kind, its name, or the block or stage that it is in, where there are many layers."""
    if by == "kind":
        return lambda layer: layer.kind
    levels: tuple[Callable[[LayerWork], str], ...] = (
        lambda layer: layer.name,
        lambda layer: layer.name.partition(".")[0].removesuffix("_relu").removesuffix("_norm"),
        lambda layer: layer.name.partition(".")[0].partition("_")[0],
    )
    return next((level for level in levels if len({level(layer) for layer in work}) <= MOST_ROWS), levels[-1])


def _sums(found: Iterable[LayerTime], label: Callable[[LayerWork], str]) -> dict[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = {}
    for each in found:
        row = sums.setdefault(label(each.work), dict.fromkeys(SUMS, 0.0))
        total = each.work.total
        told = {"count": total.operations, "moved": total.bytes, "best": each.best, **each.by_bound}
        for key, value in told.items():
            row[key] += value
    return sums


def _row(row: str, whole: dict[str, float] | None, local: dict[str, float] | None) -> dict[str, Any]:
    nothing = dict.fromkeys(SUMS, 0.0)
    whole, local = whole or nothing, local or nothing
    seconds = {part: sum(of[bound] for bound in BOUNDS) for part, of in (("global", whole), ("local", local))}
    return {
        "row": row,
        "counted": _ratio(whole["count"], local["count"]),
        "moved": _ratio(whole["moved"], local["moved"]),
        "allowed": _ratio(seconds["global"], seconds["local"]),
        "best": _ratio(whole["best"], local["best"]),
        "global_seconds": seconds["global"],
        "local_seconds": seconds["local"],
        "global_best": whole["best"],
        "local_best": local["best"],
        "global_bound": max(BOUNDS, key=lambda bound: whole[bound]),
        "local_bound": max(BOUNDS, key=lambda bound: local[bound]),
        "local_bytes_seconds": local["bytes"],
    }


def _ratio(whole: float, local: float) -> float:
    return whole / local if whole and local else float("nan")


@dataclass(frozen=True)
class Limit:
    """The most that training all local networks can be faster than training the global one.

    Parameters
    ----------
    counted
        Operations of a training step of the global network over those of all local ones.
    allowed
        The ratio of the least times on a machine.
    best
        The ratio of the best times of torch's own operations; None where they were not measured.
    by_bytes
        Share of the local networks' least time that bytes bound, in [0, 1].
    """

    counted: float
    allowed: float
    best: float | None
    by_bytes: float


def limit(problem: Problem, machine: Machine, batch_size: int | None = None) -> Limit:
    """Compute the limit of a machine for an experiment; parameters as those of :func:`roofline_table`."""
    table = roofline_table(problem, machine, batch_size)
    whole, *local = (
        sum(layer.total.operations for layer in network_work(network, 1))
        for network in (problem.global_network, *problem.local_networks)
    )
    seconds = table["local_seconds"].sum()
    return Limit(
        whole / sum(local),
        float(table["global_seconds"].sum() / seconds),
        float(table["global_best"].sum() / table["local_best"].sum()) if machine.has_ceilings else None,
        float(table["local_bytes_seconds"].sum() / seconds),
    )


def measured_ratio(run: RunFolder) -> float | None:
    """Time of an epoch of the global network over that of all local ones, as a run took them; None if it has not both.

    An epoch is more than training steps: reading, augmentation and evaluation count, too.
    """
    took: dict[str, list[float]] = {GLOBAL: [], LOCAL: []}
    for result in run.results():
        if result["stage"] in took:
            known = [result.get("epochs"), *(network.get("epochs") for network in result.get("networks") or ())]
            epochs = max((number for number in known if number), default=0)
            if epochs and result.get("seconds"):
                took[result["stage"]].append(result["seconds"] / epochs)
    if not all(took.values()):
        return None
    return fmean(took[GLOBAL]) / fmean(took[LOCAL])


def measured_in_words(ratio: float, found: Limit, *, is_here: bool) -> str:
    """Say how near a run came to the limit, and to the best of torch's operations where that is known.

    Parameters
    ----------
    is_here
        Whether the run was trained on the machine of the limit.
    """
    told = f"In this run an epoch of the local networks took {ratio:.1f} times less time than one of the global network"
    if not is_here:
        return f"{told}, on another machine."
    near = f"{told}, with all that an epoch is beside training: "
    near += f"{percent(ratio / found.allowed, 0)} of what the machine allows"
    return near + (f", {percent(ratio / found.best, 0)} of what PyTorch's operations leave." if found.best else ".")


def limit_in_words(found: Limit, kinds: pd.DataFrame, machine: Machine) -> str:
    """Say how much faster the local networks can be on a machine, and which layers hold them back.

    Parameters
    ----------
    kinds
        As :func:`roofline_table` gives it by kind.
    """
    whose = "this machine" if machine.measured else f"another machine ({machine.name}; its data sheet)"
    told = (
        f"On {whose} training all local networks can be at most {found.allowed:.1f} times faster than training the "
        f"global one; operations alone promise {found.counted:.1f}. "
    )
    if found.allowed >= NEAR * found.counted:
        told += f"Memory holds them back little: it bounds {percent(found.by_bytes, 0)} of their least time."
    else:
        least = kinds.assign(local_share=kinds["local_seconds"] / kinds["local_seconds"].sum())
        slow = least[(kinds["local_bound"] == "bytes") & (kinds["allowed"] < found.allowed)]
        slow = slow.sort_values("local_share", ascending=False, kind="stable")
        told += f"Memory bounds {percent(found.by_bytes, 0)} of their least time"
        told += f"{_named(slow, 'moved', 'times fewer bytes')}."
    if found.best is not None:
        lost = kinds["local_best"] - kinds["global_best"] / found.counted
        slow = kinds.assign(lost=lost).sort_values("lost", ascending=False, kind="stable")
        told += (
            f" With PyTorch's own operations, as fast as they are here at best, {found.best:.1f} are left"
            f"{_named(slow, 'best', 'times less time')}."
        )
    return told


def _named(slow: pd.DataFrame, column: str, words: str) -> str:
    """Name the kinds of layers that take most of the local networks' time, after a colon."""
    told = [
        f"{row['row']} ({percent(row['local_share'], 0)} of their time, {row[column]:.1f} {words})"
        for row in slow.head(TOLD).to_dict("records")
    ]
    return f": {' and '.join(told)}" * bool(told)
