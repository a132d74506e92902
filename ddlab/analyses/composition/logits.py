"""Logits of the composed network beside those of its sub-networks: eq. (2.16), (2.17) and Theorem 2.2.

Shapes: M images, N sub-networks, K classes.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Section 2.3.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Logits:
    """Logits of some images.

    Parameters
    ----------
    local_MNK
        Of the sub-networks.
    composed_MK
        Of the composed network, as it is.
    masked_MK
        Of the composed network, if its global average pooling took the mean of every map over its activation field.
    labels_M
        The true classes.
    factor
        On the sum of the local logits: 1 as in the paper, 1/N if the composed network was made to say their mean.
    """

    local_MNK: np.ndarray
    composed_MK: np.ndarray
    masked_MK: np.ndarray
    labels_M: np.ndarray
    factor: float = 1.0

    @property
    def total(self) -> np.ndarray:
        """The sum of the sub-networks' logits times the factor: the right side of eq. (2.16)."""
        total_MK: np.ndarray = self.factor * self.local_MNK.sum(axis=1)
        return total_MK


def cross_entropy(logits_MK: np.ndarray, labels_M: np.ndarray) -> np.ndarray:
    """The cost of every sample, ``(M,)``: eq. (2.4)."""
    return _costs(np.asarray(logits_MK, float), labels_M)


def cost_bound(logits_MNK: np.ndarray, labels_M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cost of the summed logits, and its bound by the costs of the sub-networks, of every sample.

    The bound is the least cost of the sub-networks that have the sample right, plus the costs of all that have it
    wrong. The paper states the sum over the samples; its proof shows it of each.

    Returns
    -------
    tuple of numpy.ndarray
        Cost and bound, ``(M,)`` each.

    References
    ----------
    Gu et al., Theorem 2.2, eq. (2.19).
    """
    logits_MNK = np.asarray(logits_MNK, float)
    costs_MN = _costs(logits_MNK, labels_M[:, None])
    right_MN = _of_truth(logits_MNK, labels_M[:, None]) >= logits_MNK.max(axis=2)
    least_M = np.where(right_MN, costs_MN, np.inf).min(axis=1)
    bound_M = np.where(right_MN.any(axis=1), least_M, 0.0) + np.where(right_MN, 0.0, costs_MN).sum(axis=1)
    return cross_entropy(logits_MNK.sum(axis=1), labels_M), bound_M


def _of_truth(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Take the values of the true class; the last axis of the logits is that of the classes."""
    chosen = np.broadcast_to(labels, logits.shape[:-1])[..., None]
    return np.take_along_axis(logits, chosen, axis=-1)[..., 0]


def _costs(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross entropy; the largest logit is taken out first, for no exponential to overflow."""
    above = logits - logits.max(axis=-1, keepdims=True)
    costs: np.ndarray = np.log(np.exp(above).sum(axis=-1)) - _of_truth(above, labels)
    return costs


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def bound_table(logits: Logits) -> pd.DataFrame:
    """Theorem 2.2, a row a sample.

    Returns
    -------
    pandas.DataFrame
        ``image`` (place among the images), ``bound``, ``cost`` of the composed network, ``cost_of_sum`` of the summed
        logits, ``right``: how many sub-networks have it right, ``composed_right``.
    """
    of_sum, bound = cost_bound(logits.local_MNK, logits.labels_M)
    labels = logits.labels_M
    return pd.DataFrame(
        {
            "image": np.arange(len(labels)),
            "bound": bound,
            "cost": cross_entropy(logits.composed_MK, labels),
            "cost_of_sum": of_sum,
            "right": (logits.local_MNK.argmax(axis=2) == labels[:, None]).sum(axis=1),
            "composed_right": logits.composed_MK.argmax(axis=1) == labels,
        }
    )


def logit_table(logits: Logits) -> pd.DataFrame:
    """Eq. (2.16), a row a sample and class.

    Returns
    -------
    pandas.DataFrame
        ``image`` (place among the images), ``class`` (its number), and the logits ``sum`` of the sub-networks,
        ``composed`` and ``masked``.
    """
    images, classes = np.indices(logits.total.shape)
    columns = {
        "image": np.ravel(images),
        "class": np.ravel(classes),
        "sum": np.ravel(logits.total),
        "composed": np.ravel(logits.composed_MK),
        "masked": np.ravel(logits.masked_MK),
    }
    return pd.DataFrame(columns)


def statements(logits: Logits, tolerance: float) -> dict[str, float | int]:
    """Eq. (2.16), (2.17) and (2.19) in numbers.

    Parameters
    ----------
    tolerance
        Differences are taken for rounding up to this share of the largest logit.
    """
    total, table = logits.total, bound_table(logits)
    scale = float(np.abs(logits.local_MNK).max(initial=0.0)) or 1.0
    slack = tolerance * (1 + scale)
    agreed = table["right"] == logits.local_MNK.shape[1]
    return {
        "scale": float(np.abs(total).max(initial=0.0)) or 1.0,
        "sum": float(np.abs(logits.composed_MK - total).max()),
        "sum_masked": float(np.abs(logits.masked_MK - total).max()),
        "softmax": float(np.abs(_softmax(logits.composed_MK) - _softmax(total)).max()),
        "softmax_masked": float(np.abs(_softmax(logits.masked_MK) - _softmax(total)).max()),
        "obey": float((table["cost"] <= table["bound"] + slack).mean()),
        "obey_of_sum": float((table["cost_of_sum"] <= table["bound"] + slack).mean()),
        "cost": float(table["cost"].mean()),
        "cost_of_sum": float(table["cost_of_sum"].mean()),
        "bound": float(table["bound"].mean()),
        "all_right": int(agreed.sum()),
        "all_right_and_composed": int(table["composed_right"][agreed].sum()),
    }
