"""The history of trust-region methods in a run: every step, the radius, and a summary in a few sentences.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Algorithm 1.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.runs.records import EpochRecord
from ddlab.written import percent

OWN = ("loss", "trial", "predicted", "ratio", "radius", "next_radius", "trials", "smallest", "length")
GLOBAL = tuple(f"global_{name}" for name in ("loss", "trial", "ratio", "radius", "trials", "smallest"))
EPOCH_COLUMNS = (
    *("epoch", "end_step", "loss", "accuracy", "validation_loss", "validation_accuracy", "radius"),
    *("rejected", "global_rejected", "data_passes", "vectors", "seconds"),
)
LEAST_PLATEAU = 2  # steps in a row


def methods() -> list[str]:
    """List the strategies whose steps stay in a ball."""
    return [name for name, entry in STRATEGIES.items() if "trust_region" in entry.settings]


def additive() -> list[str]:
    """List those of them that add steps of local trainings."""
    return [name for name in methods() if "apts" in STRATEGIES[name].settings]


def why_not(run: RunFolder) -> str:
    """Say why a run has no history of a radius, and never will; empty if it has one, or will have."""
    if set(run.experiment.strategies).isdisjoint(methods()) and not histories(run):
        return f"“{run.name}” has no history of a radius: none of its strategies takes steps in a ball."
    return ""


def histories(run: RunFolder) -> dict[str, list[int]]:
    """The seeds of every strategy with a trust region that has taken steps, in the order of the experiment."""
    found: dict[str, list[int]] = {}
    known = methods()
    for record in run.metrics():
        if record["stage"] in known and record.get("steps"):
            seeds = found.setdefault(record["stage"], [])
            seeds += [record["seed"]] * (record["seed"] not in seeds)
    return {strategy: sorted(found[strategy]) for strategy in run.experiment.strategies if strategy in found}


def pick(run: RunFolder, strategy: str = "", seed: int | None = None) -> list[tuple[str, int]]:
    """Strategies and seeds that have a history: one strategy or all, one seed or every strategy's first.

    Raises
    ------
    ValueError
        If there is none; says what the run has.
    """
    found = histories(run)
    if not found:
        names = ", ".join(methods())
        raise ValueError(f"run: needs steps of {names}, {run.id!r} has none; see ddlab train trust_region_demo")
    if strategy and strategy not in found:
        raise ValueError(unknown("--strategy", strategy, found))
    chosen = {strategy: found[strategy]} if strategy else found
    if seed is not None and not any(seed in seeds for seeds in chosen.values()):
        known = sorted(set().union(*chosen.values()))
        raise ValueError(f"--seed: must be one that has steps, got {seed}; choices: {', '.join(map(str, known))}")
    return [(name, seeds[0] if seed is None else seed) for name, seeds in chosen.items() if seed in (None, *seeds)]


def step_table(run: RunFolder, strategy: str, seed: int) -> pd.DataFrame:
    """Every step of one strategy and seed, a row each.

    Returns
    -------
    pandas.DataFrame
        ``epoch`` and ``step`` (from 1), ``accepted``, then the numbers ``OWN`` of the additive step (of
        ``trust_region``: of its only one; of its last trial), ``global_accepted`` and ``GLOBAL`` of the iteration on
        all data after it (none for ``trust_region``), and what follows from them: ``decrease`` and
        ``global_decrease`` (actual ones, negative where the loss rises), ``local_decrease`` (what the local losses
        lost together), ``end_radius`` (with which the next step begins), ``rejected`` and ``global_rejected``
        (cumulative), and ``decrease_1`` ... and ``length_1`` ... of every subdomain. NaN where there is no number.
    """
    parts = [_steps_of(record) for record in _records(run, strategy, seed)]
    table = pd.concat(parts, ignore_index=True) if parts else _steps_of({"epoch": 0, "radius": math.nan, "steps": {}})
    table.insert(1, "step", np.arange(1, len(table) + 1))
    table["rejected"] = (~table["accepted"]).cumsum()
    table["global_rejected"] = table["global_accepted"].eq(False).fillna(False).astype(int).cumsum()
    return table


def _records(run: RunFolder, strategy: str, seed: int) -> list[EpochRecord]:
    mine = (r for r in run.metrics() if r["stage"] == strategy and r["seed"] == seed and r.get("steps"))
    return sorted(mine, key=lambda record: record["epoch"])


def _steps_of(record: Mapping[str, Any]) -> pd.DataFrame:
    """The steps of one epoch."""
    steps = record["steps"]
    count = len(steps.get("loss", ()))
    table = pd.DataFrame({"epoch": [record["epoch"]] * count, "accepted": np.array(steps.get("accepted", ()), bool)})
    for name in OWN:
        table[name] = np.array(steps.get(name, [None] * count), float)
    table["global_accepted"] = pd.array(steps.get("global_accepted", [None] * count), "boolean")
    for name in GLOBAL:
        table[name] = np.array(steps.get(name, [None] * count), float)
    table = table.astype({"trials": "Int64", "global_trials": "Int64"})
    table["decrease"] = table["loss"] - table["trial"]
    table["global_decrease"] = table["global_loss"] - table["global_trial"]
    for name, title in (("decreases", "decrease"), ("lengths", "length")):
        values = np.array(steps.get(name, []), float).reshape(count, -1) if count else np.empty((0, 0))
        table[[f"{title}_{index + 1}" for index in range(values.shape[1])]] = values
    own = [name for name in table.columns if name.startswith("decrease_")]
    table["local_decrease"] = table[own].sum(axis=1, min_count=1).astype(float)
    table["end_radius"] = _end_radii(table, record["radius"])
    return table


def _end_radii(table: pd.DataFrame, last: float) -> np.ndarray:
    """Return the radius after every step: after a global iteration, the next step's record holds it."""
    following = np.append(table["radius"].to_numpy()[1:], last)[: len(table)]
    return np.where(table["global_accepted"].isna(), table["next_radius"], following)


def epoch_table(run: RunFolder, strategy: str, seed: int) -> pd.DataFrame:
    """The epochs of one strategy and seed, a row each.

    Returns
    -------
    pandas.DataFrame
        The columns ``EPOCH_COLUMNS``: the usual measures, the radius after the epoch, the steps that it ends with, and
        cumulative numbers of rejected steps, passes over the data, vectors that ranks sum, and wall time.
    """
    steps = step_table(run, strategy, seed)
    records = pd.DataFrame(_records(run, strategy, seed)).reindex(
        columns=[name for name in EPOCH_COLUMNS if name not in ("end_step", "rejected", "global_rejected")]
    )
    ends = steps.groupby("epoch", as_index=False)[["step", "rejected", "global_rejected"]].last()
    table = records.merge(ends.rename(columns={"step": "end_step"}), on="epoch", how="left")
    return table.assign(seconds=table["seconds"].astype(float).cumsum())[list(EPOCH_COLUMNS)]


# ---- in a few words


def summarize(steps: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, Any]:
    """The history in plain numbers.

    Parameters
    ----------
    steps, epochs
        As :func:`step_table` and :func:`epoch_table` give them, not empty.

    Returns
    -------
    dict
        ``steps``, ``epochs``, ``rejected`` (by the preconditioner; of ``trust_region``: without any step), by the
        ``global_rejected`` iteration (None without one), ``shorter`` (trials that were rejected before a shorter one),
        ``radius_first``, ``radius_last``, ``radius_least``, ``radius_most``, ``data_passes``, ``vectors``, ``plateau``
        (see :func:`longest_plateau`) and ``negative`` (share of the models with negative curvature, None without any).
    """
    radii = steps[["radius", "next_radius", "end_radius"]]
    has_global = bool(steps["global_accepted"].notna().any())
    last, curvature = epochs.iloc[-1], smallest_eigenvalue(steps).dropna()
    return {
        "steps": len(steps),
        "epochs": len(epochs),
        "rejected": int(steps["rejected"].iloc[-1]),
        "global_rejected": int(steps["global_rejected"].iloc[-1]) if has_global else None,
        "shorter": int((steps[["trials", "global_trials"]] - 1).clip(lower=0).sum().sum()),
        "radius_first": float(steps["radius"].iloc[0]),
        "radius_last": float(steps["end_radius"].iloc[-1]),
        "radius_least": float(radii.min().min()),
        "radius_most": float(radii.max().max()),
        "data_passes": None if pd.isna(last["data_passes"]) else float(last["data_passes"]),
        "vectors": None if pd.isna(last["vectors"]) else int(last["vectors"]),
        "plateau": longest_plateau(steps),
        "negative": float((curvature < 0).mean()) if len(curvature) else None,
    }


def smallest_eigenvalue(steps: pd.DataFrame) -> pd.Series:
    """Return the smallest eigenvalue of the model: the global iteration's, else the step's own; NaN for first order."""
    return steps["global_smallest"].fillna(steps["smallest"])


def longest_plateau(steps: pd.DataFrame) -> dict[str, Any] | None:
    """The longest run of steps in which the preconditioner halves the radius and the global iteration doubles it back.

    Returns
    -------
    dict or None
        ``first`` and ``last`` step, ``steps`` (how many, ``LEAST_PLATEAU`` or more), and the ``radius`` of the first.
    """
    smaller = ~steps["accepted"] & (steps["next_radius"] < steps["radius"])
    back = steps["global_accepted"].eq(True).fillna(False).astype(bool) & np.isclose(
        steps["end_radius"], steps["radius"]
    )
    best: tuple[int, int] = (0, 0)  # length, place after the last
    length = 0
    for place, standing in enumerate(smaller & back, 1):
        length = length + 1 if standing else 0
        best = max(best, (length, place), key=lambda found: found[0])
    length, end = best
    if length < LEAST_PLATEAU:
        return None
    first = steps.iloc[end - length]
    return {"first": end - length + 1, "last": end, "steps": length, "radius": float(first["radius"])}


def in_words(summary: Mapping[str, Any], strategy: str) -> list[str]:
    """The history in sentences.

    Parameters
    ----------
    summary
        As :func:`summarize` gives it.
    """
    steps = f"{_count(summary['steps'], 'step')} in {_count(summary['epochs'], 'epoch')}"
    sentences = [f"{STRATEGIES[strategy].title} took {steps}: {_rejections(summary)}."]
    span = f"{summary['radius_least']:.3g} and {summary['radius_most']:.3g}"
    ends = f"from {summary['radius_first']:.3g} to {summary['radius_last']:.3g}"
    sentences.append(f"The radius Δ went {ends}" + (f", between {span}." if " and " in span else "."))
    if summary["data_passes"] is not None:
        work = f"That took {summary['data_passes']:.1f} passes over the training images with their gradients"
        sentences.append(
            work + (f", and {_count(summary['vectors'], 'sum')} over ranks." if summary["vectors"] else ".")
        )
    if summary["negative"] is not None:
        sentences.append(f"The model saw negative curvature in {percent(summary['negative'], 0)} of the steps.")
    return sentences + _plateau_in_words(summary["plateau"])


def _rejections(summary: Mapping[str, Any]) -> str:
    """Say how many steps the preconditioner and the global iteration rejected."""
    rejected, globally, shorter = (summary[name] for name in ("rejected", "global_rejected", "shorter"))
    if globally is None:
        told = (
            f"in {rejected:,} of them nothing was good enough" if rejected else "each of them found what it looked for"
        )
    elif not rejected and not globally:
        told = "neither the preconditioner nor the global iteration was ever rejected"
    else:
        told = f"the preconditioner was {_rejected(rejected)}, the global iteration {_rejected(globally)}"
    return told + (f"; {_count(shorter, 'trial')} {_was(shorter)} rejected for a shorter one" if shorter else "")


def _plateau_in_words(plateau: Mapping[str, Any] | None) -> list[str]:
    if plateau is None:
        return []
    return [
        f"A plateau: in steps {plateau['first']} to {plateau['last']} the preconditioner is rejected, which makes the "
        f"radius smaller, and the global iteration lets it grow back, so that it stays at Δ = {plateau['radius']:.3g} "
        "and the loss falls by the global steps alone."
    ]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + "s" * (number != 1)


def _rejected(count: int) -> str:
    return f"rejected in {count:,} of them" if count else "never rejected"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def as_rows(table: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    """The rows of a table as plain values, None where there is no number: for JSON."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
