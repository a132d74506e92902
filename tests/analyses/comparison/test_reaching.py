"""Accuracies to reach that are offered."""

import numpy as np
import pandas as pd
import pytest

from ddlab.analyses.comparison.reaching import targets, targets_near


@pytest.mark.parametrize(
    ("accuracies", "reachable", "offered", "first"),
    [
        ([0.123, 0.456, 0.389], 0.389, range(12, 46), 38),
        ([0.501, 0.509], 0.501, range(50, 51), 50),  # one alone
        ([0.0, 1.0], 1.0, range(0, 101), 100),
    ],
)
def test_all_that_was_reached_is_offered_and_what_all_reach_first(accuracies, reachable, offered, first):
    assert targets(pd.Series(accuracies), reachable) == (offered, first)


@pytest.mark.parametrize(
    ("accuracies", "reachable", "offered", "first"),
    [
        ([0.1, 0.9], 0.75, range(55, 91), 75),
        ([0.05, None], 0.05, range(0, 6), 5),
        ([np.nan, 0.4], 0.405, range(20, 41), 40),
    ],
)
def test_what_is_far_below_is_not_offered(accuracies, reachable, offered, first):
    assert targets_near(pd.Series(accuracies, dtype=object), reachable) == (offered, first)
