"""What a training step takes, operation by operation: the global network and four local ones, beside the roofline.

The networks of ``python -m benchmarks.local_against_global`` (VGG of widths 64/128/256 on 32×32 px, 2×2, channels / N,
batch 128), trained by our loop on all cores: the global network in one process with all threads, the local ones in a
process a core, at the same time. Every operation of torch is timed where it is called; what is left of a step that
nobody watches is Python, autograd and the calls themselves. The machine must have been measured for the roofline:
``ddlab machine --measure``.

Run: ``python -m benchmarks.operations``; about half a minute on two quiet cores.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import torch
import torch.multiprocessing as mp
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.local_against_global import BATCH, SETTINGS, Part, parts_of, problem_of
from benchmarks.made import images, loop, seconds
from ddlab.analyses.comparison.roofline import roofline_table
from ddlab.machine import kept
from ddlab.models.work import OTHER

CALLS = "Python, autograd, calls"
KINDS = {  # the beginning of an operation's name: the kind of layer
    "convolution": "convolution",
    "native_batch_norm": "batch normalisation",
    "relu": "rectifier",
    "threshold": "rectifier",
    "max_pool": "pooling",
    "bmm": "fully connected",
    "mm": "fully connected",
    "addmm": "fully connected",
    "_fused": "optimizer",
    "_foreach": "optimizer",
}


class Clock(TorchDispatchMode):
    """Seconds of every operation, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = defaultdict(float)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        began = time.perf_counter()
        result = function(*args, **(kwargs or {}))
        name = str(function).removeprefix("aten.")
        kind = next((kind for start, kind in KINDS.items() if name.startswith(start)), OTHER)
        self.seconds[kind] += time.perf_counter() - began
        return result


def step_of(part: Part, threads: int, epochs: int) -> dict[str, float]:
    """Milliseconds of a step by kind, medians over epochs; what is left of an unwatched step is that of the calls."""
    torch.set_num_threads(threads)
    made = loop(part.network, part.boxes, images(part.num_images), SETTINGS.model_copy(update={"warm_up": 0}))
    plain, watched = [], []
    for epoch in range(1, epochs + 2):
        plain.append(seconds(lambda epoch=epoch: made.back_propagate(epoch, made.trainees)))
        with Clock() as clock:
            made.back_propagate(epoch, made.trainees)
        watched.append(clock.seconds)
    kinds = {kind: statistics.median(row[kind] for row in watched[1:]) for kind in watched[-1]}
    kinds[CALLS] = max(0.0, statistics.median(plain[1:]) - sum(kinds.values()))
    return {kind: 1e3 * value / made.feed.steps for kind, value in kinds.items()}


def _work(line: Connection, *what: Any) -> None:
    line.send(step_of(*what))


def at_once(parts: list[Part], threads: int, epochs: int) -> dict[str, float]:
    """Milliseconds of a step of all parts, each in a process; the mean over them, as they work side by side."""
    lines, found = [], []
    for part in parts:
        ours, theirs = mp.get_context("spawn").Pipe()
        mp.get_context("spawn").Process(target=_work, args=(theirs, part, threads, epochs), daemon=True).start()
        lines.append(ours)
    found = [line.recv() for line in lines]
    return {kind: statistics.fmean(each.get(kind, 0.0) for each in found) for kind in found[0]}


def least_of(batch_size: int) -> dict[str, dict[str, float]]:
    """Milliseconds of a step by kind that the roofline allows, updates with their layers; none where it is unknown."""
    if (machine := kept.this_machine()) is None:
        return {"global": {}, "local": {}}
    rows = roofline_table(problem_of("vgg3", 0), machine, batch_size, "kind").set_index("row")
    return {side: (1e3 * rows[f"{side}_seconds"]).to_dict() for side in ("global", "local")}


def table(found: Mapping[str, Mapping[str, float]], least: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Lines of Markdown: a row a kind, the global network and the local ones, each beside its roofline."""
    heads = ["ms a step", "global", "at least", "4 local", "at least", "ratio"]
    kinds = sorted({*found["global"], *found["local"]}, key=lambda kind: -found["local"].get(kind, 0.0))
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for kind in kinds:
        whole, local = (found[side].get(kind, 0.0) for side in ("global", "local"))
        lines.append(_row(kind, whole, local, *(least[side].get(kind) for side in ("global", "local"))))
    whole, local = (sum(found[side].values()) for side in ("global", "local"))
    return [*lines, _row("all", whole, local, *(sum(least[side].values()) or None for side in ("global", "local")))]


def _row(kind: str, whole: float, local: float, whole_least: float | None, local_least: float | None) -> str:
    least = ["–" if one is None else f"{one:.2f}" for one in (whole_least, local_least)]
    ratio = f"{whole / local:.1f}" if local else "–"
    return f"| {kind} | {whole:.2f} | {least[0]} | {local:.2f} | {least[1]} | {ratio} |"


def main() -> None:
    """Measure both sides, one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=1280)
    asked = parser.parse_args()
    problem = problem_of("vgg3", 0)
    parts, threads = parts_of(problem.global_network, problem.local_networks[0], problem.decomposition, asked.images)
    found = {side: at_once(parts[side], threads[side], asked.epochs) for side in parts}
    print("\n".join(table(found, least_of(BATCH))))


if __name__ == "__main__":
    main()
