"""Who sees what, against counts by hand."""

import numpy as np
import pytest

from ddlab.analyses.decisions.probabilities import Outcomes, explain
from ddlab.analyses.decisions.visibility import evidence_share, sight_table, subdomain_accuracy, subdomain_table
from ddlab.decomposition import Decomposition

LOCAL = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.2, 0.8], [0.3, 0.7]]])
OUTCOMES = Outcomes(("a", "b"), np.array([0, 1]), {}, {}, LOCAL)
HALVES = Decomposition.from_grid((4, 4), (1, 2))


def mask(*columns):
    drawn = np.zeros((4, 4), dtype=np.uint8)
    drawn[1:3, list(columns)] = 1
    return drawn


@pytest.mark.parametrize(
    ("columns", "overlap", "shares"),
    [((0,), 0, [1, 0]), ((1, 2), 0, [0.5, 0.5]), ((1, 2), 1, [1, 1]), ((0, 1, 2), 0, [2 / 3, 1 / 3]), ((), 0, [0, 0])],
)
def test_evidence_shares(columns, overlap, shares):
    decomposition = Decomposition.from_grid((4, 4), (1, 2), overlap)
    np.testing.assert_allclose(evidence_share(decomposition, mask(*columns)), shares)


def test_confidence_beside_evidence():
    table = sight_table(explain(OUTCOMES, 0), HALVES, mask(0))
    assert table["evidence"].tolist() == [1, 0]
    assert table["confidence"].tolist() == [0.9, 0.6]
    assert table["names"].tolist() == ["a", "b"]
    assert table["right"].tolist() == [True, False]


def test_accuracy_of_every_subdomain_and_class():
    table = subdomain_accuracy(OUTCOMES)
    assert table["accuracy"].tolist() == [1.0, 0.5]
    assert table["a"].tolist() == [1.0, 0.0]
    assert table["b"].tolist() == [1.0, 1.0]


def test_subdomains_are_told_with_place_and_size():
    table = subdomain_table(Decomposition.from_grid((4, 4), (1, 2), 1), mask(0))
    assert table["place"].tolist() == ["0..3 × 0..2", "0..3 × 1..3"]
    assert table["size"].tolist() == ["4×3", "4×3"]
    assert table["share"].tolist() == [0.75, 0.75]
    assert table["evidence"].tolist() == [1, 0]
