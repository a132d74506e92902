"""Runs as a user starts them, on one rank and on two: their first record, their sharded stage, their checkpoints.

The limit of the start is measured in the same round: as many bare interpreters that import torch and, where there are
two, meet; and the first epoch, as its record says what it took.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.made import seconds
from benchmarks.rows import Measure
from benchmarks.table import Sample
from ddlab.data.cache import prepare
from ddlab.engine.control import stop_processes
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder

EPOCHS, QUICK = 12, 4
POLL, PATIENCE = 0.02, 200.0  # seconds
REST = 0.3  # seconds between two looks once it trains: whoever looks takes the time of a rank
BARE = """
import os, sys, torch
rank, size, port = map(int, sys.argv[1:])
if size > 1:
    import torch.distributed as distributed
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    distributed.barrier()
os._exit(0)
"""


def bare(size: int) -> None:
    """So many interpreters that import torch and meet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    commands = [[sys.executable, "-c", BARE, str(rank), str(size), str(port)] for rank in range(size)]
    for process in [subprocess.Popen(command) for command in commands]:
        if process.wait():
            raise RuntimeError(f"a bare interpreter ended with code {process.returncode}")


def asked(workers: int, epochs: int) -> Experiment:
    """The demonstration's local networks."""
    changes = {"strategies": ["average"], "training.epochs": epochs, "placement.workers": workers}
    return RECIPES["demo"]().with_settings({**changes, "placement.devices": "cpu"})


def trained(experiment: Experiment) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from asking for a run to its first record, and all its records of local networks."""
    began = time.perf_counter()
    run = RunFolder.create(experiment)
    launch(run)
    try:
        while not run.metrics():
            _check(run, began, POLL)
        first = time.perf_counter() - began
        while run.state().is_live:
            _check(run, began, REST)
    finally:
        stop_processes(run)
    if run.state().state != "finished":
        raise RuntimeError(f"run {run.id} {run.state().state}: {run.state().message}")
    return first, [dict(record) for record in run.metrics() if record["stage"] == "local"]


def _check(run: RunFolder, began: float, pause: float) -> None:
    if time.perf_counter() - began > PATIENCE:
        raise RuntimeError(f"run {run.id}: not done after {PATIENCE:.0f} s; {run.log()[-500:]}")
    time.sleep(pause)


def stage_seconds(records: list[dict[str, Any]]) -> float:
    """From the beginning of the first epoch to the last record, over all ranks."""
    return max(record["time"] for record in records) - min(record["time"] - record["seconds"] for record in records)


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Decode the images; a round is a run on one rank and a run on two."""
    epochs = QUICK if quick else EPOCHS
    prepare(asked(1, epochs).dataset)

    def measure() -> dict[str, Sample]:
        found, stages = {}, {}
        for workers in (1, 2):
            least = seconds(lambda workers=workers: bare(workers))
            first, records = trained(asked(workers, epochs))
            epoch = records[0]["seconds"]
            parts = {"bare interpreters, s": least, "first epoch, s": epoch}
            found[f"start_{workers}"] = Sample(first, least + epoch, parts)
            stages[workers] = stage_seconds(records)
            if workers == 1:
                spent, own = records[-1]["checkpoint_seconds"], records[-1]["subdomain"]
                trainings = sum(record["seconds"] for record in records if record["subdomain"] == own)
        parts = {"one, s": stages[1], "two, s": stages[2]}
        found["workers_of_a_run"] = Sample(stages[1] / stages[2], 2.0, parts)
        setting = 100 * asked(1, epochs).placement.checkpoint_overhead
        parts = {"checkpoints, s": spent, "training, s": trainings}
        found["checkpoints"] = Sample(100 * spent / (trainings + spent), setting, parts)
        return found

    yield measure
