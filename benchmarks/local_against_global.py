"""How much less time the local phase takes than global training, and how much less work it is.

A network on 32×32 px against four local networks with a quarter of the channels on 16×16 px (reduction 1/N; 20×20 px
with ``--overlap 4``), batch 128, the same images, all cores: the global network in one process with all threads, the
local networks in one process a core with their own bank, as the engine starts them. ``vgg3`` has channels 64, 128, 256;
``resnet32`` is Gu et al.'s of Table 3.2, who measured a ratio of 2.3 to 2.7 on a GPU.

Run: ``python -m benchmarks.local_against_global``; about three minutes on two cores; with ``resnet32`` use
``--images 256 --rounds 3``, four minutes.
"""

import argparse
import statistics
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psutil
import torch
import torch.multiprocessing as mp

from benchmarks.made import CLASSES, SHAPE, images, loop, seconds
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.models import MODELS, NetworkSpec
from ddlab.models.architecture import Network
from ddlab.strategies.stage import Task, shard

SETTINGS = TrainingSettings(epochs=1, batch_size=128, learning_rate=1e-3)
WIDTHS = {"vgg3": 2.0, "resnet32": 1.0}  # channels 64, 128, 256 in both


@dataclass(frozen=True)
class Part:
    """What one process trains: a bank of equal networks, one a box, on so many images."""

    network: Network
    boxes: tuple[Subdomain, ...]
    num_images: int


def worker(orders: Connection, part: Part, threads: int) -> None:
    """Train for one epoch whenever told to, and say when it is done."""
    torch.set_num_threads(threads)
    dataset = images(part.num_images)
    while orders.recv():
        loop(part.network, part.boxes, dataset, SETTINGS).run()
        orders.send("done")


def team(parts: list[Part], threads: int) -> list[Connection]:
    """Start one process a part; gives the line to each."""
    lines = []
    for part in parts:
        ours, theirs = mp.get_context("spawn").Pipe()
        mp.get_context("spawn").Process(target=worker, args=(theirs, part, threads), daemon=True).start()
        lines.append(ours)
    return lines


def epoch(lines: list[Connection]) -> float:
    """Wall time of one epoch of all processes of a team."""

    def together() -> None:
        for line in lines:
            line.send(True)
        for line in lines:
            line.recv()

    return seconds(together)


def main() -> None:
    """Measure in turns, print both ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", choices=WIDTHS, default="vgg3")
    parser.add_argument("--overlap", type=int, default=0)
    arguments = parser.parse_args()
    decomposition = Decomposition.from_grid(SHAPE, (2, 2), arguments.overlap)
    spec, build = NetworkSpec((3, *SHAPE), CLASSES, width=WIDTHS[arguments.model]), MODELS[arguments.model].load()
    whole = build(spec)
    local = build(spec.for_subimage(decomposition.subdomains[0].shape, len(decomposition), "1/N"))
    cores = len(psutil.Process().cpu_affinity())
    shares = shard(tuple(Task("", local.flops()) for _ in decomposition), min(cores, len(decomposition)))
    parts = [
        Part(local, tuple(decomposition.subdomains[index] for index in share), arguments.images) for share in shares
    ]
    teams = {
        "global": team([Part(whole, (Subdomain((0, 0), SHAPE),), arguments.images)], cores),
        "local": team(parts, max(1, cores // len(shares))),
    }
    for lines in teams.values():
        epoch(lines)
    times = [{name: epoch(lines) for name, lines in teams.items()} for _ in range(arguments.rounds)]
    for line in (line for lines in teams.values() for line in lines):
        line.send(False)
    slow, fast = (statistics.median(row[name] for row in times) for name in ("global", "local"))
    work = whole.flops() / (len(decomposition) * local.flops())
    steps = -(-arguments.images // SETTINGS.batch_size)
    print(
        f"{arguments.model}, overlap {arguments.overlap} px, cores {cores}, {arguments.images} images, "
        f"{steps} steps of {SETTINGS.batch_size}, {arguments.rounds} rounds"
    )
    print(f"operations, forward, one image: global {whole.flops() / 1e6:.1f} M, local 4 × {local.flops() / 1e6:.2f} M")
    print(f"work ratio by count of operations   {work:5.1f}")
    print(f"time ratio, median {slow:.2f} s / {fast:.2f} s   {slow / fast:5.1f}")
    print("of each round: " + ", ".join(f"{row['global'] / row['local']:.1f}" for row in times))


if __name__ == "__main__":
    main()
