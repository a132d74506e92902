"""A decision about an image, taken apart: what strategies are given to say how they came to it.

Shapes: N subdomains, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ddlab.aggregators import Vote
from ddlab.written import percent


@dataclass(frozen=True)
class Explanation:
    """The decisions of all strategies about one image, and what they decided from.

    Parameters
    ----------
    truth
        The true class.
    decisions
        The class that every strategy decides for.
    local_NK
        The local probabilities of networks trained on their own, or of a coherent model where there are no others.
    mean_K
        Their mean over the subdomains, from which the average decides.
    vote
        The majority vote, of this image alone.
    scores
        The scores of every strategy, ``(K,)``.
    own_local
        Of every coherent model, the probabilities ``(N, K)`` of its own local networks.
    attributions
        Of every strategy with a DNN, what each local probability adds to its decision, ``(N, K)``.
    """

    classes: tuple[str, ...]
    truth: int
    decisions: Mapping[str, int]
    local_NK: np.ndarray
    mean_K: np.ndarray
    vote: Vote
    scores: Mapping[str, np.ndarray]
    own_local: Mapping[str, np.ndarray]
    attributions: Mapping[str, np.ndarray]

    @property
    def named(self) -> np.ndarray:
        """The class that every local network names."""
        classes_N: np.ndarray = self.local_NK.argmax(axis=1)
        return classes_N

    def heard(self, strategy: str) -> np.ndarray:
        """The local probabilities ``(N, K)`` a strategy decides from: its own local networks', if it has any."""
        return self.own_local.get(strategy, self.local_NK)

    def gives(self, strategy: str) -> str:
        """Say the class that a strategy decides for, and its score."""
        decided = self.decisions[strategy]
        return f"gives {self.classes[decided]} {percent(float(self.scores[strategy][decided]), 0)}"


def from_dnn(who: str, explanation: Explanation, strategy: str) -> str:
    """Say how a DNN came to its decision: what it listens to most, and whether that network would say so on its own."""
    said = f"{who} {explanation.gives(strategy)}."
    if strategy not in explanation.attributions:
        return said
    attributions, heard = explanation.attributions[strategy], explanation.heard(strategy)
    subdomain, index = np.unravel_index(attributions.argmax(), attributions.shape)
    now, alone = heard[subdomain, index], explanation.local_NK[subdomain, index]
    given = f"{explanation.classes[index]} {percent(now, 0)}"
    most = f" What speaks most for it is that subdomain {subdomain + 1} gives {given}"
    return f"{said}{most}; trained on its own it gives {percent(alone, 0)}." if now != alone else f"{said}{most}."
