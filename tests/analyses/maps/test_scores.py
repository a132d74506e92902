"""Scores of maps: known answers by hand, and baselines that random maps meet."""

import numpy as np
import pytest

from ddlab.analyses.maps import scores as scores

MASK = np.array([[[1, 1, 0, 0], [0, 0, 0, 0]]])


def a_map(*rows):
    return np.array([rows], dtype=float)


@pytest.mark.parametrize(
    ("rows", "hit", "inside"),
    [
        (([3, 1, 0, 0], [0, 0, 0, 0]), 1, 1.0),
        (([1, 0, 0, 3], [0, 0, 0, 0]), 0, 0.25),
        (([1, 2, -9, 1], [-1, 0, 0, 0]), 1, 0.75),  # only what speaks for the class counts
        (([np.nan, 2, np.nan, 0], [1, 0, 0, 1]), 1, 0.5),
        (([-1, -2, -3, -3], [-3, -3, -3, -3]), 1, 0.0),
    ],
)
def test_pointing_and_energy_by_hand(rows, hit, inside):
    assert scores.pointing(a_map(*rows), MASK) == hit
    assert scores.energy(a_map(*rows), MASK) == pytest.approx(inside)
    assert scores.evidence_share(MASK) == 0.25


def test_without_evidence_there_is_nothing_to_score():
    maps, masks = np.ones((2, 2, 4)), np.concatenate([MASK, 0 * MASK])
    for found in (scores.pointing(maps, masks), scores.energy(maps, masks), scores.evidence_share(masks)):
        assert np.isnan(found).tolist() == [False, True]
    assert scores.mean_and_error(np.array([1.0, np.nan, 0.0])) == pytest.approx((0.5, 0.5, 2))
    assert scores.mean_and_error(np.array([np.nan]))[2] == 0


def test_random_maps_score_the_share_of_the_evidence():
    rng = np.random.default_rng(0)
    maps, masks = rng.random((4000, 4, 4)), np.broadcast_to(np.arange(16).reshape(4, 4) < 3, (4000, 4, 4))
    assert scores.pointing(maps, masks).mean() == pytest.approx(3 / 16, abs=0.02)
    assert scores.energy(maps, masks).mean() == pytest.approx(3 / 16, abs=0.01)


def test_rank_correlation():
    rng = np.random.default_rng(0)
    own = rng.normal(size=(3, 6, 6))
    other = np.stack([np.exp(own[0]), -own[1], np.full((6, 6), 2.0)])  # same order, the reverse, none
    other[0, 0, 0] = np.nan
    np.testing.assert_allclose(scores.rank_correlation(own, other), [1, -1, 0])
    far = scores.rank_correlation(rng.normal(size=(50, 6, 6)), rng.normal(size=(50, 6, 6)))
    assert abs(far.mean()) < 0.1


def predict(images):
    """The probability of class 1 is the share of the object's four pixels that are there."""
    there = (images[:, :, :2, :2] != 0).mean((1, 2, 3))
    return np.stack([1 - there, there], axis=1)


def test_insertion_and_deletion_tell_a_good_map_from_a_bad_one():
    images = np.ones((1, 3, 4, 4), dtype=np.float32)
    good = np.zeros((1, 4, 4))
    good[0, :2, :2] = 1
    one = np.array([1])
    found = scores.curves(predict, images, good, one)
    assert found.insertion[0, [0, 1, 4, 16]].tolist() == [0, 0.25, 1, 1]
    assert found.deletion[0, [0, 1, 4, 16]].tolist() == [1, 0.75, 0, 0]
    assert found.insertion_area[0] == pytest.approx(1 - 0.125)
    assert found.deletion_area[0] == pytest.approx(0.125)
    bad = scores.curves(predict, images, -good, one)
    assert bad.insertion_area[0] == pytest.approx(0.125) and bad.deletion_area[0] == pytest.approx(1 - 0.125)
    unseen = np.where(good > 0, 1.0, np.nan)  # pixels that nobody looks at come last
    assert scores.curves(predict, images, unseen, one).insertion_area[0] == pytest.approx(1 - 0.125)
    assert (images == 1).all()


def test_rounding_decides_no_order():
    """Pixels of one value, as an enlarged map has many, come in their order, however their last bits fall."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(1, 1, 8, 8))
    maps = np.repeat(np.repeat(rng.uniform(0.1, 1, (1, 4, 4)), 2, 1), 2, 2)
    told = [
        scores.curves(lambda x: x.mean((1, 2, 3))[:, None], images, maps * rounded, np.array([0]), 10).insertion
        for rounded in (1.0, 1 + 1e-7 * rng.normal(size=maps.shape))
    ]
    np.testing.assert_array_equal(*told)
