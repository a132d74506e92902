"""What every local network believes of an image, and how each strategy decides from it.

Shapes: V validation images, N subdomains, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddlab.aggregators import Vote, average, majority
from ddlab.data.cache import load
from ddlab.registry import unknown
from ddlab.runs import RunFolder

FILTERS = {
    "all": "All images",
    "wrong": "Where the strategy errs",
    "disagree": "Where strategies disagree",
    "rescued": "Where the majority errs and CNN-DNN is right",
}


@dataclass(frozen=True)
class Outcomes:
    """What a run said of every validation image, for one seed.

    Parameters
    ----------
    classes
        Names of the K classes.
    labels
        The true classes ``(V,)``.
    decisions, scores
        Of every strategy that is done: classes ``(V,)`` and scores ``(V, K)``.
    local
        Local probabilities ``(V, N, K)``; None where the run has no local networks or has not trained them yet.
    attributions
        What every local probability adds to the DNN's decision ``(V, N, K)``, or None.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    decisions: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    local: np.ndarray | None
    attributions: np.ndarray | None


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
    local = run.stage("local", seed)
    return Outcomes(
        dataset.description.classes,
        np.asarray(dataset.validation.labels),
        {name: values["validation_decisions"] for name, values in arrays.items()},
        {name: values["validation"] for name, values in arrays.items()},
        local.predictions()["validation"] if local.done else None,
        arrays.get("cnn_dnn", {}).get("validation_attributions"),
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
        both = {"majority", "cnn_dnn"} <= set(decisions)
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


# ---- one image


@dataclass(frozen=True)
class Explanation:
    """How every strategy came to decide about one image.

    Parameters
    ----------
    truth
        The true class.
    decisions
        The class that every strategy decides for.
    local_NK
        The local probabilities.
    mean_K
        Their mean over the subdomains, from which the average decides.
    vote
        The majority vote, of this image alone.
    scores
        The scores of every strategy, ``(K,)``.
    attributions_NK
        What every local probability adds to the DNN's decision, or None where there is no DNN.
    """

    classes: tuple[str, ...]
    truth: int
    decisions: Mapping[str, int]
    local_NK: np.ndarray
    mean_K: np.ndarray
    vote: Vote
    scores: Mapping[str, np.ndarray]
    attributions_NK: np.ndarray | None

    @property
    def named(self) -> np.ndarray:
        """The class that every local network names."""
        return self.local_NK.argmax(axis=1)


def explain(outcomes: Outcomes, index: int) -> Explanation:
    """Take the decisions about one validation image apart.

    Raises
    ------
    ValueError
        If there is no such image, or the local networks are not trained yet.
    """
    if outcomes.local is None:
        raise ValueError("the local networks of this run are not trained yet")
    if not 0 <= index < len(outcomes.labels):
        raise ValueError(f"image: needs 0 to {len(outcomes.labels) - 1}, got {index}")
    local = outcomes.local[index : index + 1].astype(float)
    return Explanation(
        outcomes.classes,
        int(outcomes.labels[index]),
        {name: int(values[index]) for name, values in outcomes.decisions.items()},
        local[0],
        average(local)[0],
        majority(local),
        {name: values[index] for name, values in outcomes.scores.items()},
        None if outcomes.attributions is None else outcomes.attributions[index],
    )


def reason(explanation: Explanation, strategy: str) -> str:
    """One sentence on how a strategy came to its decision."""
    tell = {"majority": _majority_reason, "average": _average_reason, "cnn_dnn": _dnn_reason}
    if strategy in tell:
        return tell[strategy](explanation)
    best = explanation.scores[strategy].argmax()
    share = float(explanation.scores[strategy][best])
    return f"It sees the whole image and gives {explanation.classes[best]} {share:.0%}."


def _majority_reason(explanation: Explanation) -> str:
    vote, classes = explanation.vote, explanation.classes
    votes, decided = vote.votes_MK[0], int(vote.decisions_M[0])
    most, num = int(votes.max()), int(votes.sum())
    if not vote.tie_M[0]:
        return f"{most} of {num} local networks name {classes[decided]}."
    tied = [classes[index] for index in np.flatnonzero(vote.tied_MK[0])]
    highest = vote.highest_MK[0, decided]
    who = int(explanation.local_NK[:, decided].argmax()) + 1
    return (
        f"A tie: {_and(tied)} have {most} of {num} votes each. The tie rule takes the class with the highest local "
        f"probability among them: {classes[decided]}, with {highest:.0%} from subdomain {who}."
    )


def _average_reason(explanation: Explanation) -> str:
    order = explanation.mean_K.argsort()[::-1]
    first, second = (f"{explanation.classes[index]} ({explanation.mean_K[index]:.0%})" for index in order[:2])
    return f"The mean of the {len(explanation.local_NK)} local probabilities is highest for {first}, then {second}."


def _dnn_reason(explanation: Explanation) -> str:
    decided, classes = explanation.decisions["cnn_dnn"], explanation.classes
    start = f"The DNN gives {classes[decided]} {explanation.scores['cnn_dnn'][decided]:.0%}."
    if explanation.attributions_NK is None:
        return start
    subdomain, index = np.unravel_index(explanation.attributions_NK.argmax(), explanation.attributions_NK.shape)
    return (
        f"{start} What speaks most for it is that subdomain {subdomain + 1} gives {classes[index]} "
        f"{explanation.local_NK[subdomain, index]:.0%}."
    )


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def local_table(explanation: Explanation) -> pd.DataFrame:
    """The local probabilities, a row a subdomain: ``subdomain`` from 1, ``names``, then a column a class."""
    names = [explanation.classes[index] for index in explanation.named]
    table = pd.DataFrame(explanation.local_NK, columns=list(explanation.classes))
    table.insert(0, "subdomain", np.arange(1, len(table) + 1))
    table.insert(1, "names", names)
    return table
