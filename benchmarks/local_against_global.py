"""How much less time the local phase takes than global training, and how much less work it is.

A network on 32×32 px against four local networks with a quarter of the channels on 16×16 px (reduction 1/N; 20×20 px
with ``--overlap 4``), the same images, all cores: the global network in one process with all threads, the
local networks in one process a core with their own bank, as the engine starts them. ``vgg3`` has channels 64, 128, 256;
``resnet32`` is Gu et al.'s of Table 3.2, who measured a ratio of 2.0 to 2.9 on a GPU; its row stands beside ours.

Beside every ratio stands what this machine allows: the roofline's, and that of the best times of torch's own
operations (:mod:`ddlab.analyses.comparison.roofline`), with how near we are. The machine must have been measured for
that, while it was quiet: ``ddlab machine --measure``.

Run: ``python -m benchmarks.local_against_global``; about three minutes on two cores. The batch sizes of Table 3.2:
``--model resnet32 --batch-sizes 32 128 512 --images 512 --rounds 3 [--overlap 4] [--augment]``; half an hour and 8 GiB;
2048 and 8192 need as many images, and memory in proportion.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Table 3.2.
"""

import argparse
import os
import statistics
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psutil
import torch
import torch.multiprocessing as mp

from benchmarks.made import SHAPE, images, loop, seconds
from ddlab.analyses.comparison.roofline import Limit, limit
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.engine.waiter import heap
from ddlab.experiment import TrainingSettings, parse_experiment
from ddlab.machine import kept
from ddlab.models.architecture import Network
from ddlab.problem import Problem, assemble
from ddlab.strategies.stage import Task, shard

SETTINGS = TrainingSettings(epochs=1, learning_rate=1e-3)
WIDTHS = {"vgg3": 2.0, "resnet32": 1.0}  # channels 64, 128, 256 in both
BATCH = 128  # images a step
OVERLAP = 4  # pixels of the paper: subimages of 20×20
TABLE_3_2 = {  # ratio of the times for 10 epochs: with overlap, without; then both with data augmentation
    32: (2.25, 2.46, 2.37, 2.52),
    128: (2.56, 2.71, 2.47, 2.60),
    512: (2.42, 2.75, 2.14, 2.43),
    2048: (2.19, 2.71, 1.98, 2.00),
    8192: (2.25, 2.88, 2.01, 2.14),  # at 16,384 and 32,768 the paper's global network did not fit
}
Teams = dict[str, list[Connection]]


@dataclass(frozen=True)
class Part:
    """What one process trains: a bank of equal networks, one a box, on so many images."""

    network: Network
    boxes: tuple[Subdomain, ...]
    num_images: int


def worker(orders: Connection, part: Part, threads: int) -> None:
    """Train for one epoch whenever told to, with the settings that are sent, and say when it is done."""
    torch.set_num_threads(threads)
    dataset = images(part.num_images)
    while settings := orders.recv():
        loop(part.network, part.boxes, dataset, settings).run()
        orders.send("done")


def team(parts: list[Part], threads: int) -> list[Connection]:
    """Start one process a part; gives the line to each."""
    lines = []
    for part in parts:
        ours, theirs = mp.get_context("spawn").Pipe()
        mp.get_context("spawn").Process(target=worker, args=(theirs, part, threads), daemon=True).start()
        lines.append(ours)
    return lines


def epoch(lines: list[Connection], settings: TrainingSettings) -> float:
    """Wall time of one epoch of all processes of a team."""

    def together() -> None:
        for line in lines:
            line.send(settings)
        for line in lines:
            line.recv()

    return seconds(together)


def problem_of(model: str, overlap: int) -> Problem:
    """The global network on the whole image and the local ones on its quarters."""
    tree = {
        "model": {"name": model, "width": WIDTHS[model], "reduction": "1/N"},
        "decomposition": {"grid": (2, 2), "overlap": overlap},
    }
    return assemble(parse_experiment(tree), images(1).description)


def parts_of(
    whole: Network, local: Network, decomposition: Decomposition, num_images: int
) -> tuple[dict[str, list[Part]], dict[str, int]]:
    """What each process of both sides trains, and with how many threads: one a core, or one process with all cores."""
    cores, boxes = len(psutil.Process().cpu_affinity()), decomposition.subdomains
    shares = shard(tuple(Task("", local.flops()) for _ in boxes), min(cores, len(boxes)))
    parts = {
        "global": [Part(whole, (Subdomain((0, 0), SHAPE),), num_images)],
        "local": [Part(local, tuple(boxes[index] for index in share), num_images) for share in shares],
    }
    return parts, {"global": cores, "local": max(1, cores // len(shares))}


def teams_of(whole: Network, local: Network, decomposition: Decomposition, asked: argparse.Namespace) -> Teams:
    """The processes that train the global network, and those that train the local networks: as many as cores."""
    parts, threads = parts_of(whole, local, decomposition, asked.images)
    return {side: team(parts[side], threads[side]) for side in parts}


def in_turns(teams: Teams, settings: TrainingSettings, rounds: int) -> list[dict[str, float]]:
    """Seconds of an epoch of both teams, a row a round; one round before them warms up."""
    return [{name: epoch(lines, settings) for name, lines in teams.items()} for _ in range(rounds + 1)][1:]


def theirs(asked: argparse.Namespace, batch_size: int) -> str:
    """The paper's ratio for this batch size, where it has one."""
    ratios = TABLE_3_2.get(batch_size) if asked.model == "resnet32" and asked.overlap in (0, OVERLAP) else None
    return "–" if ratios is None else f"{ratios[2 * asked.augment + (asked.overlap == 0)]:.2f}"


def limit_of(asked: argparse.Namespace, batch_size: int) -> Limit | None:
    """What this machine allows for the same networks; None where it was not measured."""
    machine = kept.this_machine()
    return None if machine is None else limit(problem_of(asked.model, asked.overlap), machine, batch_size)


def near(ratio: float, allowed: float | None) -> str:
    """A limit, and the share of it that was reached."""
    return "–" if allowed is None else f"{allowed:.1f} ({ratio / allowed:.0%})"


def main() -> None:
    """Measure in turns, print a row a batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", choices=WIDTHS, default="vgg3")
    parser.add_argument("--overlap", type=int, default=0)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[BATCH])
    parser.add_argument("--augment", action="store_true", help="flip and shift the images, as the paper")
    asked = parser.parse_args()
    problem = problem_of(asked.model, asked.overlap)
    whole, local, decomposition = problem.global_network, problem.local_networks[0], problem.decomposition
    moved = {"flip": True, "shift": 0.1} if asked.augment else {}
    print(
        f"{asked.model}, overlap {asked.overlap} px, {len(psutil.Process().cpu_affinity())} cores, {asked.images} "
        f"images{', flipped and shifted' * asked.augment}, {asked.rounds} rounds"
    )
    print(f"operations, forward, one image: global {whole.flops() / 1e6:.1f} M, local 4 × {local.flops() / 1e6:.2f} M")
    print(f"work ratio by count of operations {whole.flops() / (len(decomposition) * local.flops()):.1f}\n")
    if (machine := kept.this_machine()) is None:
        print(f"{kept.not_here()} Measure it: ddlab machine --measure\n")
    else:
        print(f"limits: {machine.name}, measured {machine.measured[:10]}. {kept.beware(machine)}\n")
    heads = (
        "batch size",
        "global, s",
        "4 local, s",
        "ratio",
        "rounds",
        "roofline (reached)",
        "best of torch (reached)",
    )
    print(f"| {' | '.join(heads)} | the paper's ratio |\n{'|---' * (len(heads) + 1)}|")
    os.environ |= heap(os.environ)  # as trainings have it; the processes below read it when they start
    teams = teams_of(whole, local, decomposition, asked)
    for batch_size in asked.batch_sizes:
        settings = SETTINGS.model_copy(update={"batch_size": batch_size, **moved})
        times = in_turns(teams, settings, asked.rounds)
        slow, fast = (statistics.median(row[name] for row in times) for name in ("global", "local"))
        ratios = [row["global"] / row["local"] for row in times]
        cells = f"{slow:.2f} | {fast:.2f} | {slow / fast:.2f} | {min(ratios):.2f} to {max(ratios):.2f}"
        found = limit_of(asked, batch_size)
        limits = [near(slow / fast, found and found.allowed), near(slow / fast, found and found.best)]
        print(f"| {batch_size} | {cells} | {' | '.join(limits)} | {theirs(asked, batch_size)} |", flush=True)
    for line in (line for lines in teams.values() for line in lines):
        line.send(None)


if __name__ == "__main__":
    main()
