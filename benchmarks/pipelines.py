"""A pipeline on two ranks: measured steps beside the simulation from the measured times of its modules.

``python -m benchmarks.pipelines`` trains a balanced network of more than 1 GFLOP a forward pass for some steps with
every schedule, on two ranks of one thread each, and takes the median of the traced steps; ``--write`` keeps the numbers
in ``benchmarks/results/pipelines.json``. About three minutes on two quiet cores; on busy ones ranks wait for cores, not
for each other, and the comparison says nothing: ``--rounds`` repeats everything in turn, and the fastest median counts.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.distributed
from torch import multiprocessing
from torch.nn.functional import cross_entropy

from benchmarks import stored
from ddlab.models.architecture import Network
from ddlab.models.spec import NetworkSpec
from ddlab.pipeline.model import PipelineModel
from ddlab.pipeline.partition import partition
from ddlab.pipeline.placement import Placement, place
from ddlab.pipeline.runtime import Clock, make_runtime
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.pipeline.trace import Step, joined, predicted_step, recorded_step, trace_record
from ddlab.ranks import Ranks
from ddlab.registry.models import MODELS

RESULTS = Path(__file__).parent / "results" / "pipelines.json"
MODEL, WIDTH, BATCH, MICRO_BATCHES, RANKS = "resnet18", 1.0, 32, 8, 2
WARM_UP, STEPS = 2, 5


def network() -> Network:
    """ResNet18 for 32 px: 1.1 GFLOP a forward pass of one image."""
    built: Network = MODELS[MODEL].load()(NetworkSpec((3, 32, 32), 10, width=WIDTH))
    return built


def placement(schedule: str) -> Placement:
    """Two modules of equal cost, or four where a rank has several."""
    modules = RANKS * SCHEDULES[schedule].least_chunks
    return place(partition(network(), modules), schedule, RANKS, MICRO_BATCHES)


def traced_steps(ranks: Ranks, schedule: str, steps: int) -> list[Step]:
    """Trace steps of a schedule on this rank."""
    torch.manual_seed(0)
    model = PipelineModel(placement(schedule), ranks).prepare("cpu", torch.float32).train()
    clock = Clock(torch.device("cpu"))
    runtime = make_runtime(model, clock)
    inputs, labels = torch.randn(BATCH, 3, 32, 32), torch.arange(BATCH) % 10
    traced = []
    for number in range(WARM_UP + steps):
        ranks.barrier()
        clock.begin()
        runtime.step(inputs, labels, lambda said, right: cross_entropy(said, right, reduction="sum") / BATCH)
        step = clock.end()
        if number >= WARM_UP:
            traced.append(step)
    return traced


def rank_main(rank: int, folder: str, rounds: int) -> None:
    """Trace every schedule in turn, as often as there are rounds; one thread a rank."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=RANKS)
    ranks = Ranks(rank, RANKS)
    for number in range(rounds):
        for schedule in SCHEDULES:
            everywhere = ranks.gather(traced_steps(ranks, schedule, STEPS))
            if rank == 0:
                steps = [joined(parts) for parts in zip(*everywhere, strict=True)]
                record = trace_record(placement(schedule), steps, 1, BATCH, 4)
                Path(folder, f"{schedule}-{number}.json").write_text(json.dumps(record), encoding="utf-8")
    ranks.barrier()
    os._exit(0)  # gloo's threads abort one interpreter in seven that ends in the ordinary way


def measure(rounds: int) -> dict[str, Any]:
    """Measure every schedule: of its rounds, that of the fastest median step counts."""
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(rank_main, (folder, rounds), RANKS)  # type: ignore[attr-defined, no-untyped-call]
        told = {
            name: [json.loads(Path(folder, f"{name}-{number}.json").read_text("utf-8")) for number in range(rounds)]
            for name in SCHEDULES
        }
    best = {name: min(records, key=lambda record: median(record["steps"])) for name, records in told.items()}
    base = median(best["sequential"]["steps"])
    found: dict[str, Any] = {}
    for name, record in best.items():
        ran, predicted, taken = recorded_step(record), predicted_step(record), median(record["steps"])
        found[name] = {
            "seconds": taken,
            "predicted": predicted.makespan,
            "over": taken / predicted.makespan - 1,
            "bubble": ran.bubble,
            "predicted_bubble": predicted.bubble,
            "over_sequential": base / taken,
            "all_rounds": [median(each["steps"]) for each in told[name]],
        }
    return {"model": MODEL, "gflops": network().flops() / 1e9, "batch": BATCH, "micro_batches": MICRO_BATCHES} | {
        "schedules": found
    }


def table(measured: dict[str, Any]) -> str:
    """Write the measurement as a Markdown table."""
    rows = [
        f"| {SCHEDULES[name].title} | {1000 * row['seconds']:.0f} | {1000 * row['predicted']:.0f} "
        f"| {row['over']:+.1%} | {row['bubble']:.1%} | {row['predicted_bubble']:.1%} | {row['over_sequential']:.2f} |"
        for name, row in measured["schedules"].items()
    ]
    head = "| schedule | step, ms | simulated, ms | difference | bubble | simulated | over sequential |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def main() -> None:
    """Measure and print; keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="times that every schedule is measured")
    parser.add_argument("--write", action="store_true", help="keep the numbers in benchmarks/results")
    asked = parser.parse_args()
    measured = measure(asked.rounds)
    print(table(measured))
    if asked.write:
        stored.write(RESULTS, measured)


if __name__ == "__main__":
    main()
