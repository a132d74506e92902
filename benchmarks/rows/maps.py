"""Class activation maps against captum and pytorch-grad-cam, as :mod:`benchmarks.cam` compares them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmarks import cam
from benchmarks.rows import Measure
from benchmarks.table import Sample

NETWORKS = ("resnet20", "vgg3")
IMAGES, QUICK = 64, 32
ROUNDS = 2  # in a round of ours: other ways take turns within


def ratios(name: str, num_images: int) -> dict[str, Sample]:
    """The rows of one network; those of a package that is not there are left out."""
    found = cam.measure(name, num_images, ROUNDS)
    one, every = found["one class"], found["all classes"]
    of = {"one": (one, cam.BATCH, cam.CONVOLUTIONS), "all": (every, cam.BATCH, cam.FORWARD)}
    if cam.GradCAM:
        of["other"] = every, cam.OTHER, cam.FORWARD
    samples = {}
    for row, (ways, other, floor) in of.items():
        theirs = ways[other]["times"]
        parts = {"ours, ms": ways[cam.OURS]["milliseconds"], "theirs, ms": ways[other]["milliseconds"]}
        samples[f"maps_{row}_{name}"] = Sample(theirs, theirs / ways[floor]["times"], parts)
    return samples


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """One core; equal values are checked in every round."""
    torch.set_num_threads(1)

    def measure() -> dict[str, Sample]:
        found = [ratios(name, QUICK if quick else IMAGES) for name in NETWORKS]
        return {row: sample for each in found for row, sample in each.items()}

    yield measure
