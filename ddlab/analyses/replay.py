"""A finished run told again: its learning curves against its own clock, and images with what every subdomain saw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddlab.data.cache import load
from ddlab.decomposition import Decomposition
from ddlab.problem import decompose
from ddlab.runs import RunFolder


def timeline(run: RunFolder, seed: int) -> pd.DataFrame:
    """Validation accuracy of every network against the seconds since the seed's first record.

    Returns
    -------
    DataFrame
        Columns ``stage``, ``subdomain`` (-1 where there is none), ``epoch``, ``seconds``, ``validation_accuracy``.
    """
    columns = ["stage", "subdomain", "epoch", "seconds", "validation_accuracy"]
    records = pd.DataFrame([record for record in run.metrics() if record.get("seed") == seed])
    if records.empty:
        return pd.DataFrame(columns=columns)
    began = (records["time"] - records["seconds"]).min()
    records["seconds"] = records["time"] - began
    records["subdomain"] = records["subdomain"].fillna(-1).astype(int)
    return records.dropna(subset=["validation_accuracy"])[columns].reset_index(drop=True)


@dataclass(frozen=True)
class Witness:
    """A validation image, and what the networks made of it.

    Parameters
    ----------
    image
        Bytes ``(C, *shape)``.
    confidences
        Probability of the true class at each of the N local networks.
    decisions
        Class that each local network names, N names.
    verdicts
        Class that each strategy decides for.
    """

    index: int
    image: np.ndarray
    label: str
    decomposition: Decomposition
    confidences: np.ndarray
    decisions: tuple[str, ...]
    verdicts: Mapping[str, str]


def witnesses(run: RunFolder, seed: int, num_images: int) -> list[Witness]:
    """Validation images on which the strategies disagree, of different classes where possible.

    Raises
    ------
    ValueError
        If the run has no local predictions for this seed.
    """
    local = run.stage("local", seed).predictions()["validation"]
    strategies = [name for name in run.experiment.strategies if run.stage(name, seed).done]
    decisions = {name: run.stage(name, seed).predictions()["validation_decisions"] for name in strategies}
    dataset = load(run.experiment.dataset)
    labels = np.asarray(dataset.validation.labels)
    decomposition = decompose(dataset.description.shape, run.experiment.decomposition)
    classes = dataset.description.classes
    return [
        Witness(
            int(index),
            np.asarray(dataset.validation.images[index]),
            classes[labels[index]],
            decomposition,
            local[index, :, labels[index]],
            tuple(classes[k] for k in local[index].argmax(axis=1)),
            {name: classes[decided[index]] for name, decided in decisions.items()},
        )
        for index in telling(labels, decisions, num_images)
    ]


def telling(labels: np.ndarray, decisions: Mapping[str, np.ndarray], num_images: int) -> list[int]:
    """Images that tell the strategies apart.

    Half of the strategies right is worth most; among equals the classes take turns, then the first image wins.

    Parameters
    ----------
    labels
        True classes ``(V,)``.
    decisions
        Decided classes ``(V,)`` of every strategy.
    """
    right = np.array([decided == labels for decided in decisions.values()]).reshape(len(decisions), len(labels))
    worth = np.minimum(right.sum(axis=0), (~right).sum(axis=0))
    order = pd.DataFrame({"label": labels, "worth": worth}).sort_values("worth", ascending=False, kind="stable")
    order["turn"] = order.groupby("label").cumcount()
    return order.sort_values("turn", kind="stable").index[:num_images].tolist()
