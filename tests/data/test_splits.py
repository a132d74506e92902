"""Orders and splits: every beginning is stratified, nothing is lost or in both splits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ddlab.data.splits import limit, mixed_order, stratified_split

labels = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array)
seeds = st.integers(0, 1000)


@given(labels, seeds)
def test_every_beginning_holds_the_classes_in_proportion(labels, seed):
    order = mixed_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    shares = np.bincount(labels) / len(labels)
    for count in range(1, len(labels) + 1):
        held = np.bincount(labels[order[:count]], minlength=len(shares))
        # Each of the k classes is at most one image off its place, and so shifts the others by at most k.
        assert (np.abs(held - shares * count) <= len(shares)).all()


@given(labels, seeds)
def test_splits_are_disjoint_and_complete(labels, seed):
    train, validation = stratified_split(labels, seed)
    assert sorted([*train, *validation]) == list(range(len(labels)))
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        held_out = (labels[validation] == label).sum()
        assert held_out == min(max(1, round(0.2 * count)), count - 1)


def test_the_seed_decides():
    labels = np.arange(100) % 5
    one, same, other = (stratified_split(labels, seed)[1].tolist() for seed in (0, 0, 1))
    assert one == same and one != other


def test_limit():
    assert [limit(10, None), limit(10, 3), limit(10, 30)] == [10, 3, 10]
