"""Telling images: where strategies that hear the same local networks part, so that a page can begin there."""

import numpy as np

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.registry.strategies import STRATEGIES

VOTE = "majority"


def contrasts(outcomes: Outcomes) -> np.ndarray:
    """Contrast of every image, ``(V,)``: above 0 where an aggregator is wrong and another one is right, else 0.

    It is the probability of the true class with the surest aggregator that is right, at most that with the surest local
    network, so that somebody has seen it; less that with the wrong aggregator: the majority vote, whose score is its
    share of votes, or the wrong one that gives least where the run has no vote.
    """
    contrast = np.zeros(len(outcomes.labels))
    names = [name for name in outcomes.decisions if STRATEGIES[name].sees == "outputs"]
    if not names:
        return contrast
    each = np.arange(len(contrast))
    true_SV = np.stack([np.asarray(outcomes.scores[name], dtype=float)[each, outcomes.labels] for name in names])
    right_SV = np.stack([outcomes.decisions[name] == outcomes.labels for name in names])
    failing_SV = ~right_SV & np.array([name == VOTE or VOTE not in names for name in names])[:, None]
    surest = np.where(right_SV, true_SV, -np.inf).max(0)
    if outcomes.any_local is not None:
        surest = np.minimum(surest, outcomes.any_local.max(axis=1)[each, outcomes.labels])
    least = np.where(failing_SV, true_SV, np.inf).min(0)
    both = right_SV.any(0) & failing_SV.any(0)
    contrast[both] = np.maximum(surest[both] - least[both], 0) + np.finfo(float).tiny
    return contrast


def telling_image(outcomes: Outcomes, found: np.ndarray) -> int:
    """Return the one of some images that shows best what aggregators are for; the first where they never part.

    Parameters
    ----------
    found
        Indices of at least one image.
    """
    return int(found[contrasts(outcomes)[found].argmax()])
