"""Decisions, filters and explanations on arrays small enough to check by eye."""

import numpy as np
import pytest

from ddlab.analyses.probabilities import (
    Outcomes,
    confusion,
    explain,
    find_images,
    local_table,
    read_outcomes,
    reason,
)
from tests.made_run import made_experiment, made_run

CLASSES = ("disc", "cross", "ring")
LABELS = np.array([0, 1, 2, 1])
DECISIONS = {
    "majority": np.array([0, 0, 2, 2]),
    "cnn_dnn": np.array([0, 1, 2, 0]),
}
LOCAL = np.array(
    [
        [[0.6, 0.3, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1]],  # two votes for disc, one for cross
        [[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5]],  # a tie of all; cross has the highest probability
        [[0.2, 0.2, 0.6], [0.2, 0.2, 0.6], [0.2, 0.2, 0.6]],
        [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]],
    ]
)
ATTRIBUTIONS = np.zeros((4, 3, 3))
ATTRIBUTIONS[1, 1, 1] = 2.0


@pytest.fixture
def outcomes():
    scores = {name: np.eye(3)[decided] for name, decided in DECISIONS.items()}
    return Outcomes(CLASSES, LABELS, DECISIONS, scores, LOCAL, ATTRIBUTIONS)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"filter": "wrong", "strategy": "majority"}, [1, 3]),
        ({"filter": "wrong", "strategy": "cnn_dnn"}, [3]),
        ({"filter": "disagree"}, [1, 3]),
        ({"filter": "rescued"}, [1]),
        ({"truth": 1}, [1, 3]),
        ({"truth": 1, "decided": 0, "strategy": "cnn_dnn"}, [3]),
        ({"filter": "wrong", "strategy": "majority", "truth": 2}, []),
    ],
)
def test_filters(outcomes, choice, expected):
    assert find_images(outcomes, **choice).tolist() == expected


def test_unknown_filter_names_the_nearest(outcomes):
    with pytest.raises(ValueError, match="did you mean 'wrong'"):
        find_images(outcomes, "wrnog")


def test_nobody_is_rescued_where_a_strategy_is_missing(outcomes):
    only = Outcomes(CLASSES, LABELS, {"majority": DECISIONS["majority"]}, {}, None, None)
    assert not len(find_images(only, "rescued"))


def test_confusion_has_true_classes_in_rows(outcomes):
    assert confusion(outcomes, "majority").tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 1]]


def test_a_clear_vote_is_told(outcomes):
    explanation = explain(outcomes, 0)
    assert explanation.vote.votes_MK[0].tolist() == [2, 1, 0]
    assert explanation.named.tolist() == [0, 0, 1]
    assert reason(explanation, "majority") == "2 of 3 local networks name disc."
    np.testing.assert_allclose(explanation.mean_K, [1.4 / 3, 1.3 / 3, 0.1])


def test_the_tie_rule_is_told_with_the_probability_that_decides(outcomes):
    told = reason(explain(outcomes, 1), "majority")
    assert told.startswith("A tie: disc, cross and ring have 1 of 3 votes each.")
    assert told.endswith("cross, with 80% from subdomain 2.")


def test_the_average_tells_first_and_second(outcomes):
    assert reason(explain(outcomes, 2), "average").endswith("highest for ring (60%), then cross (20%).")


def test_the_dnn_tells_what_it_listens_to(outcomes):
    told = reason(explain(outcomes, 1), "cnn_dnn")
    assert told.endswith("subdomain 2 gives cross 80%.")


def test_table_of_local_probabilities(outcomes):
    table = local_table(explain(outcomes, 0))
    assert list(table["names"]) == ["disc", "disc", "cross"]
    assert table["cross"].tolist() == [0.3, 0.2, 0.8]


@pytest.mark.parametrize("index", [-1, 4])
def test_there_is_no_such_image(outcomes, index):
    with pytest.raises(ValueError, match="needs 0 to 3"):
        explain(outcomes, index)


def test_a_run_tells_what_it_has():
    run = made_run("running")
    read = read_outcomes(run, 0)
    assert set(read.decisions) == {"global", "average", "majority"}
    assert read.local.shape == (64, 4, 4)
    assert read.attributions is None
    finished = read_outcomes(made_run(), 0)
    assert finished.attributions.shape == (64, 4, 4)


def test_a_run_without_local_networks_cannot_be_explained():
    read = read_outcomes(made_run("queued", made_experiment()), 0)
    assert read.local is None
    with pytest.raises(ValueError, match="not trained yet"):
        explain(read, 0)
