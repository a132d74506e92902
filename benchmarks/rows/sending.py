"""What two ranks really send a step: the coherent model, and the global network data parallel.

The system counts the bytes of every connection of a process (``TCP_INFO``), so what others send over the loopback
device does not disturb. The count beside it is of all ranks, too: of the coherent model n − 1 times the N·K outputs of
every image, each sent by the rank that has them to every other one; of an all-reduce among n ranks 2 (n − 1) gradients,
each of the n ranks sending 2 (n − 1) / n. So their ratio is the same for any number of ranks.
"""

import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

import torch
from torch.nn.parallel import DistributedDataParallel

from benchmarks.made import SHAPE, images, loop, started
from benchmarks.rows import Measure
from benchmarks.table import Sample
from ddlab.data.source import Dataset
from ddlab.decomposition import Subdomain
from ddlab.experiment import parse_experiment
from ddlab.models.coherent import CoherentModel, Placed
from ddlab.problem import Problem, assemble
from ddlab.ranks import Ranks
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.coherent import coherent_tasks
from ddlab.strategies.global_network import gradient_bytes
from ddlab.strategies.stage import shard
from ddlab.training.batches import GroupedFeed, ImageFeed, Sharing
from ddlab.training.loop import Loop
from ddlab.training.trainee import Trainee

STEPS, BATCH, SIZE = 4, 128, 2
ACKNOWLEDGED = 120  # offset of tcpi_bytes_acked in the system's struct tcp_info, eight bytes
ASKED = {
    "model": {"name": "vgg9", "reduction": "1/N"},
    "decomposition": {"grid": [2, 2]},
    "training": {"batch_size": BATCH},
}


def sent() -> int:
    """Bytes that this process has sent over all its connections, and that have arrived."""
    total = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as connection:
                if connection.type == socket.SOCK_STREAM and connection.family in (socket.AF_INET, socket.AF_INET6):
                    facts = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    total += struct.unpack_from("Q", facts, ACKNOWLEDGED)[0]
        except OSError:  # closed meanwhile
            continue
    return total


def coherent(problem: Problem, dataset: Dataset, ranks: Ranks) -> Loop:
    """Train the coherent model, as its strategy does."""
    settings = problem.experiment.training
    by_rank = shard(coherent_tasks(problem, 1), ranks.size)
    placed = Placed(ranks, by_rank, [by_rank[ranks.rank]])
    model = CoherentModel(problem.local_networks, dnn(problem), placed, "probabilities")
    trainee = Trainee(model.prepare("cpu", torch.float32), 0, None, settings)
    boxes = [problem.decomposition.subdomains[index] for index in by_rank[ranks.rank]]
    feed = GroupedFeed(dataset, [boxes], settings, Sharing(Ranks()))
    made = loop(problem.local_networks[0], boxes, dataset, settings)
    return replace(made, model=model, trainees=[trainee], feed=feed)


def data_parallel(problem: Problem, dataset: Dataset, ranks: Ranks) -> Loop:
    """Train the global network, as its strategy does."""
    settings, boxes = problem.experiment.training, [Subdomain((0, 0), SHAPE)]
    feed = ImageFeed(dataset, boxes, settings, Sharing(ranks, split_batches=True))
    made = loop(problem.global_network, boxes, dataset, settings)
    return replace(made, model=DistributedDataParallel(made.model), feed=feed, ranks=ranks)


WAYS: dict[str, Callable[[Problem, Dataset, Ranks], Loop]] = {"coherent": coherent, "data parallel": data_parallel}


def rank(answers: Connection, number: int, port: int) -> None:
    """Train an epoch of each way; answers with the bytes that this rank sent."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(SIZE)}
    torch.set_num_threads(1)
    ranks, dataset, problem = Ranks(number, SIZE), images(STEPS * BATCH), posed()
    ranks.join()
    found = {}
    for name, way in WAYS.items():
        made = way(problem, dataset, ranks)
        ranks.barrier()
        before = sent()
        made.back_propagate(1, made.trainees)
        ranks.barrier()
        found[name] = sent() - before
    answers.send(found)
    os._exit(0)


def posed() -> Problem:
    """The networks: CIFAR-10's shape."""
    return assemble(parse_experiment(ASKED), images(1).description)


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Nothing to prepare; a round is two ranks that train four steps of each."""

    def measure() -> dict[str, Sample]:
        by_rank = [line.recv() for line in started(rank, SIZE)]
        really = {name: sum(each[name] for each in by_rank) / STEPS for name in WAYS}
        problem = posed()
        outputs = BATCH * len(problem.decomposition) * problem.description.num_classes * problem.number_bytes
        counted = {"coherent": (SIZE - 1) * outputs, "data parallel": 2 * (SIZE - 1) * gradient_bytes(problem)}
        parts = {f"{name}, kB a step, sent": bytes_ / 1e3 for name, bytes_ in really.items()}
        parts |= {f"{name}, kB a step, counted": bytes_ / 1e3 for name, bytes_ in counted.items()}
        ratios = [each["data parallel"] / each["coherent"] for each in (really, counted)]
        return {"sending_coherent": Sample(ratios[0], ratios[1], parts)}

    yield measure
