"""Reading, augmenting, cutting and normalising: the share of a step in which nothing is learned, on one core.

The limit: every byte of an image is read once and every number written once, at the bandwidth of memory beyond the
caches that ``ddlab machine --measure`` found for one thread.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmarks.made import CLASSES, SHAPE, images, loop, seconds
from benchmarks.rows import Measure
from benchmarks.table import Sample
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.machine import kept
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

SETTINGS = TrainingSettings(epochs=1, batch_size=128, flip=True, shift=0.125)
IMAGES, QUICK = 1280, 512
BYTES = 1 + 4  # of a value: read as a byte, written as a number


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Make two trainings; a round is an epoch of each, and its batches without training."""
    torch.set_num_threads(1)
    dataset, machine = images(QUICK if quick else IMAGES), kept.this_machine()
    boxes, spec = Decomposition.from_grid(SHAPE, (2, 2)).subdomains, NetworkSpec((3, *SHAPE), CLASSES)
    local = MODELS["cnn"].load()(spec.for_subimage(boxes[0].shape, len(boxes), "1/N"))
    loops = {
        "feeding_local_cnn": loop(local, boxes, dataset, SETTINGS),
        "feeding_global_vgg3": loop(MODELS["vgg3"].load()(spec), (Subdomain((0, 0), SHAPE),), dataset, SETTINGS),
    }
    moved = len(dataset.train) * 3 * math.prod(SHAPE) * BYTES
    least = moved / machine.rates[1].memory if machine else None

    def measure() -> dict[str, Sample]:
        found = {}
        for row, each in loops.items():
            fed = seconds(lambda each=each: [None for _ in each.feed.train(0)])
            epoch = seconds(lambda each=each: each.back_propagate(1, each.trainees))
            parts = {"feeding, ms a step": 1e3 * fed / each.feed.steps, "a step, ms": 1e3 * epoch / each.feed.steps}
            found[row] = Sample(100 * fed / epoch, least and 100 * least / epoch, parts)
        return found

    measure()
    measure()
    yield measure
