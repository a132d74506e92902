"""Sentences worth noticing about a composed network: from a verification, and from what the strategies reach."""

from collections.abc import Mapping
from typing import Any

from ddlab.written import percent

ROUNDING = 1e-4  # of the largest logit: less is the rounding of float32
AS_IT_IS = "composed_untrained"
TRAINED_ON = "composed"


def of_verified(about: Mapping[str, Any], accuracies: Mapping[str, float]) -> str:
    """Say how far the logits are from the sum of the local ones, and what further training gained.

    Parameters
    ----------
    about
        As :class:`ddlab.analyses.composition.stored.Verified` holds it.
    accuracies
        Validation accuracy of the run's strategies.
    """
    numbers = about["statements"]
    apart = numbers["sum"] / numbers["scale"] if numbers["scale"] else 0.0
    if apart < ROUNDING:
        told = "the composed network's logits are the sum of the local networks', but for rounding"
    else:
        up_to = f"up to {percent(apart, 0)} of the largest one"
        told = f"the composed network's logits are {up_to} from the local networks' sum"
        shares = [row["equal"] for row in about["layers"] if row["promised"] < 1]
        if shares:
            equal = percent(min(shares), 0)
            told += f", since it sees across the cuts: of one layer only {equal} of the positions are equal"
    told = told[0].upper() + told[1:]
    if AS_IT_IS in accuracies and TRAINED_ON in accuracies:
        before, after = accuracies[AS_IT_IS], accuracies[TRAINED_ON]
        told += f". Further training takes its accuracy from {percent(before)} to {percent(after)}"
    return f"{told}."
