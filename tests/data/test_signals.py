"""Drawn signals: the wave lies where the mask says, inside a quarter, and tells the class."""

import numpy as np
import pytest

from ddlab.data.cache import load
from ddlab.data.signals import FORMS, NOISE, QUARTER, SAMPLES
from ddlab.experiment import DatasetSettings, ExperimentError, TrainingSettings
from ddlab.problem import pose
from ddlab.recipes.extensions import signals as recipe


@pytest.fixture
def signals():
    return load(DatasetSettings(name="signals", train_images=400, validation_images=100)).train


def test_a_wave_lies_inside_one_quarter_any_of_them(signals):
    masks = np.asarray(signals.masks)
    starts, stops = masks.argmax(1), SAMPLES - masks[:, ::-1].argmax(1)
    assert signals.images.shape == (400, 1, SAMPLES) and signals.images.dtype == np.uint8
    assert ((stops - starts >= 40) & (stops - starts <= 56)).all()
    np.testing.assert_array_equal(masks.sum(1), stops - starts)
    np.testing.assert_array_equal(starts // QUARTER, (stops - 1) // QUARTER)
    assert (np.bincount(starts // QUARTER) > 70).all()
    np.testing.assert_array_equal(np.bincount(signals.labels), [100] * len(FORMS))


def test_outside_of_the_wave_there_is_noise_around_a_slow_drift(signals):
    """Neighbouring samples differ by two noises outside; inside the jumps of a square or a pulse stand out."""
    steps = np.abs(np.diff(np.asarray(signals.images[:, 0], dtype=float)))
    outside = ~(np.asarray(signals.masks)[:, 1:] | np.asarray(signals.masks)[:, :-1]).astype(bool)
    assert np.sqrt((steps[outside] ** 2).mean()) == pytest.approx(NOISE * np.sqrt(2), rel=0.1)
    largest = np.where(outside, 0, steps).max(1)
    smooth, sharp = (largest[np.isin(signals.labels, labels)] for labels in ([0], [1, 2]))
    assert np.median(sharp) > 2 * np.median(smooth)


def test_a_signal_cannot_be_turned():
    with pytest.raises(ExperimentError, match="training.rotate: a signal of one axis cannot be turned; needs 0"):
        pose(recipe().model_copy(update={"training": TrainingSettings(rotate=10)}))
