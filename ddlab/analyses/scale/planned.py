"""A training that nobody has asked for yet: any network on images as CIFAR-10 has them, by all ways to share it out."""

from collections.abc import Mapping
from typing import Any

from ddlab.analyses.pipeline.assumed import assumed
from ddlab.models.architecture import Shape
from ddlab.problem import Problem

SAMPLE: Shape = (3, 32, 32)
CLASSES, TRAIN, VALIDATION = 10, 50_000, 10_000


def planned(asked: Mapping[str, Any], num_boxes: int) -> Problem:
    """Pose a problem for images that nobody has, cut in nearly equal boxes.

    Parameters
    ----------
    asked
        Parts of an experiment, such as ``model``.

    Raises
    ------
    ExperimentError
        If the parts do not fit together; names the field, the rule and the value.
    ValueError
        If the image has fewer pixels along an axis than boxes.
    """
    return assumed(asked, SAMPLE, CLASSES, num_boxes, TRAIN, VALIDATION)
