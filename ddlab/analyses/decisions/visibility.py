"""Visibility: the subdomains, how much of the evidence each holds, and how often its network alone is right."""

import math

import numpy as np
import pandas as pd

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition, times
from ddlab.strategies.explanation import Explanation
from ddlab.words import extents


def evidence_share(decomposition: Decomposition, mask: np.ndarray) -> np.ndarray:
    """Return the share of an image's evidence that every subdomain holds, ``(N,)``; zeros where there is no evidence.

    Overlapping subdomains may hold the same evidence, so the shares may sum to more than 1.
    """
    held = np.array([float(part.sum()) for part in decomposition.split(np.asarray(mask, dtype=float))])
    return held / max(float(np.sum(mask)), 1.0)


def subdomain_table(decomposition: Decomposition, mask: np.ndarray | None = None) -> pd.DataFrame:
    """Every subdomain: ``subdomain`` from 1, ``place`` (rows × columns), ``size`` and ``share`` of the image in pixels.

    Parameters
    ----------
    mask
        The evidence of an image, which adds the column ``evidence`` (share seen), or None.
    """
    pixels = np.prod(decomposition.shape)
    table = pd.DataFrame(
        {
            "subdomain": np.arange(1, len(decomposition) + 1),
            "place": [str(box) for box in decomposition],
            "size": [times(box.shape) for box in decomposition],
            "share": [np.prod(box.shape) / pixels for box in decomposition],
        }
    )
    return table if mask is None else table.assign(evidence=evidence_share(decomposition, mask))


def subdomains_title(dataset: Dataset, index: int, decomposition: Decomposition) -> str:
    """Title a validation image with its subdomains: its number, its class, and how many subdomains there are."""
    name = dataset.description.classes[dataset.validation.labels[index]]
    title = f"Image {index} ({name}): {len(decomposition)} subdomain{'s' * (len(decomposition) > 1)}"
    shared = len(decomposition.shape) == 2 and decomposition.multiplicity.max() > 1
    return title + ("; what lies in several is lighter" if shared else "")


def subimages_title(decomposition: Decomposition, mask: np.ndarray | None) -> str:
    """Title the subimages of an image: their sizes, and what :func:`subimage_labels` tells of its evidence."""
    sizes = sorted({box.shape for box in decomposition}, key=math.prod)
    smallest = f"{times(sizes[0])} to " if len(sizes) > 1 else ""
    title = f"Its subimages, {smallest}{extents(sizes[-1])}"
    title += "" if mask is None else ", and their share of the evidence (pink)"
    return title + ("; of each an axial slice, the lowest layer first" if len(decomposition.shape) == 3 else "")


def subimage_labels(decomposition: Decomposition, mask: np.ndarray | None) -> list[str]:
    """Label every subimage with its number from 1 and, where it is known, its share of the image's evidence."""
    if mask is None:
        return [str(number) for number in range(1, len(decomposition) + 1)]
    return [f"{number} · sees {share:.0%}" for number, share in enumerate(evidence_share(decomposition, mask), 1)]


def sight_table(explanation: Explanation, decomposition: Decomposition, mask: np.ndarray) -> pd.DataFrame:
    """Tabulate how confident every local network is beside how much of the evidence it sees.

    Returns
    -------
    pandas.DataFrame
        ``subdomain`` from 1, ``evidence`` (share seen), ``confidence`` (highest probability), ``names``, ``right``.
    """
    named = explanation.named
    return pd.DataFrame(
        {
            "subdomain": np.arange(1, len(named) + 1),
            "evidence": evidence_share(decomposition, mask),
            "confidence": explanation.local_NK.max(axis=1),
            "names": [explanation.classes[index] for index in named],
            "right": named == explanation.truth,
        }
    )


def subdomain_accuracy(outcomes: Outcomes) -> pd.DataFrame:
    """Tabulate the accuracy of every local network on its own, over all images and by class.

    Returns
    -------
    pandas.DataFrame
        ``subdomain`` from 1, ``accuracy``, then a column a class: the share of its images that are named correctly.

    Raises
    ------
    ValueError
        If the local networks are not trained yet.
    """
    local = outcomes.any_local
    if local is None:
        raise ValueError("the local networks of this run are not trained yet")
    right = local.argmax(axis=2) == outcomes.labels[:, None]
    table = pd.DataFrame({"subdomain": np.arange(1, right.shape[1] + 1), "accuracy": right.mean(axis=0)})
    for index, name in enumerate(outcomes.classes):
        of_class = right[outcomes.labels == index]
        table[name] = of_class.mean(axis=0) if len(of_class) else np.nan
    return table
