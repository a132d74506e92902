"""Methods that train the global network against each other: accuracy by passes over the data, bytes and time.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Section 3.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.identity import run_labels
from ddlab.analyses.comparison.reaching import reaching
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.runs.records import EpochRecord

EFFORTS = {
    "epoch": "epochs",
    "data_passes": "passes over the training images, with gradients",
    "bytes": "bytes exchanged by every rank",
    "seconds": "wall time (s)",
}
MEASURES = {
    "validation_accuracy": "validation accuracy",
    "loss": "training loss (cross entropy)",
    "validation_loss": "validation loss (cross entropy)",
}
OF_A_RUN = ("run_id", "run", "strategy", "title")
COLUMNS = (*OF_A_RUN, "seed", *EFFORTS, "vectors", "steps", *MEASURES)


def passes_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every epoch of every strategy that trains the global network from the start, a row each.

    Returns
    -------
    pandas.DataFrame
        The columns ``COLUMNS``; efforts, ``vectors`` and ``steps`` count from the start. ``data_passes`` are those over
        the training images with gradients, of which a loss alone is a third. ``bytes`` is what every one of N ranks,
        with a subdomain each, would put into sums over all ranks. NaN where a record does not tell; ``global``, which
        does not, makes one pass an epoch.
    """
    labels = run_labels(runs)
    parts = [_table(run, labels[run.id]) for run in runs]
    parts = [part for part in parts if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def compared() -> list[str]:
    """List the strategies that train the global network from the start: first those whose pace a number sets."""
    whole = (name for name, entry in STRATEGIES.items() if not entry.decomposes)
    return sorted(whole, key=lambda name: not STRATEGIES[name].tunes)


def _table(run: RunFolder, label: str) -> pd.DataFrame:
    wanted = [strategy for strategy in compared() if strategy in run.experiment.strategies]
    rows = [_row(record) for record in run.metrics() if record["stage"] in wanted]
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).sort_values(["seed", "epoch"], kind="stable")
    table = table.sort_values("strategy", key=lambda names: names.map(wanted.index), kind="stable")
    for name in ("seconds", "steps"):
        table[name] = table.groupby(["strategy", "seed"])[name].cumsum()
    # a method without a list of its steps sums one vector a step, the gradient
    table["steps"] = table["steps"].where(table.pop("listed"), table["vectors"])
    return table.assign(run_id=run.id, run=label)[list(COLUMNS)]


def _row(record: EpochRecord) -> dict[str, Any]:
    told = {name: record.get(name) for name in ("seed", "epoch", "seconds", *MEASURES)}
    vectors = record.get("vectors", np.nan)
    exchanged = vectors * record.get("parameters", np.nan) * record.get("bytes_each", np.nan)
    steps = (record.get("steps") or {}).get("loss", ())
    efforts = {"vectors": vectors, "bytes": exchanged, "data_passes": record.get("data_passes", record["epoch"])}
    named = {"strategy": record["stage"], "title": STRATEGIES[record["stage"]].title}
    return {**named, **told, **efforts, "steps": float(len(steps)), "listed": bool(record.get("steps"))}


def what_it_takes(table: pd.DataFrame, target: float) -> pd.DataFrame:
    """Sum up what a step of every strategy exchanges, and what an accuracy on the validation images takes.

    Parameters
    ----------
    table
        As :func:`passes_table` gives it.

    Returns
    -------
    pandas.DataFrame
        ``run_id``, ``run``, ``strategy``, ``title``, ``seeds``; ``vectors_a_step``, and ``gradients_a_step``: passes of
        a step over its own images, as many vectors as data-parallel descent sums for the same work; ``last`` accuracy
        and ``last_sd``, accuracy of the ``best`` epoch (mean over the seeds); then, to reach the target for the first
        time, ``reached`` (by how many seeds) and the efforts
        ``EFFORTS``: means over the seeds, NaN unless all of them reach it.
    """
    rows = []
    for keys, part in table.groupby(list(OF_A_RUN), sort=False):
        ends = part.groupby("seed").last()
        steps = ends["steps"].astype(float)
        told = {"vectors_a_step": (ends["vectors"] / steps).mean(), "gradients_a_step": _gradients(ends).mean()}
        accuracy = ends["validation_accuracy"].astype(float)
        best = part.groupby("seed")["validation_accuracy"].max().astype(float).mean()
        told |= {"last": accuracy.mean(), "last_sd": accuracy.std(), "best": best}
        rows.append(dict(zip(OF_A_RUN, keys, strict=True)) | told | reaching(part, target, list(EFFORTS)))
    names = ("seeds", "vectors_a_step", "gradients_a_step", "last", "last_sd", "best", "reached", *EFFORTS)
    return pd.DataFrame(rows, columns=[*OF_A_RUN, *names])


def _gradients(ends: pd.DataFrame) -> pd.Series:
    """Passes of one step over its own images: the steps of an epoch make one pass over all images."""
    return ends["data_passes"].astype(float) / ends["epoch"].astype(float)


def saving_in_words(takes: pd.DataFrame) -> str:
    """Tell in words how many vectors a step of the additive methods saves; empty without one.

    Parameters
    ----------
    takes
        As :func:`what_it_takes` gives it.
    """
    additive = [name for name, entry in STRATEGIES.items() if "apts" in entry.settings]
    rows = takes[takes["strategy"].isin(additive)].dropna(subset=["vectors_a_step", "gradients_a_step"])
    told = [
        f"A step of {row['title']} passes {row['gradients_a_step']:.1f} times over its images and sums "
        f"{row['vectors_a_step']:.1f} vectors over the ranks; data-parallel descent sums one a pass, "
        f"{row['gradients_a_step']:.1f} for as much work."
        for row in rows.drop_duplicates("strategy").to_dict("records")
    ]
    return " ".join(told)
