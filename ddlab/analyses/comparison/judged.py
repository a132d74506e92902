"""Strategies on the images that judge: which of them each decides correctly, and how certain that makes its accuracy.

Shapes: S seeds, M images that judge.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ddlab.analyses.comparison.intervals import Interval, accuracy_interval
from ddlab.data.cache import is_ready, load
from ddlab.data.source import SplitName
from ddlab.runs import RunFolder

UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


class Judge(NamedTuple):
    """The split that judges a run, and the true classes ``(M,)`` of its images; None where the data are gone."""

    split: SplitName
    labels: np.ndarray | None


def judge_of(run: RunFolder) -> Judge:
    """Find out which images judge a run; nothing is decoded for it."""
    test = run.asked().get("dataset", {}).get("test") or "validation"
    split: SplitName = "validation" if test == "validation" else "test"
    try:
        settings = run.experiment.dataset
        return Judge(split, np.asarray(load(settings).split(split).labels) if is_ready(settings) else None)
    except ValueError:
        return Judge(split, None)


def decided_rightly(run: RunFolder, strategy: str, seeds: Sequence[int], judge: Judge) -> np.ndarray | None:
    """Whether a strategy decided each image correctly with each of the seeds, ``(S, M)``.

    None where that is not known: data or predictions are gone, or do not belong together.
    """
    if judge.labels is None:
        return None
    try:
        decisions = [run.stage(strategy, seed).predictions()[f"{judge.split}_decisions"] for seed in seeds]
    except ValueError:
        return None
    if not decisions or any(made.shape != judge.labels.shape for made in decisions):
        return None
    right: np.ndarray = np.stack(decisions) == judge.labels
    return right


def judged_accuracy(run: RunFolder, strategy: str, seeds: Sequence[int], judge: Judge) -> Interval:
    """Mean accuracy of the seeds on the images that judge, with its interval; NaN where it is not known."""
    correct = decided_rightly(run, strategy, seeds, judge)
    return UNKNOWN if correct is None else accuracy_interval(correct)
