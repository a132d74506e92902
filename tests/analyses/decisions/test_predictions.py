"""The table of predictions and two images side by side, on arrays small enough to check by eye."""

import numpy as np
import pytest

from ddlab.analyses.decisions.beside import compared
from ddlab.analyses.decisions.predictions import MARGIN, NUM_RIGHT, ORDERS, PROBABILITY, in_order, prediction_table
from ddlab.analyses.decisions.probabilities import Outcomes, explain

LABELS = np.array([0, 1, 1, 2, 0])
VOTES = np.array([[3, 0, 0], [2, 1, 0], [1, 1, 1], [1, 0, 2], [0, 3, 0]]) / 3
DNN = np.array([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.05, 0.9, 0.05], [0.8, 0.0, 0.2], [0.4, 0.45, 0.15]])
NAMED = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, 2, 2], [1, 1, 1]])  # by every local network
LOCAL = np.full((5, 3, 3), 0.1) + 0.7 * np.eye(3)[NAMED]
TIED = np.array([0, 0, 0, 2, 1])  # image 2: one vote each, decided for class a


def outcomes(local=LOCAL):
    decisions = {"majority": TIED, "cnn_dnn": DNN.argmax(1)}
    return Outcomes(("a", "b", "c"), LABELS, decisions, {"majority": VOTES, "cnn_dnn": DNN}, local)


def test_the_table_tells_who_is_right_and_how_clearly():
    table = prediction_table(outcomes(), np.array([2, 3]), "majority")
    assert table["image"].tolist() == [2, 3] and table["true class"].tolist() == ["b", "c"]
    assert table["Majority vote"].tolist() == ["a", "c"]
    assert table["Majority vote is right"].tolist() == [False, True]
    assert table["CNN-DNN"].tolist() == ["b", "a"] and table["CNN-DNN is right"].tolist() == [True, False]
    np.testing.assert_allclose(table[PROBABILITY], [1 / 3, 2 / 3])
    np.testing.assert_allclose(table[MARGIN], [0, 1 / 3], atol=1e-12)  # a tie; two votes against one
    assert table[NUM_RIGHT].tolist() == [1, 2]


def test_the_numbers_are_those_of_the_strategy_that_is_meant():
    table = prediction_table(outcomes(), np.arange(5), "cnn_dnn")
    np.testing.assert_allclose(table[PROBABILITY], [0.5, 0.6, 0.9, 0.2, 0.4])
    np.testing.assert_allclose(table[MARGIN], [0.2, 0.4, 0.85, -0.6, -0.05])
    assert DNN.min() == 0.0  # the scores are left as they were


def test_without_local_networks_nobody_is_counted():
    table = prediction_table(outcomes(local=None), np.arange(5), "cnn_dnn")
    assert NUM_RIGHT not in table
    assert in_order(outcomes(local=None), np.arange(5), "cnn_dnn", "few").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("strategy", "order", "expected"),
    [
        ("cnn_dnn", "wrong", [3, 4, 0, 1, 2]),
        ("cnn_dnn", "close", [4, 0, 1, 3, 2]),
        ("majority", "wrong", [4, 1, 2, 3, 0]),
        ("majority", "close", [2, 1, 3, 0, 4]),  # 0; a third, twice; 1, twice: those that are alike by number
        ("majority", "few", [4, 1, 2, 3, 0]),
        ("majority", "parted", [2, 1, 0, 3, 4]),  # a local network gives 0.8, the DNN 0.9 and 0.6, the vote a third
        ("majority", "number", [0, 1, 2, 3, 4]),
    ],
)
def test_images_come_in_the_order_that_is_asked_for(strategy, order, expected):
    assert in_order(outcomes(), np.arange(5), strategy, order).tolist() == expected
    found = np.array([1, 3, 4])
    assert in_order(outcomes(), found, strategy, order).tolist() == [i for i in expected if i in (1, 3, 4)]


def test_an_unknown_order_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="order.*sorted.*" + next(iter(ORDERS))):
        in_order(outcomes(), np.arange(5), "majority", "sorted")


def test_two_images_are_told_apart_by_who_knows_and_who_is_right():
    pair = {2: explain(outcomes(), 2), 3: explain(outcomes(), 3)}
    first, second, right = compared(pair)
    assert first == "Image 2: 1 of 3 local networks names b; the surest one, of subdomain 1, gives a 80.0\u00a0%."
    assert second.startswith("Image 3: 2 of 3 local networks name c")
    assert right == "Right about image 2 alone: CNN-DNN; about image 3 alone: Majority vote."
    alone = compared({0: explain(outcomes(), 0), 4: explain(outcomes(), 4)})[-1]
    assert alone == "Right about image 0 alone: Majority vote and CNN-DNN."
    assert compared({1: explain(outcomes(), 1), 4: explain(outcomes(), 4)})[-1].endswith(
        "about neither: Majority vote."
    )
