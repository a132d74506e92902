"""The baseline of accuracies: always naming the most frequent class, which needs no network at all.

Guessing among K classes is right for 1 of K images, but where classes differ in size who always names the largest is
right more often; a network that has learned nothing ends there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ddlab.data.cache import is_ready, load
from ddlab.data.source import SplitName
from ddlab.runs import RunFolder
from ddlab.written import percent

SPLITS: dict[SplitName, str] = {"train": "training images", "validation": "validation images", "test": "test images"}


class Baseline(NamedTuple):
    """The accuracy of always naming the most frequent class of a split.

    Parameters
    ----------
    share
        Of the images that are of that class.
    label
        The class; of several that are equally frequent the first.
    split
        ``validation`` or ``test``.
    """

    share: float
    label: str
    split: SplitName

    @property
    def short(self) -> str:
        """Label of a line in a figure."""
        return f"always “{self.label}”: {percent(self.share)}"

    @property
    def sentence(self) -> str:
        """Explanation in a sentence."""
        return (
            f"Always naming “{self.label}”, the most frequent class, is right for {percent(self.share)} of "
            f"the {SPLITS[self.split]}."
        )


def most_frequent(labels: np.ndarray, classes: Sequence[str], split: SplitName = "validation") -> Baseline | None:
    """The baseline of images with these true classes ``(M,)``, as indices of ``classes``; None without an image."""
    if not len(labels):
        return None
    counts = np.bincount(labels, minlength=len(classes))
    return Baseline(float(counts.max() / counts.sum()), classes[int(counts.argmax())], split)


def baseline_of(run: RunFolder, split: SplitName | None = None) -> Baseline | None:
    """The baseline of a run's images; nothing is decoded for it: None where it would be, or the data are gone.

    Parameters
    ----------
    split
        ``validation`` or ``test``; None: the images that judge the run.
    """
    try:
        settings = run.experiment.dataset
        if not is_ready(settings):
            return None
        data = load(settings)
        split = split or ("test" if data.test else "validation")
        return most_frequent(np.asarray(data.split(split).labels), data.description.classes, split)
    except ValueError:
        return None


def shared_baseline(found: Sequence[Baseline | None]) -> Baseline | None:
    """The baseline that several runs share; None where they differ, or one is not known."""
    first = found[0] if found else None
    return first if all(each == first for each in found) else None
