"""Two workers against one, a thread each as the engine starts them: local networks, and a data parallel global one.

The limits are measured in the same round: the same work by two processes that know nothing of each other. They share
memory's bandwidth and the clock of the cores, as two workers do, and exchange nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

import torch
from torch.nn.parallel import DistributedDataParallel

from benchmarks.made import CLASSES, SHAPE, images, loop, seconds, started
from benchmarks.rows import Measure
from benchmarks.table import Sample
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.models.architecture import Network
from ddlab.models.spec import NetworkSpec
from ddlab.ranks import Ranks
from ddlab.registry.models import MODELS
from ddlab.training.batches import ImageFeed, Sharing

SETTINGS = TrainingSettings(epochs=1, learning_rate=1e-3, batch_size=128)
LOCAL_IMAGES, GLOBAL_IMAGES, QUICK = 2560, 1024, 4  # in a quick round a quarter of them
SIZE = 2
BOXES = Decomposition.from_grid(SHAPE, (2, 2)).subdomains
WHOLE = (Subdomain((0, 0), SHAPE),)
ALL, OWN, ALONE, TOGETHER = "all local networks", "half of them", "global network", "global network, data parallel"
PAIRS = {"workers_sharded": (ALL, OWN), "workers_data_parallel": (ALONE, TOGETHER)}


def networks() -> tuple[Network, Network]:
    """The local network of a VGG 64/128/256 (2×2, channels / N), and a global one of 32/64/128."""
    build, spec = MODELS["vgg3"].load(), NetworkSpec((3, *SHAPE), CLASSES, width=2.0)
    return build(spec.for_subimage(BOXES[0].shape, len(BOXES), "1/N")), build(replace(spec, width=1.0))


def data_parallel(network: Network, dataset: Dataset, ranks: Ranks) -> None:
    """An epoch of a network of which every rank has its part of the batches, as the strategy ``global`` trains it."""
    feed = ImageFeed(dataset, WHOLE, SETTINGS, Sharing(ranks, split_batches=True))
    alone = loop(network, WHOLE, dataset, SETTINGS)
    replace(alone, model=DistributedDataParallel(alone.model), feed=feed, ranks=ranks).run()


def rank(orders: Connection, number: int, port: int, share: int) -> None:
    """Do an epoch of what is told, by its name, until there is nothing more."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(SIZE)}
    torch.set_num_threads(1)
    ranks, (local, whole) = Ranks(number, SIZE), networks()
    ranks.join()
    many, few = (images(count // share, validation=SIZE) for count in (LOCAL_IMAGES, GLOBAL_IMAGES))
    half = len(BOXES) // SIZE
    work: dict[str, Callable[[], None]] = {
        ALL: lambda: loop(local, BOXES, many, SETTINGS).run(),
        OWN: lambda: loop(local, BOXES[number * half :][:half], many, SETTINGS).run(),
        ALONE: lambda: loop(whole, WHOLE, few, SETTINGS).run(),
        TOGETHER: lambda: data_parallel(whole, few, ranks),
    }
    while name := orders.recv():
        work[name]()
        orders.send("done")
    os._exit(0)


def epoch(lines: list[Connection], name: str) -> float:
    """Wall time of an epoch of some processes at the same time."""

    def together() -> None:
        for line in lines:
            line.send(name)
        for line in lines:
            line.recv()

    return seconds(together)


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Start two processes; a round is an epoch of one of them, of both together, and of both apart."""
    lines = started(rank, SIZE, QUICK if quick else 1)

    def measure() -> dict[str, Sample]:
        found = {}
        for row, (whole, shared) in PAIRS.items():
            one, two, apart = epoch(lines[:1], whole), epoch(lines, shared), epoch(lines, whole)
            parts = {"one, s": one, "two, s": two, "two apart, twice the work, s": apart}
            found[row] = Sample(one / two, SIZE * one / apart, parts)
        return found

    measure()  # the processes start
    yield measure
    for line in lines:
        line.send("")
