"""Scores of class activation maps, against the known evidence and against the network itself.

Maps are ``(*shape)`` or ``(M, *shape)``, NaN where no network looks. M images, S steps, K classes.

References
----------
Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop": the pointing game.
Wang et al. 2020, "Score-CAM": the energy-based pointing game.
Petsiuk, Das, Saenko 2018, "RISE": insertion and deletion.
Adebayo et al. 2018, "Sanity Checks for Saliency Maps": randomised weights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

ALIKE = 1e-5  # of the largest number of a map: what is closer differs by the rounding of float32 alone
STEPS = 16  # of insertion and deletion: sixteenths of the pixels
Predict = Callable[[np.ndarray], np.ndarray]
"""Images ``(M, C, *shape)`` as networks see them to probabilities ``(M, K)``."""


def pointing(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Whether the largest number of every map lies in the evidence: 1 or 0, ``(M,)``; NaN where there is no evidence.

    Pointing anywhere at random hits with the probability :func:`evidence_share`.
    """
    flat, evidence = _flat(maps), _flat(masks) > 0
    peak = np.where(np.isnan(flat), -np.inf, flat).argmax(1)
    hits = evidence[np.arange(len(flat)), peak].astype(float)
    return np.where(evidence.any(1), hits, np.nan)


def energy(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Share of what speaks for the class, the positive part of every map, that lies in the evidence, ``(M,)``.

    NaN where there is no evidence. A map that is nowhere positive has nothing in it: 0.
    """
    positive, evidence = np.nan_to_num(np.maximum(_flat(maps), 0)), _flat(masks) > 0
    total = positive.sum(1)
    inside = np.divide((positive * evidence).sum(1), total, out=np.zeros(len(total)), where=total > 0)
    return np.where(evidence.any(1), inside, np.nan)


def evidence_share(masks: np.ndarray) -> np.ndarray:
    """Share of the image that is evidence, ``(M,)``: what random pointing and an even map reach; NaN where none is."""
    share = (_flat(masks) > 0).mean(1)
    return np.where(share > 0, share, np.nan)


def rank_correlation(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of every map with its other one, ``(M,)``; 0 where one is constant.

    Maps that do not depend on what a network has learned stay near 1 when its weights are replaced by random ones.
    """
    return np.array([_spearman(own, other) for own, other in zip(_flat(maps), _flat(others), strict=True)])


def _spearman(own: np.ndarray, other: np.ndarray) -> float:
    seen = ~(np.isnan(own) | np.isnan(other))
    ranks = np.stack([rankdata(own[seen]), rankdata(other[seen])])
    return float(np.corrcoef(ranks)[0, 1]) if (ranks.std(1) > 0).all() else 0.0


# ---- insertion and deletion


@dataclass(frozen=True)
class Curves:
    """The probability of a class as pixels come and go, those of the largest numbers first.

    Parameters
    ----------
    shares
        Of the pixels that came or went, ``(S + 1,)``.
    insertion, deletion
        Probabilities ``(M, S + 1)``.
    """

    shares: np.ndarray
    insertion: np.ndarray
    deletion: np.ndarray

    @property
    def insertion_area(self) -> np.ndarray:
        """Area below every insertion curve, ``(M,)``: the larger, the sooner the class is recognised."""
        area_M: np.ndarray = np.trapezoid(self.insertion, self.shares, axis=1)
        return area_M

    @property
    def deletion_area(self) -> np.ndarray:
        """Area below every deletion curve, ``(M,)``: the smaller, the sooner the class is lost."""
        area_M: np.ndarray = np.trapezoid(self.deletion, self.shares, axis=1)
        return area_M


def curves(predict: Predict, images: np.ndarray, maps: np.ndarray, classes: np.ndarray, steps: int = STEPS) -> Curves:
    """Insert pixels into the mean image, and delete them from the image, in the order of the map.

    Parameters
    ----------
    images
        ``(M, C, *shape)`` as networks see them: 0 is the mean, which missing pixels are set to.
    maps
        ``(M, *shape)`` of the class at hand; pixels that no network looks at come last.
    classes
        Of each image the class whose probability is followed, ``(M,)``.
    """
    order = np.argsort(_coarse(-_flat(maps)), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None], axis=1)
    place = place.reshape(maps.shape)[:, None]  # the channels of a pixel come and go together
    counts = np.round(np.linspace(0, 1, steps + 1) * order.shape[1]).astype(int)
    zero, each = images.dtype.type(0), np.arange(len(images))
    inserted = [predict(np.where(place < count, images, zero))[each, classes] for count in counts]
    deleted = [predict(np.where(place < count, zero, images))[each, classes] for count in counts]
    return Curves(counts / order.shape[1], np.stack(inserted, axis=1), np.stack(deleted, axis=1))


def _coarse(flat: np.ndarray) -> np.ndarray:
    """Numbers in units of ``ALIKE`` of the largest of their map, so that rounding decides no order; NaN comes last."""
    largest = np.nan_to_num(np.abs(flat)).max(axis=1, keepdims=True)
    units = np.divide(flat, ALIKE * largest, out=np.zeros_like(flat), where=largest > 0)
    return np.where(np.isnan(flat), np.inf, np.round(units))


def mean_and_error(values: np.ndarray) -> tuple[float, float, int]:
    """Mean, its standard error, and the count of the numbers that are not NaN; NaN where there are too few."""
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if len(known) else np.nan
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan
    return mean, error, len(known)


def _flat(arrays: np.ndarray) -> np.ndarray:
    return np.asarray(arrays, dtype=float).reshape(len(arrays), -1)
