"""Mean and standard deviation of images that are bytes: exact, from how often each value occurs."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from ddlab.parsed import undisturbed

BLOCK_BYTES = 64 * 2**20  # read at once

Moments = tuple[tuple[float, ...], tuple[float, ...]]


def histogram(images: np.ndarray) -> np.ndarray:
    """Count how often each of the 256 values occurs in each channel, ``(C, 256)``: exact for any number of images."""
    return np.stack([_counts(images[:, channel].ravel()) for channel in range(images.shape[1])])


def _counts(values: np.ndarray) -> np.ndarray:
    """Count in parts: numpy counts numbers of eight bytes, which large volumes must not become all at once."""
    parts = np.array_split(values, 1 + values.size // 2**20)
    return sum((np.bincount(part, minlength=256) for part in parts), np.zeros(256, np.int64))


def moments(counts: np.ndarray) -> Moments:
    """Mean and standard deviation of every channel on the scale 0..1, from a histogram ``(C, 256)``."""
    values = np.arange(256) / 255
    mean = counts @ values / counts.sum(axis=1)
    std = np.sqrt(np.maximum(counts @ values**2 / counts.sum(axis=1) - mean**2, 0))
    # A channel without contrast must not be divided by 0.
    return tuple(mean.tolist()), tuple(np.maximum(std, 1 / 255).tolist())


def moments_of_first(path: Path, count: int) -> Moments:
    """Mean and standard deviation of the first ``count`` images of an npy file; counted once a process."""
    return _moments_of_first(path, path.stat().st_mtime_ns, count)


@lru_cache(maxsize=32)
def _moments_of_first(path: Path, changed: int, count: int) -> Moments:
    images = undisturbed(lambda: np.load(path, mmap_mode="r"))[:count]
    step = max(1, BLOCK_BYTES // max(1, images[:1].nbytes))
    counts = sum(histogram(images[start : start + step]) for start in range(0, count, step))
    return moments(np.asarray(counts))
