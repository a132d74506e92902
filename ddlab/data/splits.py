"""Orders and splits of labelled images, fixed by a seed."""

import numpy as np

VALIDATION_SHARE = 0.2


def mixed_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """A shuffled order of the images in which every beginning holds the classes in proportion.

    Returns
    -------
    numpy.ndarray
        Indices ``(M,)``: the first m of them are a stratified sample, so a limit on the images keeps the balance.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for members in _groups(labels):
        place[rng.permutation(members)] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")


def stratified_split(labels: np.ndarray, seed: int, share: float = VALIDATION_SHARE) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and validation images, each in a mixed order; every class of two or more is in both."""
    order = mixed_order(labels, seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for group in _groups(labels[order]):
        members = order[group]
        held_out[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    return order[~held_out[order]], order[held_out[order]]


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    """Indices of the images of every class, in order; in one pass, however many classes there are."""
    _, counts = np.unique(labels, return_counts=True)
    return np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])


def limit(available: int, wanted: int | None) -> int:
    """Images used of those available: all of them, or the number wanted if there are that many."""
    return available if wanted is None else min(available, wanted)
