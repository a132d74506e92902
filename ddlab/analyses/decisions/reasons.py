"""How every strategy came to its decision about an image, in one or two sentences."""

from collections.abc import Sequence

import numpy as np

from ddlab.analyses.decisions.probabilities import Explanation

WHO = {
    "cnn_dnn": "The DNN",
    "coherent": "The model, trained as one from the start,",
    "transfer": "The model, trained as one from trained parts,",
}


def reason(explanation: Explanation, strategy: str) -> str:
    """One sentence on how a strategy came to its decision."""
    if strategy == "majority":
        return _majority_reason(explanation)
    if strategy == "average":
        return _average_reason(explanation)
    decided = explanation.decisions[strategy]
    gives = f"gives {explanation.classes[decided]} {float(explanation.scores[strategy][decided]):.0%}"
    if strategy not in WHO:
        return f"It sees the whole image and {gives}."
    return f"{WHO[strategy]} {gives}." + _listened(explanation, strategy)


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


def _listened(explanation: Explanation, strategy: str) -> str:
    """What a DNN listens to most, and whether its local network would say the same on its own."""
    if strategy not in explanation.attributions:
        return ""
    attributions, heard = explanation.attributions[strategy], explanation.heard(strategy)
    subdomain, index = np.unravel_index(attributions.argmax(), attributions.shape)
    now, alone = heard[subdomain, index], explanation.local_NK[subdomain, index]
    told = f" What speaks most for it is that subdomain {subdomain + 1} gives {explanation.classes[index]} {now:.0%}"
    return f"{told}; trained on its own it gives {alone:.0%}." if now != alone else f"{told}."


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
