"""Replay of a finished run: its learning curves against its own clock, and images with what every subdomain saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddlab.data.cache import describe, load
from ddlab.decomposition import Decomposition
from ddlab.problem import decompose, problem_of
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL, plan


def timeline(run: RunFolder, seed: int) -> pd.DataFrame:
    """Validation accuracy of every network against the seconds of training, as if all that can start at once did.

    A stage starts when those it needs have ended; the others start at 0, whatever the order in which this run had them.

    Returns
    -------
    DataFrame
        Columns ``stage``, ``subdomain`` (-1 where there is none), ``epoch``, ``seconds``, ``validation_accuracy``.
    """
    columns = ["stage", "subdomain", "epoch", "seconds", "validation_accuracy"]
    records = pd.DataFrame([record for record in run.metrics() if record.get("seed") == seed])
    if records.empty:
        return pd.DataFrame(columns=columns)
    began = (records["time"] - records["seconds"]).groupby(records["stage"]).min()
    took = records.groupby("stage")["time"].max() - began
    starts: dict[str, float] = {}
    for stage in plan(problem_of(run)):
        starts[stage.name] = max((starts[name] + took.get(name, 0.0) for name in stage.needs), default=0.0)
    records["seconds"] = records["time"] - records["stage"].map(began) + records["stage"].map(starts)
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


def why_no_witnesses(run: RunFolder, seed: int) -> str:
    """Say why there are no images with what every subdomain saw; empty if there are."""
    if not run.stage(LOCAL, seed).done:
        return "This run has no local networks, so that nobody saw a part alone."
    if len(describe(run.experiment.dataset).shape) != 2:
        return "Who saw what is drawn over images of two axes; the page Probabilities has the others."
    return ""


def witnesses(run: RunFolder, seed: int, num_images: int, strategies: Sequence[str] = ()) -> list[Witness]:
    """Validation images on which the strategies disagree, of different classes where possible.

    Parameters
    ----------
    strategies
        Whose decisions are told; empty: all of the run.

    Raises
    ------
    ValueError
        If the run has no local predictions for this seed.
    """
    local = run.stage(LOCAL, seed).predictions()["validation"]
    done = [name for name in strategies or run.experiment.strategies if run.stage(name, seed).done]
    decisions = {name: run.stage(name, seed).predictions()["validation_decisions"] for name in done}
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
    """Choose images that distinguish the strategies in the most frequent way: which are right, and which are not.

    The classes take turns; within a class the first image wins.

    Parameters
    ----------
    labels
        True classes ``(V,)``.
    decisions
        Decided classes ``(V,)`` of every strategy.
    """
    right = np.array([decided == labels for decided in decisions.values()]).reshape(len(decisions), len(labels))
    images = pd.DataFrame({"label": labels, "pattern": [tuple(column) for column in right.T.tolist()]})
    frequency = images["pattern"].map(images["pattern"].value_counts())
    apart = np.logical_xor(right.any(axis=0), right.all(axis=0))
    order = images.assign(worth=np.where(apart, frequency, -1)).sort_values("worth", ascending=False, kind="stable")
    order["turn"] = order.groupby("label").cumcount()
    return order.sort_values(["turn", "worth"], ascending=[True, False], kind="stable").index[:num_images].tolist()
