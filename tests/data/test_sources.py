"""Facts about single data sets; what all of them promise is in ``tests/contracts``. Real ones are there or not."""

import numpy as np
import pytest

from ddlab.data.cache import describe, load
from ddlab.data.cifar import CIFAR100_CLASSES
from ddlab.data.overview import class_balance, sample_of_every_class
from ddlab.data.source import DataMissing
from ddlab.experiment import DatasetSettings

MEAN = {"mnist": (0.13,), "cifar10": (0.49, 0.48, 0.45), "flowers": (0.49, 0.44, 0.31)}  # of all training images


@pytest.mark.parametrize("name", MEAN)
def test_real_images_are_what_they_should_be(name):
    try:
        full = describe(DatasetSettings(name=name))
    except DataMissing as missing:
        pytest.skip(str(missing))
    dataset = load(DatasetSettings(name=name, train_images=200, validation_images=100))
    assert dataset.mean == pytest.approx(MEAN[name], abs=0.05)
    counts = class_balance(dataset)
    assert counts["train"].max() <= 1.6 * counts["train"].min(), "a limit keeps the balance of the classes"
    assert full.num_train + full.num_validation == {"mnist": 70_000, "cifar10": 60_000, "flowers": 3_670}[name]


def test_damaged_official_files(tmp_path, monkeypatch):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    for name in ("train", "test", "meta"):
        (tmp_path / "cifar-100-python").mkdir(exist_ok=True)
        (tmp_path / "cifar-100-python" / name).write_bytes(b"not it")
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match="cifar100: the files in .* cannot be used"):
        load(DatasetSettings(name="cifar100"))


def test_hundred_classes():
    classes = CIFAR100_CLASSES.split()
    assert len(set(classes)) == 100 and classes == sorted(classes)


def test_digits_are_readable():
    """A nearest neighbour in pixels tells most of them: images and labels belong together, upright and enlarged."""
    dataset = load(DatasetSettings(name="digits"))
    assert (len(dataset.train), len(dataset.validation)) == (1438, 359)
    train, validation = (split.images.reshape(len(split), -1) / 255 for split in (dataset.train, dataset.validation))
    distances = (train**2).sum(1) - 2 * validation @ train.T
    assert (dataset.train.labels[distances.argmin(1)] == dataset.validation.labels).mean() > 0.97
    assert dataset.train.images.shape == (1438, 1, 32, 32) and dataset.train.images.max() == 255
    assert load(DatasetSettings(name="digits", size=16)).train.images.shape == (1438, 1, 16, 16)


def test_balance_and_sample():
    dataset = load(DatasetSettings(train_images=100, validation_images=50))
    table = class_balance(dataset)
    assert table["class"].tolist() == list(dataset.description.classes)
    assert table["train"].tolist() == [40, 20, 20, 20] and table["validation_share"].sum() == pytest.approx(1)
    sample = sample_of_every_class(dataset, 3)
    assert sample.shape == (4, 3)
    assert (dataset.train.labels[sample] == np.arange(4)[:, None]).all()
    assert (sample_of_every_class(dataset, 30)[1, 20:] == -1).all()
