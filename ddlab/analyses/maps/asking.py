"""Asking for class activation maps: of which class, of which images together, and about how long that takes.

Shapes: M images, K classes.
"""

import math
from collections.abc import Sequence

import numpy as np

from ddlab.analyses.maps.layers import common_layers
from ddlab.analyses.maps.stored import FORMAT
from ddlab.data.source import Dataset
from ddlab.problem import Problem
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL
from ddlab.strategies.trained import trained_dnns, trained_networks

TRUTH, PREDICTION = "truth", "prediction"  # classes that are asked for without a name
AT_ONCE = 2**23  # numbers of the maps that are computed together, about
MOST_AT_ONCE = 8  # images
START = 1.0  # seconds until the warm process has begun; a fresh interpreter needs three more
SPEED = 1.2e10  # operations a second that a processor does beside other work
HIDING = 2e9  # operations that hiding every subimage of an image may take, for a network on the whole image


def meant_classes(
    of: str, classes: Sequence[str], labels_M: np.ndarray | None, probabilities_MK: np.ndarray
) -> np.ndarray:
    """Return, for each image, the class whose map is meant, ``(M,)``.

    Parameters
    ----------
    of
        The true class ``TRUTH``, the ``PREDICTION`` of whoever gave the probabilities, or a name among the classes.
    labels_M
        The true classes; where they are not known, the prediction stands in for them.
    """
    if of == TRUTH and labels_M is not None:
        return labels_M
    if of in (TRUTH, PREDICTION):
        predicted_M: np.ndarray = probabilities_MK.argmax(axis=1)
        return predicted_M
    return np.full(len(probabilities_MK), classes.index(of))


def layers_of(problem: Problem) -> tuple[str, ...]:
    """Layers of which every network of a problem has maps; none if the networks have no maps at all."""
    networks = [problem.global_network, *problem.local_networks]
    return common_layers(networks) if all(network.cam_layer for network in networks) else ()


def count_viewers(run: RunFolder, seed: int) -> tuple[int, int]:
    """Count the networks of the whole image, and the sets of local networks: on their own, and of each CNN-DNN."""
    networks = trained_networks(run, seed)
    num_whole = sum("-" not in name for name in networks)
    return num_whole, len(trained_dnns(run, seed)) + (f"{LOCAL}-1" in networks)


def batch_around(index: int, count: int, size: int) -> range:
    """The images that are computed together with one of them, so that those beside it need not be waited for.

    Parameters
    ----------
    count
        Of all images there are.
    size
        Numbers of all maps of one image.
    """
    step = max(1, min(MOST_AT_ONCE, AT_ONCE // size))
    first = index - index % step
    return range(first, min(first + step, count))


def batch_of(index: int, data: Dataset, num_viewers: int) -> range:
    """The validation images that are computed together with one of them, by :func:`batch_around`."""
    size = len(data.description.classes) * math.prod(data.description.shape) * num_viewers
    return batch_around(index, len(data.validation), size)


def named(images: range) -> str:
    """Images that follow each other, as ``ddlab maps --images`` takes them."""
    return f"{images[0]}-{images[-1]}"


def arguments_of(seed: int, images: str, layer: str = "") -> tuple[str, ...]:
    """The arguments with which ``ddlab maps`` is asked for the maps of a run."""
    return "--seed", str(seed), "--images", images, "--layer", layer


def stamp_of(run: RunFolder) -> tuple[object, ...]:
    """Return all that the maps of a run depend on besides the question (:mod:`ddlab.analyses.command_results`)."""
    return FORMAT, str(run.path), run.results_stamp()


def map_seconds(problem: Problem, num_whole: int, num_local: int) -> float:
    """Estimate how long the maps of images that are computed together take, with what is lost without each subimage.

    Parameters
    ----------
    num_whole, num_local
        As :func:`count_viewers` gives them.
    """
    hidden = len(problem.decomposition) * MOST_AT_ONCE if hides_pixels(problem) else 0
    maps = seconds(problem, num_whole, num_local, 2 * MOST_AT_ONCE)
    return maps + seconds(problem, num_whole, 0, hidden) - START


def hides_pixels(problem: Problem) -> bool:
    """Whether networks on the whole image are asked what they decide without each subimage: a forward pass each."""
    return len(problem.decomposition) * problem.global_network.flops() <= HIDING


def seconds(problem: Problem, num_whole: int, num_local: int, passes: int) -> float:
    """Estimate how long so many forward passes of all networks take.

    Parameters
    ----------
    num_whole, num_local
        As :func:`count_viewers` gives them.
    """
    parts = sum(network.flops() for network in problem.local_networks)
    return START + passes * (num_whole * problem.global_network.flops() + num_local * parts) / SPEED
