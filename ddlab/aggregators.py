"""Aggregators without training: the average and the majority vote turn N local probability vectors into a decision.

Shapes: M images, N subdomains, K classes.

References
----------
Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for CNNs via Domain Decomposition", Section 2.1.
"""

from dataclasses import dataclass

import numpy as np


def average(probabilities_MNK: np.ndarray) -> np.ndarray:
    """Mean of the local probabilities over the subdomains, ``(M, K)``; the decision is its largest entry."""
    mean_MK: np.ndarray = probabilities_MNK.mean(axis=1)
    return mean_MK


@dataclass(frozen=True)
class Vote:
    """A majority vote and how it came about.

    Parameters
    ----------
    votes_MK
        How many local networks name each class.
    tied_MK
        The classes with the most votes.
    highest_MK
        The highest probability that any local network gives to each class: decides among tied classes.
    decisions_M
        The class decided for.
    """

    votes_MK: np.ndarray
    tied_MK: np.ndarray
    highest_MK: np.ndarray
    decisions_M: np.ndarray

    @property
    def tie_M(self) -> np.ndarray:  # noqa: N802
        """Whether the tie rule had to decide."""
        several_M: np.ndarray = self.tied_MK.sum(axis=1) > 1
        return several_M

    @property
    def shares_MK(self) -> np.ndarray:  # noqa: N802
        """Votes as shares of N."""
        shares_MK: np.ndarray = self.votes_MK / self.votes_MK.sum(axis=1, keepdims=True)
        return shares_MK

    @property
    def ranks_MK(self) -> np.ndarray:  # noqa: N802
        """Keys by which the classes are ordered: the number of votes, then the highest probability."""
        return self.votes_MK + self.highest_MK.astype(np.float64) / 2


def majority(probabilities_MNK: np.ndarray) -> Vote:
    """Every local network names its most probable class; most votes win.

    Among classes with equally many votes the one wins to which a local network gives the highest probability, as the
    paper has it. A local network whose own probabilities tie names the first of them.
    """
    num_classes = probabilities_MNK.shape[2]
    named_MN = probabilities_MNK.argmax(axis=2)
    votes_MK = (named_MN[:, :, None] == np.arange(num_classes)).sum(axis=1)
    tied_MK = votes_MK == votes_MK.max(axis=1, keepdims=True)
    highest_MK = probabilities_MNK.max(axis=1)
    decisions_M = np.where(tied_MK, highest_MK, -1.0).argmax(axis=1)
    return Vote(votes_MK, tied_MK, highest_MK, decisions_M)
