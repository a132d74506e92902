"""Samples from the file and from a device's memory are the same; batches made ahead are the same batches."""

import threading

import numpy as np
import pytest
import torch

from ddlab.data.source import Dataset, Description, Split
from ddlab.decomposition import Decomposition
from ddlab.experiment import TrainingSettings
from ddlab.ranks import Ranks
from ddlab.training import batches
from ddlab.training.batches import ImageFeed, Sharing
from ddlab.training.samples import FromFile, OnDevice, one_ahead, samples_of

DEVICE = torch.device("cpu")


def dataset() -> Dataset:
    random = np.random.default_rng(0)
    splits = [Split(random.integers(0, 256, (n, 3, 8, 8), np.uint8), random.integers(0, 4, n)) for n in (50, 20)]
    return Dataset(Description(tuple("abcd"), 3, (8, 8), 50, 20, "made", "none"), *splits, (0.5,) * 3, (0.25,) * 3)


def test_samples_are_the_same_wherever_they_lie() -> None:
    split, indices = dataset().train, torch.tensor([7, 0, 49, 7])
    for samples in (FromFile(split, DEVICE), OnDevice(split, DEVICE)):
        assert np.array_equal(samples.images(indices).numpy(), split.images[[7, 0, 49, 7]])
        assert np.array_equal(samples.labels(indices).numpy(), split.labels[[7, 0, 49, 7]])


def test_a_processor_reads_from_the_file() -> None:
    assert isinstance(samples_of(dataset().train, DEVICE), FromFile)


def test_a_feed_gives_the_same_batches_from_the_memory_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    data, boxes = dataset(), Decomposition.from_grid((8, 8), (2, 2), 2).subdomains
    settings = TrainingSettings(batch_size=16, flip=True, shift=0.2, rotate=20, zoom=0.1)

    def every_batch() -> list[torch.Tensor]:
        feed = ImageFeed(data, boxes, settings, Sharing(Ranks()))
        found = [*feed.train(3), *feed.evaluate("validation")]
        return [tensor for batch in found for tensor in (batch.inputs, batch.labels)]

    read = every_batch()
    monkeypatch.setattr(batches, "samples_of", OnDevice)
    for ours, theirs in zip(every_batch(), read, strict=True):
        assert torch.equal(ours, theirs)


def test_items_are_made_one_ahead_and_in_order() -> None:
    made = []
    second = threading.Event()

    def items():  # noqa: ANN202
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    used = one_ahead(items())
    assert next(used) == 0
    assert second.wait(30)  # nobody has asked for the second one
    assert list(used) == [1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4]


def test_what_making_an_item_raises_reaches_who_uses_them() -> None:
    def items():  # noqa: ANN202
        yield 1
        raise OSError("the disk is gone")

    used = one_ahead(items())
    assert next(used) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(used)


def test_who_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    used = one_ahead(range(100))
    assert next(used) == 0
    used.close()
    assert threading.active_count() == before


@pytest.mark.gpu
def test_feeds_share_what_lies_in_a_gpus_memory() -> None:
    data, device = dataset(), torch.device("cuda:0")
    first, second = samples_of(data.train, device), samples_of(data.train, device)
    assert isinstance(first, OnDevice)
    assert first is second
    assert torch.equal(first.images(torch.arange(50)).cpu(), torch.from_numpy(data.train.images))
