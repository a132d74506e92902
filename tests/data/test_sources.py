"""Every data set of the registry keeps what it promises; the real ones only where ``DDLAB_DATA`` has them."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ddlab.data.cache import describe, load
from ddlab.data.cifar import CIFAR100_CLASSES
from ddlab.data.overview import class_balance, sample_of_every_class
from ddlab.data.source import SPLITS
from ddlab.experiment import DatasetSettings
from ddlab.registry.datasets import DATASETS

MADE = ["shapes_local", "shapes_pairs", "shapes_relation", "digits", "ct_phantom"]
REAL = {
    "mnist": "MNIST/raw",
    "cifar10": "cifar10",
    "flowers": "tf_flowers",
    "adrenalmnist3d": "adrenalmnist3d_64.npz",
}
MEAN = {"mnist": (0.13,), "cifar10": (0.49, 0.48, 0.45), "flowers": (0.49, 0.44, 0.31)}  # of all training images


def small(name):
    return DatasetSettings(name=name, train_images=200, validation_images=100, volume=(16, 16, 8))


def need(name):
    home = os.environ.get("DDLAB_DATA", "")
    if name in REAL and not os.path.exists(os.path.join(home, REAL[name])):
        pytest.skip(f"DDLAB_DATA={home!r} has no {REAL[name]}")


@pytest.mark.parametrize("name", [*MADE, *REAL])
def test_contract(name):
    need(name)
    described = describe(small(name))
    dataset = load(small(name))
    assert dataset.description == described
    assert (described.num_train, described.num_validation) == (200, 100)
    assert described.source and described.licence
    for split in map(dataset.split, SPLITS):
        assert split.images.shape[1:] == (described.channels, *described.shape) and split.images.dtype == np.uint8
        assert split.labels.shape == (len(split),) and split.labels.dtype == np.int64
        assert set(np.unique(split.labels)) == set(range(described.num_classes)), "a class is missing"
        assert (split.masks is not None) == described.has_masks
    again = list(DATASETS[name].load()().read(small(name), "validation"))
    np.testing.assert_array_equal(np.concatenate([block.images for block in again]), dataset.validation.images)
    np.testing.assert_array_equal(np.concatenate([block.labels for block in again]), dataset.validation.labels)


@pytest.mark.parametrize("name", MEAN)
def test_real_images_are_what_they_should_be(name):
    need(name)
    dataset = load(small(name))
    assert dataset.mean == pytest.approx(MEAN[name], abs=0.05)
    counts = class_balance(dataset)
    full = describe(DatasetSettings(name=name))
    assert counts["train"].max() <= 1.6 * counts["train"].min(), "a limit keeps the balance of the classes"
    assert full.num_train + full.num_validation == {"mnist": 70_000, "cifar10": 60_000, "flowers": 3_670}[name]


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100", "flowers", "mosmed", "adrenalmnist3d"])
def test_missing_files(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=f"^{name}: {tmp_path}.* is not there; .*DDLAB_DATA"):
        describe(DatasetSettings(name=name))
    with pytest.raises(ValueError, match="is not there"):
        load(DatasetSettings(name=name))


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


def test_describing_imports_no_torch(tmp_path):
    code = (
        "import sys\n"
        "from ddlab.registry.datasets import DATASETS\n"
        "from ddlab.data.cache import describe, is_ready\n"
        "import ddlab.data.overview\n"
        "from ddlab.experiment import DatasetSettings\n"
        "for name in DATASETS:\n"
        "    is_ready(DatasetSettings(name=name))\n"
        "    try: describe(DatasetSettings(name=name))\n"
        "    except ValueError: pass\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


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
