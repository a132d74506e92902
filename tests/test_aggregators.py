"""Average and majority vote against answers on paper."""

import numpy as np
import pytest

from ddlab.aggregators import average, majority

# Three local networks, three classes; what the paper's rules make of it.
CASES = {
    "all agree": ([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]], 0, False),
    "two against one that is surer": ([[0.4, 0.35, 0.25], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0]], 0, False),
    "all differ: the highest probability wins": ([[0.5, 0.4, 0.1], [0.2, 0.6, 0.2], [0.1, 0.0, 0.9]], 2, True),
    "only tied classes count": ([[0.5, 0.5, 0.0], [0.45, 0.0, 0.55], [0.34, 0.33, 0.33]], 0, False),
}


@pytest.mark.parametrize("name", CASES)
def test_majority(name):
    probabilities, decision, tie = CASES[name]
    vote = majority(np.array([probabilities]))
    assert vote.decisions_M[0] == decision
    assert vote.tie_M[0] == tie
    assert vote.votes_MK.sum() == 3


def test_a_class_without_most_votes_cannot_win_by_probability():
    """Two tied pairs and a lone voter who is surest of all: the lone class is no candidate."""
    vote = majority(np.array([[[0.6, 0.4, 0], [0.6, 0.4, 0], [0.3, 0.7, 0], [0.4, 0.6, 0], [0, 0, 1.0]]]))
    assert vote.tied_MK[0].tolist() == [True, True, False]
    assert vote.decisions_M[0] == 1


def test_average_is_the_mean_and_may_contradict_the_vote():
    probabilities = np.array([[[0.4, 0.35, 0.25], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0]]])
    np.testing.assert_allclose(average(probabilities), [[0.8 / 3, 1.65 / 3, 0.55 / 3]])
    assert average(probabilities).argmax() == 1 != majority(probabilities).decisions_M[0]


def test_both_against_a_loop_over_random_images():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(4, 0.5), size=(500, 5))
    votes = majority(probabilities)
    for image, decision in zip(probabilities, votes.decisions_M, strict=True):
        counts = np.bincount(image.argmax(1), minlength=4)
        candidates = [k for k in range(4) if counts[k] == counts.max()]
        assert decision == max(candidates, key=lambda k: image[:, k].max())
    assert votes.tie_M.any() and not votes.tie_M.all()
