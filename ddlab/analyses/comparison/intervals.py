"""Confidence intervals of 95 % for accuracies: over images, over seeds, and of the difference of two strategies.

Test images are a sample of all images, and a training is a sample of all trainings (first weights, order of the
images). What is wanted is the mean accuracy of all trainings on all images. Of one seed only the images can be drawn
anew. Of several, images are resampled by the bootstrap, each with what all seeds made of it; seeds are too few to be
resampled (of three that vary, the bootstrap's intervals are too narrow), so their mean is drawn from Student's t
distribution, with the part of the seeds' variance that images do not explain. Of two seeds such an interval is very
wide, and rightly so.

Shapes: S seeds, M images, R resamples.

References
----------
Wilson 1927, "Probable inference, the law of succession, and statistical inference".
Efron, Tibshirani 1993, "An Introduction to the Bootstrap", Chapter 13.
Searle, Casella, McCulloch 1992, "Variance Components", Section 4.3: the two-way table, seeds by images.
"""

from typing import NamedTuple

import numpy as np

LEVEL = 0.95
NORMAL = 1.959963984540054  # quantile of 0.975 of the normal distribution: LEVEL on both sides
RESAMPLES = 5000


class Interval(NamedTuple):
    """An estimate, and the ends between which it lies with a probability of 95 %."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """A difference of two accuracies, its interval, and the ends of that.

    Parameters
    ----------
    seeds_better
        Of how many seeds the first was the better one.
    seeds
        How many seeds there are.
    """

    value: float
    low: float
    high: float
    seeds_better: int
    seeds: int


def wilson(accuracy: float, num_images: int) -> Interval:
    """Compute Wilson's score interval of an accuracy over images: never beyond 0 and 1, and right for few images, too.

    Parameters
    ----------
    accuracy
        Share of the images that were decided correctly.

    Raises
    ------
    ValueError
        If there is no image, or the accuracy is not a share.
    """
    if num_images < 1 or not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy: needs a share of at least 1 image, got {accuracy:g} of {num_images}")
    squared = NORMAL**2 / num_images
    middle = (accuracy + squared / 2) / (1 + squared)
    half = NORMAL * np.sqrt(accuracy * (1 - accuracy) / num_images + squared / (4 * num_images)) / (1 + squared)
    return Interval(accuracy, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def accuracy_interval(correct_SM: np.ndarray, seed: int = 0) -> Interval:
    """Interval of the mean accuracy: over images of one seed (Wilson), over seeds and images of several.

    Parameters
    ----------
    correct_SM
        Whether each seed decided each image correctly.
    seed
        Of the bootstrap's draws.

    Raises
    ------
    ValueError
        If it is not a table of at least one seed and one image.
    """
    table = _table(correct_SM, "correct")
    mean = float(table.mean())
    if len(table) == 1 or mean in (0, 1):  # nothing varies that could be drawn anew
        return wilson(mean, table.shape[1])
    low, high = _ends(table, seed)
    return Interval(mean, max(0.0, low), min(1.0, high))


def paired_difference(correct_a: np.ndarray, correct_b: np.ndarray, seed: int = 0) -> Difference:
    """Compute the accuracy of a less that of b, with an interval over seeds and images.

    Pairs belong together: the same seed (of which the strategies share local networks and order of the images) and the
    same image, so what makes a seed or an image easy for both cancels.

    Parameters
    ----------
    correct_a, correct_b
        Whether each seed decided each image correctly, ``(S, M)`` both.
    seed
        Of the bootstrap's draws.

    Raises
    ------
    ValueError
        If the tables differ in shape, or hold no seed or image.
    """
    a, b = _table(correct_a, "correct_a"), _table(correct_b, "correct_b")
    if a.shape != b.shape:
        raise ValueError(f"correct_b: needs the shape {a.shape} of correct_a, got {b.shape}")
    difference = a - b
    low, high = _ends(difference, seed)
    better = int((difference.mean(1) > 0).sum())
    return Difference(float(difference.mean()), low, high, better, len(difference))


def _table(values: np.ndarray, name: str) -> np.ndarray:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise ValueError(f"{name}: needs a row a seed and a column an image, got shape {table.shape}")
    return table


def _ends(table_SM: np.ndarray, seed: int) -> tuple[float, float]:
    """Compute the ends of the interval of a table's mean."""
    num_seeds, num_images = table_SM.shape
    rng = np.random.default_rng(seed)
    # Images of which equally many seeds are right are alike: how many of each kind are drawn is all that matters.
    kinds, counts = np.unique(table_SM.sum(0), return_counts=True)
    drawn = rng.multinomial(num_images, counts / num_images, size=RESAMPLES)
    means_R = drawn @ kinds / (num_seeds * num_images)
    if num_seeds > 1:
        spread = np.sqrt(_variance_of_seeds(table_SM) / num_seeds)
        means_R = means_R + spread * rng.standard_t(num_seeds - 1, size=RESAMPLES)
    outside = (1 - LEVEL) / 2
    low, high = np.quantile(means_R, [outside, 1 - outside])
    return float(low), float(high)


def _variance_of_seeds(table_SM: np.ndarray) -> float:
    """Return the variance of the seeds' mean accuracies beyond what their few images explain; at least 0."""
    num_seeds, num_images = table_SM.shape
    means_S1 = table_SM.mean(1, keepdims=True)
    if num_images == 1:
        return float(means_S1.var(ddof=1))
    rest_SM = table_SM - means_S1 - table_SM.mean(0) + table_SM.mean()
    by_images = (rest_SM**2).sum() / ((num_seeds - 1) * (num_images - 1) * num_images)
    return max(0.0, float(means_S1.var(ddof=1) - by_images))
