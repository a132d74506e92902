"""Local networks on their own, and what became of them as parts of a coherent model.

As parts they are no longer asked to name the class: the DNN may teach them a language of their own.
"""

import numpy as np
import pandas as pd

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.strategies.explanation import Explanation


def change_table(explanation: Explanation, strategy: str) -> pd.DataFrame:
    """Compare what the local networks name for an image on their own and as parts of a coherent model.

    Returns
    -------
    pandas.DataFrame
        ``subdomain`` from 1, ``names_before``, ``names_after``, and the probability of the true class ``truth_before``
        and ``truth_after``.
    """
    table = pd.DataFrame({"subdomain": np.arange(1, len(explanation.local_NK) + 1)})
    for when, values_NK in (("before", explanation.local_NK), ("after", explanation.heard(strategy))):
        table[f"names_{when}"] = [explanation.classes[index] for index in values_NK.argmax(axis=1)]
        table[f"truth_{when}"] = values_NK[:, explanation.truth]
    return table


def change_of_accuracy(outcomes: Outcomes, strategy: str) -> pd.DataFrame:
    """Compare every local network's accuracy on its own with that as a part of a coherent model.

    Returns
    -------
    pandas.DataFrame
        ``subdomain`` from 1, ``before``, ``after``, and ``kept``: the share of images of which both name one class.

    Raises
    ------
    ValueError
        If the local networks were not trained on their own, or the strategy has none of its own.
    """
    if outcomes.local is None or strategy not in outcomes.own_local:
        raise ValueError(f"{strategy}: needs local networks trained on their own and as parts of the model")
    before, after = (values.argmax(axis=2) for values in (outcomes.local, outcomes.own_local[strategy]))
    labels = outcomes.labels[:, None]
    return pd.DataFrame(
        {
            "subdomain": np.arange(1, before.shape[1] + 1),
            "before": (before == labels).mean(axis=0),
            "after": (after == labels).mean(axis=0),
            "kept": (before == after).mean(axis=0),
        }
    )
