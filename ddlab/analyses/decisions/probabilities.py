"""Probabilities of the local networks for an image, and how each strategy decides from them.

Shapes: V validation images, N subdomains, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ddlab.aggregators import average, majority
from ddlab.data.cache import load
from ddlab.registry import unknown
from ddlab.runs import RunFolder
from ddlab.strategies.explanation import Explanation
from ddlab.strategies.stage import LOCAL

ATTRIBUTIONS = "validation_attributions"
FILTERS = {
    "all": "All images",
    "wrong": "Where the strategy errs",
    "disagree": "Where strategies disagree",
    "rescued": "Where the majority errs and CNN-DNN is right",
}


@dataclass(frozen=True)
class Outcomes:
    """The outputs and decisions of a run for every validation image, for one seed.

    Parameters
    ----------
    classes
        Names of the K classes.
    labels
        The true classes ``(V,)``.
    decisions, scores
        Of every strategy that is done: classes ``(V,)`` and scores ``(V, K)``.
    local
        Probabilities ``(V, N, K)`` of the local networks that were trained on their own; None where the run has none or
        has not trained them yet.
    own_local
        Of every coherent model, the probabilities ``(V, N, K)`` of its own local networks.
    attributions
        Of every strategy with a DNN, what each local probability adds to its decision, ``(V, N, K)``.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    decisions: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    local: np.ndarray | None
    own_local: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributions: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def any_local(self) -> np.ndarray | None:
        """``local``, or where there is none that of a coherent model; None where nothing looks at subimages."""
        return self.local if self.local is not None else next(iter(self.own_local.values()), None)


def read_outcomes(run: RunFolder, seed: int) -> Outcomes:
    """Read what a run has said so far.

    Raises
    ------
    ValueError
        If the data set is gone, or a file of predictions is damaged.
    """
    dataset = load(run.experiment.dataset)
    stages = {name: run.stage(name, seed) for name in run.experiment.strategies}
    arrays = {name: stage.predictions() for name, stage in stages.items() if stage.done}
    own_local = {name: values["validation_local"] for name, values in arrays.items() if "validation_local" in values}
    local = run.stage(LOCAL, seed)
    return Outcomes(
        dataset.description.classes,
        np.asarray(dataset.validation.labels),
        {name: values["validation_decisions"] for name, values in arrays.items()},
        {name: values["validation"] for name, values in arrays.items()},
        local.predictions()["validation"] if local.done else None,
        own_local,
        {name: values[ATTRIBUTIONS] for name, values in arrays.items() if ATTRIBUTIONS in values},
    )


# ---- choosing an image


def find_images(
    outcomes: Outcomes,
    filter: str = "all",
    strategy: str | None = None,
    truth: int | None = None,
    decided: int | None = None,
) -> np.ndarray:
    """Indices of the validation images that pass a filter, ascending.

    Parameters
    ----------
    filter
        One of ``FILTERS``.
    strategy
        Whose errors and decisions are meant; None means no one's.
    truth, decided
        The true class, and the class that ``strategy`` decides for; None means any.

    Raises
    ------
    ValueError
        If there is no such filter.
    """
    if filter not in FILTERS:
        raise ValueError(unknown("filter", filter, FILTERS))
    labels, decisions = outcomes.labels, outcomes.decisions
    mine = decisions.get(strategy) if strategy else None
    passes = np.ones(len(labels), dtype=bool)
    if filter == "wrong" and mine is not None:
        passes &= mine != labels
    if filter == "disagree" and decisions:
        everyone = np.stack(list(decisions.values()))
        passes &= (everyone != everyone[0]).any(axis=0)
    if filter == "rescued":
        both = "majority" in decisions and "cnn_dnn" in decisions
        passes &= (decisions["majority"] != labels) & (decisions["cnn_dnn"] == labels) if both else False
    if truth is not None:
        passes &= labels == truth
    if decided is not None and mine is not None:
        passes &= mine == decided
    return np.flatnonzero(passes)


def confusion(outcomes: Outcomes, strategy: str) -> np.ndarray:
    """Count images by true class (row) and decided class (column), ``(K, K)``."""
    num_classes = len(outcomes.classes)
    pairs = outcomes.labels * num_classes + outcomes.decisions[strategy]
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def confusion_table(counts: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Tabulate what :func:`confusion` counts: ``true class``, then a column a class that is decided for."""
    table = pd.DataFrame(counts, columns=list(classes))
    table.insert(0, "true class", list(classes))
    return table


# ---- one image


def explain(outcomes: Outcomes, index: int) -> Explanation:
    """Take the decisions about one validation image apart.

    Raises
    ------
    ValueError
        If there is no such image, or the local networks are not trained yet.
    """
    every_local = outcomes.any_local
    if every_local is None:
        raise ValueError("the local networks of this run are not trained yet")
    if not 0 <= index < len(outcomes.labels):
        raise ValueError(f"image: needs 0 to {len(outcomes.labels) - 1}, got {index}")
    local = every_local[index : index + 1].astype(float)
    return Explanation(
        outcomes.classes,
        int(outcomes.labels[index]),
        {name: int(values[index]) for name, values in outcomes.decisions.items()},
        local[0],
        average(local)[0],
        majority(local),
        {name: values[index] for name, values in outcomes.scores.items()},
        {name: values[index] for name, values in outcomes.own_local.items()},
        {name: values[index] for name, values in outcomes.attributions.items()},
    )


def local_table(explanation: Explanation) -> pd.DataFrame:
    """The local probabilities, a row a subdomain: ``subdomain`` from 1, ``names``, then a column a class."""
    names = [explanation.classes[index] for index in explanation.named]
    table = pd.DataFrame(explanation.local_NK, columns=list(explanation.classes))
    table.insert(0, "subdomain", np.arange(1, len(table) + 1))
    table.insert(1, "names", names)
    return table


def named_labels(explanation: Explanation) -> list[str]:
    """Label every subdomain with its number from 1, the class that its local network names, and how sure that is."""
    sure = explanation.local_NK.max(axis=1)
    names = [explanation.classes[index] for index in explanation.named]
    return [f"{number}: {name} {share:.0%}" for number, (name, share) in enumerate(zip(names, sure, strict=True), 1)]


def weighed(explanation: Explanation, strategy: str) -> tuple[np.ndarray, str]:
    """Return the number of every class that a strategy compares in its decision ``(K,)``, and what the numbers are."""
    if strategy == "majority":
        return explanation.vote.votes_MK[0], "votes"
    if strategy == "average":
        return explanation.mean_K, "mean probability"
    return explanation.scores[strategy], "probability"


def attribution_table(explanation: Explanation, strategy: str) -> pd.DataFrame:
    """The attributions of a strategy with a DNN, a row a subdomain: ``subdomain`` from 1, then a column a class."""
    table = pd.DataFrame(explanation.attributions[strategy], columns=list(explanation.classes))
    table.insert(0, "subdomain", np.arange(1, len(table) + 1))
    return table
