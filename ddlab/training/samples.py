"""Samples of a split, by their numbers: from the memory-mapped file, or from the device's memory where they fit.

A GPU waits for images that come from a file batch by batch. A split that takes a small part of its free memory is
copied there once, as bytes; batches are then gathered, augmented, cut and normalised on the device. Of a larger one the
next batch is read while the device computes. On a processor neither gains anything.
"""

import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from ddlab.data.source import Split

MOST_OF_MEMORY = 0.25  # of a GPU's free memory, that one split may take

Item = TypeVar("Item")


class Samples(Protocol):
    """Images ``(B, C, *shape)`` as bytes, and labels ``(B,)``, on the device."""

    def images(self, indices: Tensor) -> Tensor: ...  # noqa: D102
    def labels(self, indices: Tensor) -> Tensor: ...  # noqa: D102


class FromFile:
    """Samples that are read when they are asked for: only these, of the memory-mapped file."""

    def __init__(self, split: Split, device: torch.device) -> None:
        self.split, self.device = split, device

    def images(self, indices: Tensor) -> Tensor:
        """Bytes ``(B, C, *shape)``."""
        return self._sent(self.split.images[indices.numpy()])

    def labels(self, indices: Tensor) -> Tensor:
        """Labels ``(B,)``."""
        return self._sent(self.split.labels[indices.numpy()])

    def _sent(self, values: np.ndarray) -> Tensor:
        read = torch.from_numpy(values)
        is_gpu = self.device.type == "cuda"  # which copies from pinned memory while it computes
        return (read.pin_memory() if is_gpu else read).to(self.device, non_blocking=is_gpu)


class OnDevice:
    """Samples that lie in the device's memory, one byte a value."""

    def __init__(self, split: Split, device: torch.device) -> None:
        self.split = split  # kept, so that its id names it as long as these samples are there
        self._images = torch.from_numpy(np.array(split.images)).to(device)
        self._labels = torch.from_numpy(np.array(split.labels)).to(device)

    def images(self, indices: Tensor) -> Tensor:
        """Bytes ``(B, C, *shape)``."""
        return self._images[indices.to(self._images.device, non_blocking=True)]

    def labels(self, indices: Tensor) -> Tensor:
        """Labels ``(B,)``."""
        return self._labels[indices.to(self._labels.device, non_blocking=True)]


_on_devices: "weakref.WeakValueDictionary[tuple[int, str], OnDevice]" = weakref.WeakValueDictionary()


def samples_of(split: Split, device: torch.device) -> Samples:
    """The samples of a split for a device; feeds that live at the same time share what lies in its memory."""
    if device.type != "cuda":
        return FromFile(split, device)
    key = id(split), str(device)
    if key not in _on_devices and split.images.nbytes > MOST_OF_MEMORY * torch.cuda.mem_get_info(device)[0]:
        return FromFile(split, device)
    shared = _on_devices.get(key) or OnDevice(split, device)
    _on_devices[key] = shared
    return shared


def one_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items; a thread makes the next one while the last one is used."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1, "batch ahead") as thread:
        coming = thread.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield cast(Item, item)
