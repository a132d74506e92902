"""Predictions of many images in one table: who is right about which, how clearly, and in which order to look at them.

Shapes: V validation images, M of them in a table, K classes.
"""

import numpy as np
import pandas as pd

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.decisions.telling import contrasts
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES

ORDERS = {
    "parted": "One aggregator right, another wrong: clearest first",
    "wrong": "Wrong and surest of it first",
    "close": "Closest to a tie first",
    "few": "Fewest local networks right first",
    "number": "By number",
}
IMAGE, TRUTH = "image", "true class"
PROBABILITY, MARGIN, NUM_RIGHT = "probability of the true class", "margin", "local networks right"


def is_right(title: str) -> str:
    """Name the column of :func:`prediction_table` that says whether the strategy with this title is right."""
    return f"{title} is right"


def margins(outcomes: Outcomes, strategy: str) -> np.ndarray:
    """Margin of every image, ``(V,)``: the score of its true class less the highest score of another class.

    It is 0 in a tie and negative where the strategy is wrong without one, down to -1 where it is sure of that.
    """
    scores_VK = np.array(outcomes.scores[strategy], dtype=float)
    each = np.arange(len(scores_VK))
    true_V = scores_VK[each, outcomes.labels]
    scores_VK[each, outcomes.labels] = -np.inf
    margin_V: np.ndarray = true_V - scores_VK.max(axis=1)
    return margin_V


def count_right(outcomes: Outcomes) -> np.ndarray | None:
    """Count the local networks that name every image's true class, ``(V,)``; None where nothing looks at subimages."""
    local_VNK = outcomes.any_local
    if local_VNK is None:
        return None
    num_V: np.ndarray = (local_VNK.argmax(axis=2) == np.asarray(outcomes.labels)[:, None]).sum(axis=1)
    return num_V


def in_order(outcomes: Outcomes, found: np.ndarray, strategy: str, order: str) -> np.ndarray:
    """Sort images; those that are alike in it stay sorted by their number.

    Parameters
    ----------
    found
        Indices of the images, ascending.
    strategy
        Whose margins are meant.
    order
        One of ``ORDERS``.

    Raises
    ------
    ValueError
        If there is no such order.
    """
    if order not in ORDERS:
        raise ValueError(unknown("order", order, ORDERS))
    key_V = np.zeros(len(outcomes.labels))
    if order == "parted":
        key_V = -contrasts(outcomes)
    elif order in ("wrong", "close"):
        key_V = margins(outcomes, strategy)
        key_V = np.abs(key_V) if order == "close" else key_V
    elif order == "few" and (num_V := count_right(outcomes)) is not None:
        key_V = num_V
    return found[np.argsort(key_V[found], kind="stable")]


def prediction_table(outcomes: Outcomes, indices: np.ndarray, strategy: str) -> pd.DataFrame:
    """Tabulate the decisions about some images, a row an image, in their order.

    Parameters
    ----------
    strategy
        Whose probability of the true class and whose margin are meant.

    Returns
    -------
    pandas.DataFrame
        ``image`` (its number), ``true class``; of every strategy under its title the class that it decides for, then
        whether that is right; ``probability of the true class``, ``margin``, and where there are local networks
        ``local networks right``.
    """
    labels, classes = np.asarray(outcomes.labels)[indices], np.array(outcomes.classes, dtype=object)
    columns = {IMAGE: indices, TRUTH: classes[labels]}
    for name, decided in outcomes.decisions.items():
        title = STRATEGIES[name].title
        columns[title] = classes[decided[indices]]
        columns[is_right(title)] = decided[indices] == labels
    columns[PROBABILITY] = np.asarray(outcomes.scores[strategy], dtype=float)[indices, labels]
    columns[MARGIN] = margins(outcomes, strategy)[indices]
    if (num_V := count_right(outcomes)) is not None:
        columns[NUM_RIGHT] = num_V[indices]
    return pd.DataFrame(columns)
