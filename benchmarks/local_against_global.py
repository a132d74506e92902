"""How much less time the local phase takes than global training, and how much less work it is.

VGG3 with channels 64, 128, 256 on 32×32 px against four local networks with a quarter of the channels on 16×16 px
(reduction 1/N), batch 128, the same images, all cores: the global network in one process with all threads, the local
networks in one process a core with their own bank, as the engine starts them.

Run: ``python -m benchmarks.local_against_global``; about three minutes on two cores.
"""

import argparse
import statistics
from multiprocessing.connection import Connection

import psutil
import torch
import torch.multiprocessing as mp

from benchmarks.made import CLASSES, SHAPE, images, loop, seconds
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.models import MODELS, NetworkSpec
from ddlab.strategies.stage import Task, shard

SETTINGS = TrainingSettings(epochs=1, batch_size=128, learning_rate=1e-3)
DECOMPOSITION = Decomposition.from_grid(SHAPE, (2, 2))
SPEC = NetworkSpec((3, *SHAPE), CLASSES, width=2)
GLOBAL = MODELS["vgg3"].load()(SPEC)
LOCAL = MODELS["vgg3"].load()(SPEC.for_subimage((16, 16), 4, "1/N"))


def worker(orders: Connection, subdomains: list[int], threads: int, num_images: int) -> None:
    """Train a share of the networks for one epoch whenever told to, and say when it is done."""
    torch.set_num_threads(threads)
    dataset = images(num_images)
    if subdomains:
        network, boxes = LOCAL, [DECOMPOSITION.subdomains[index] for index in subdomains]
    else:
        network, boxes = GLOBAL, [Subdomain((0, 0), SHAPE)]
    while orders.recv():
        loop(network, boxes, dataset, SETTINGS).run()
        orders.send("done")


def team(shares: list[list[int]], threads: int, num_images: int) -> list[Connection]:
    """Start one process a share; gives the line to each."""
    lines = []
    for share in shares:
        ours, theirs = mp.get_context("spawn").Pipe()
        mp.get_context("spawn").Process(target=worker, args=(theirs, share, threads, num_images), daemon=True).start()
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
    arguments = parser.parse_args()
    cores = len(psutil.Process().cpu_affinity())
    shares = shard(tuple(Task("", LOCAL.flops()) for _ in DECOMPOSITION), min(cores, len(DECOMPOSITION)))
    teams = {
        "global": team([[]], cores, arguments.images),
        "local": team(shares, max(1, cores // len(shares)), arguments.images),
    }
    for lines in teams.values():
        epoch(lines)
    times = [{name: epoch(lines) for name, lines in teams.items()} for _ in range(arguments.rounds)]
    for line in (line for lines in teams.values() for line in lines):
        line.send(False)
    whole, parts = (statistics.median(row[name] for row in times) for name in ("global", "local"))
    work = GLOBAL.flops() / (len(DECOMPOSITION) * LOCAL.flops())
    steps = -(-arguments.images // SETTINGS.batch_size)
    print(
        f"cores {cores}, {arguments.images} images, {steps} steps of {SETTINGS.batch_size}, {arguments.rounds} rounds"
    )
    print(f"operations, forward, one image: global {GLOBAL.flops() / 1e6:.1f} M, local 4 × {LOCAL.flops() / 1e6:.2f} M")
    print(f"work ratio by count of operations   {work:5.1f}")
    print(f"time ratio, median {whole:.2f} s / {parts:.2f} s   {whole / parts:5.1f}")
    print("of each round: " + ", ".join(f"{row['global'] / row['local']:.1f}" for row in times))


if __name__ == "__main__":
    main()
