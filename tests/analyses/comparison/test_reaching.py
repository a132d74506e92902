"""Accuracies to reach: what is offered, what comes first, and who never gets there."""

import pandas as pd
import pytest

from ddlab.analyses.comparison.reaching import missed_in_words, most_reached, targets, worth_reaching


@pytest.mark.parametrize(
    ("accuracies", "first", "offered", "chosen"),
    [
        ([0.123, 0.456, 0.389], 0.95 * 0.456, range(12, 46), 43),
        ([0.501, None, 0.509], 0.95 * 0.509, range(50, 51), 50),  # one alone
        ([0.0, 1.0], 1.0, range(0, 101), 100),
        ([0.57], 0.57, range(57, 58), 57),  # 100 * 0.57 is less than 57
    ],
)
def test_all_that_was_reached_is_offered(accuracies, first, offered, chosen):
    assert targets(pd.Series(accuracies, dtype=object), first) == (offered, chosen)


def test_the_first_is_just_below_the_best_and_not_what_the_worst_reaches():
    """A vote of 43 % and a network that has 70 % after its first epoch: at 43 % the network would seem the fastest."""
    rows = [("global", 0, accuracy) for accuracy in (0.7, 0.9, 0.98)] + [("majority", 0, 0.43)]
    curves = pd.DataFrame(rows, columns=["strategy", "seed", "validation_accuracy"])
    assert most_reached(curves) == 0.98 and worth_reaching(curves) == pytest.approx(0.931)


def test_of_several_seeds_the_worst_counts_and_of_several_runs_each():
    rows = [("a", "global", 0, 0.98), ("a", "global", 1, 0.6), ("b", "global", 0, 0.8)]
    curves = pd.DataFrame(rows, columns=["run_id", "strategy", "seed", "validation_accuracy"])
    assert most_reached(curves) == 0.8


def test_who_never_reaches_it_is_named():
    takes = pd.DataFrame(
        {
            "title": ["Global network", "Majority vote", "CNN-DNN"],
            "best": [0.99, 0.436, 0.95],
            "seeds": [2, 2, 2],
            "reached": [2, 0, 1],
        }
    )
    said = "Never 93\u00a0%: Majority vote (best 43.6\u00a0%). Reached by CNN-DNN with 1 of 2 seeds alone."
    assert missed_in_words(takes, 0.93) == said
    assert missed_in_words(takes[:1], 0.93) == ""
    several = takes[1:2].assign(run="a", run_id="1")
    both = pd.concat([several, several.assign(run="b", run_id="2")])
    assert "Majority vote of a (best 43.6\u00a0%), Majority vote of b (best" in missed_in_words(both, 0.93)
