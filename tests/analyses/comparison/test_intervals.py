"""Intervals of accuracies against published values, against scipy, and against how often they hold the truth."""

import time

import numpy as np
import pytest
from scipy import stats

from ddlab.analyses.comparison.intervals import accuracy_interval, paired_difference, wilson


def drawn(rng, num_seeds, num_images, seed_sd=0.0, image_sd=2.0, shift=0.0):
    """Decisions of seeds about images, of which some are harder than others, and some seeds better than others."""
    seeds, images = rng.normal(0, seed_sd, (num_seeds, 1)), rng.normal(0, image_sd, (1, num_images))
    chances = 1 / (1 + np.exp(-(2.0 + shift + seeds + images)))
    return rng.random((num_seeds, num_images)) < chances


def truth(seed_sd, image_sd=2.0, shift=0.0):
    """What the mean of such decisions comes to, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    values = 1 / (1 + np.exp(-(2.0 + shift + np.hypot(seed_sd, image_sd) * nodes)))
    return values @ weights / weights.sum()


def test_wilson_of_ninety_of_a_hundred():
    """Newcombe 1998 and every table: 0.8256 to 0.9448."""
    value, low, high = wilson(0.9, 100)
    assert (value, round(low, 4), round(high, 4)) == (0.9, 0.8256, 0.9448)


@pytest.mark.parametrize(("right", "count"), [(0, 10), (1, 10), (10, 10), (81, 263), (15, 148), (9_412, 10_000)])
def test_wilson_against_scipy(right, count):
    theirs = stats.binomtest(right, count).proportion_ci(0.95, "wilson")
    ours = wilson(right / count, count)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("accuracy", "count"), [(0.5, 0), (1.1, 10), (-0.1, 10), (float("nan"), 10)])
def test_what_is_no_accuracy_is_refused(accuracy, count):
    with pytest.raises(ValueError, match="accuracy: needs a share of at least 1 image"):
        wilson(accuracy, count)


def test_one_seed_is_wilsons_and_a_table_without_errors_too():
    one = np.arange(100)[None] < 90
    assert accuracy_interval(one) == wilson(0.9, 100)
    assert accuracy_interval(np.ones((3, 50))) == wilson(1.0, 50)


def test_equal_seeds_leave_the_images_alone():
    """Three times the same decisions tell no more than one: as wide as the normal interval of one."""
    once = np.arange(1000)[None] < 900
    interval = accuracy_interval(np.repeat(once, 3, 0))
    half = 1.96 * np.sqrt(0.9 * 0.1 / 1000)
    assert (interval.value - interval.low, interval.high - interval.value) == pytest.approx((half, half), rel=0.1)


def test_very_many_images_leave_the_seeds_alone():
    """Then it is Student's interval of the seeds' accuracies."""
    shares = np.array([0.80, 0.90, 0.94, 0.88])
    table = np.stack([np.random.default_rng(0).permutation(200_000) < share * 200_000 for share in shares])
    theirs = stats.t.interval(0.95, 3, shares.mean(), stats.sem(shares))
    interval = accuracy_interval(table)
    assert (interval.low, min(interval.high, 1)) == pytest.approx((theirs[0], min(theirs[1], 1)), abs=0.01)


@pytest.mark.parametrize(("num_seeds", "seed_sd"), [(1, 0.0), (2, 0.0), (3, 0.0), (5, 0.0), (3, 0.5), (5, 0.5)])
def test_an_interval_holds_the_truth_in_95_of_100_cases(num_seeds, seed_sd):
    rng, expected, cases = np.random.default_rng(num_seeds), truth(seed_sd), 300
    held = 0
    for case in range(cases):
        interval = accuracy_interval(drawn(rng, num_seeds, 150, seed_sd), seed=case)
        held += interval.low <= expected <= interval.high
    assert 0.90 <= held / cases <= 0.99


@pytest.mark.slow
def test_a_bootstrap_over_three_seeds_would_be_too_narrow():
    """Why the seeds' mean is drawn from Student's t distribution, where seeds vary as much as the few images do."""
    rng, expected, cases, bootstrapped, ours = np.random.default_rng(3), truth(1.0), 300, 0, 0
    for case in range(cases):
        table = drawn(rng, 3, 150, seed_sd=1.0)
        seeds, images = rng.integers(3, size=(400, 3)), rng.integers(150, size=(400, 150))
        means = [table[np.ix_(some, few)].mean() for some, few in zip(seeds, images, strict=True)]
        low, high = np.quantile(means, [0.025, 0.975])
        bootstrapped += low <= expected <= high
        interval = accuracy_interval(table, seed=case)
        ours += interval.low <= expected <= interval.high
    assert bootstrapped / cases < 0.88 < 0.90 <= ours / cases <= 0.99


def test_a_paired_difference_holds_the_truth_and_is_narrower_than_the_accuracies():
    rng, cases, held, widths = np.random.default_rng(0), 200, 0, []
    expected = truth(0.3, shift=0.5) - truth(0.3)
    for case in range(cases):
        chances = [1 / (1 + np.exp(-(2 + shift + look))) for look in (_looks(rng),) for shift in (0.5, 0.0)]
        same = rng.random(chances[0].shape)
        a, b = (same < chance for chance in chances)
        difference = paired_difference(a, b, seed=case)
        held += difference.low <= expected <= difference.high
        whole = accuracy_interval(a, seed=case)
        widths.append((difference.high - difference.low, whole.high - whole.low))
    of_difference, of_accuracy = np.mean(widths, axis=0)
    assert of_difference < 0.8 * of_accuracy
    assert 0.90 <= held / cases <= 0.99


def _looks(rng, num_seeds=5, num_images=200):
    return rng.normal(0, 0.3, (num_seeds, 1)) + rng.normal(0, 2, (1, num_images))


def test_a_paired_difference_of_one_seed_is_that_of_mcnemars_table():
    """Of 1,000 images 55 are right with a alone, 45 with b alone: 0.01 ± 1.96·sqrt(0.1 - 0.01²)/sqrt(1000)."""
    a, b = np.zeros((2, 1, 1000), bool)
    a[0, :55], b[0, 55:100] = True, True
    a[0, 500:], b[0, 500:] = True, True
    difference = paired_difference(a, b)
    half = 1.96 * np.sqrt(0.1 - 0.01**2) / np.sqrt(1000)
    assert difference.value == pytest.approx(0.01)
    assert (0.01 - difference.low, difference.high - 0.01) == pytest.approx((half, half), rel=0.1)
    assert difference.low < 0 < difference.high and (difference.seeds_better, difference.seeds) == (1, 1)


def test_a_clear_difference_is_decided_and_the_other_way_round_the_same():
    rng = np.random.default_rng(3)
    b = rng.random((5, 400)) < 0.7
    a = b | (rng.random((5, 400)) < 0.3)
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert there.low > 0 and there.seeds_better == 5
    assert back.high < 0 and back.seeds_better == 0
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=0.005)


def test_the_same_draws_give_the_same_interval_and_the_seed_matters_little():
    table = drawn(np.random.default_rng(0), 3, 500, 0.2)
    assert accuracy_interval(table) == accuracy_interval(table)
    one, other = accuracy_interval(table, seed=1), accuracy_interval(table, seed=2)
    assert one != other and one.low == pytest.approx(other.low, abs=0.01)


def test_tables_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="correct_b: needs the shape"):
        paired_difference(np.ones((2, 5)), np.ones((2, 6)))
    with pytest.raises(ValueError, match="correct: needs a row a seed and a column an image"):
        accuracy_interval(np.ones(5))


def test_fifty_seeds_of_ten_thousand_images_take_a_moment():
    table = drawn(np.random.default_rng(0), 50, 10_000, 0.1)
    began = time.process_time()
    accuracy_interval(table)
    assert time.process_time() - began < 1
