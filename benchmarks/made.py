"""What the benchmarks share: a made data set, a loop over it, and medians of repeated timings."""

import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

import numpy as np
import torch
import torch.multiprocessing as mp

from ddlab.data.source import Dataset, Description, Split
from ddlab.decomposition import Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.models.architecture import Network
from ddlab.models.bank import Bank
from ddlab.ranks import Ranks
from ddlab.training.batches import ImageFeed, Sharing
from ddlab.training.loop import Loop
from ddlab.training.trainee import Trainee

SHAPE = (32, 32)
CLASSES = 10


def images(number: int, validation: int = 1) -> Dataset:
    """Random RGB images of 32×32 px: time does not depend on what they show."""
    random = np.random.default_rng(0)

    def split(size: int) -> Split:
        return Split(random.integers(0, 256, (size, 3, *SHAPE), dtype=np.uint8), random.integers(0, CLASSES, size))

    names = tuple(str(number) for number in range(CLASSES))
    description = Description(names, 3, SHAPE, number, validation, "made", "none")
    return Dataset(description, split(number), split(validation), (0.5,) * 3, (0.25,) * 3)


def loop(
    network: Network, boxes: Sequence[Subdomain], dataset: Dataset, settings: TrainingSettings, device: str = "cpu"
) -> Loop:
    """Training of one bank of equal networks, one a box, as the strategies do it."""
    bank = Bank(network, len(boxes)).prepare(device, torch.float32)
    trainees = [Trainee(bank, index, index, settings) for index in range(len(boxes))]
    ranks = Ranks(device=device)
    feed = ImageFeed(dataset, boxes, settings, Sharing(ranks))
    return Loop("bench", 0, bank, trainees, feed, settings, ranks, lambda r: None, lambda: None, lambda: None)


def started(rank: Callable[..., None], size: int, *more: object) -> list[Connection]:
    """Start the ranks of a benchmark, each a fresh process that calls ``rank(line, number, port, *more)``.

    Returns
    -------
    list
        A line to each of them; ``port`` is a free one of this machine, to meet at.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fresh, lines = mp.get_context("spawn"), []
    for number in range(size):
        ours, theirs = fresh.Pipe()
        fresh.Process(target=rank, args=(theirs, number, port, *more), daemon=True).start()
        theirs.close()
        lines.append(ours)
    return lines


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(prepares: Sequence[Callable[[], Callable[[], object]]], rounds: int) -> list[list[float]]:
    """Wall times a work and round, taken in turns so that noise hits all alike; preparing is not timed."""
    for prepare in prepares:
        prepare()()
    times = [[seconds(prepare()) for prepare in prepares] for _ in range(rounds)]
    return [list(column) for column in zip(*times, strict=True)]
