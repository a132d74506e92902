"""What maps are asked for: the class that is meant, the images together, the layers and the time."""

import numpy as np
import pytest

from ddlab.analyses.maps.asking import (
    AT_ONCE,
    MOST_AT_ONCE,
    PREDICTION,
    START,
    TRUTH,
    batch_around,
    count_viewers,
    layers_of,
    meant_classes,
    seconds,
)
from ddlab.experiment import Experiment
from ddlab.problem import pose
from tests.made_run import made_run

CLASSES = ("disc", "cross", "ring")
SAID = np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
LABELS = np.array([2, 0])


@pytest.mark.parametrize(
    ("of", "labels", "meant"),
    [
        (TRUTH, LABELS, [2, 0]),
        (PREDICTION, LABELS, [1, 0]),
        (PREDICTION, None, [1, 0]),
        (TRUTH, None, [1, 0]),  # of an image of one's own nobody knows the truth
        ("ring", LABELS, [2, 2]),
    ],
)
def test_the_class_that_is_meant(of, labels, meant):
    assert meant_classes(of, CLASSES, labels, SAID).tolist() == meant


@pytest.mark.parametrize(
    ("index", "size", "batch"),
    [
        (9, 1, range(8, 16)),
        (17, 1, range(16, 18)),  # the last ones
        (9, AT_ONCE // 2, range(8, 10)),
        (9, 2 * AT_ONCE, range(9, 10)),  # one image is always computed
    ],
)
def test_images_are_computed_with_those_beside_them(index, size, batch):
    assert batch_around(index, 18, size) == batch and index in batch and len(batch) <= MOST_AT_ONCE


def test_layers_are_those_of_all_networks_or_none():
    maps, none = (pose(Experiment().with_settings({"model.name": name})) for name in ("cnn", "mlp"))
    assert {maps.global_network.cam_layer, maps.local_networks[0].cam_layer} <= set(layers_of(maps))
    assert layers_of(none) == ()


def test_the_time_grows_with_the_networks_and_the_passes():
    problem = pose(Experiment())
    assert seconds(problem, 1, 0, 0) == START
    whole, parts = (seconds(problem, *counts, 10) - START for counts in ((1, 0), (0, 1)))
    assert seconds(problem, 2, 3, 20) - START == pytest.approx(2 * (2 * whole + 3 * parts))


def test_networks_are_counted_by_what_they_look_at():
    """The random start is there as soon as anything is; the local networks count once, and for each CNN-DNN."""
    assert count_viewers(made_run("queued"), 0) == (1, 0)
    assert count_viewers(made_run(), 0) == (2, 2)
