"""The predictions of ``ddlab scale`` beside what one and two ranks of this machine take, send and hold.

Real runs, one a strategy and number of ranks, each rank a process with one thread: the best epoch, as all ceilings
are the best of several tries, the bytes that the loopback device carried from epoch to epoch (what gloo really sends,
with TCP's headers), and the largest resident memory of a rank beyond that of the same run with a network and batches
that need next to nothing. Four ranks on two cores would measure nothing but bytes: their times are those of cores
that are shared.

Run on a quiet machine: ``python -m benchmarks.scale --write``; two minutes. The machine must have been measured
(``ddlab machine --measure``). ``--ranks`` and ``--strategies`` measure some anew and keep the others; ``--table``
prints what is stored.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace
from typing import Any

import psutil

from benchmarks import stored
from ddlab.analyses.scale.machines import HERE, cluster_asked
from ddlab.analyses.scale.memory import stage_memory
from ddlab.analyses.scale.step import epoch_time
from ddlab.engine.control import stop_processes
from ddlab.engine.launch import launch
from ddlab.experiment import parse_experiment
from ddlab.machine import kept
from ddlab.problem import Problem, pose
from ddlab.runs import RunFolder
from ddlab.strategies.stage import Stage, strategy_stages

FILE = stored.RESULTS / "scale.json"
STRATEGIES = ("average", "global", "coherent", "layerwise")
ASKED: dict[str, Any] = {
    "dataset": {"name": "shapes_local", "size": 32, "train_images": 1024, "validation_images": 128},
    "decomposition": {"grid": [2, 2]},
    "model": {"name": "vgg3", "width": 1.0, "reduction": "1/N"},
    "training": {"epochs": 4, "batch_size": 128},
    "pipeline": {"modules": 2},
}
TINY = {"model.width": 0.1, "training.batch_size": 8, "dataset.train_images": 64}
PATIENCE, PAUSE = 90.0, 0.02  # seconds for a run, and between two looks at it


def measured(asked: dict[str, Any], strategy: str, ranks: int, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Seconds and loopback's bytes of an epoch, and the largest memory of a rank, of a run of one strategy."""
    placed = {"placement": {"workers": ranks, "devices": "cpu"}, "strategies": [strategy]}
    run = RunFolder.create(parse_experiment(asked | placed).with_settings(changes or {}))
    launch(run)
    counts, largest, began = [(0, loopback())], 0, time.monotonic()
    try:
        while run.state().is_live:
            assert time.monotonic() - began < PATIENCE, run.log()
            epochs = max((int(record["epoch"]) for record in run.metrics()), default=0)
            if epochs > counts[-1][0]:
                counts.append((epochs, loopback()))
            largest = max(largest, resident(run))
            time.sleep(PAUSE)
    finally:
        stop_processes(run)
    assert run.state().state == "finished", (run.failure(), run.log())
    (first, before), (last, after) = counts[1], counts[-1]
    return {
        "seconds": epoch_seconds(run),
        "bytes": (after - before) / max(1, last - first),
        "counted": sum(result.get("bytes_sent", 0) for result in run.results()),
        "memory": largest,
    }


def loopback() -> int:
    """Bytes that the loopback device has carried."""
    return psutil.net_io_counters(pernic=True)["lo"].bytes_sent


def resident(run: RunFolder) -> int:
    """Bytes of the largest process of a run."""
    sizes = [0]
    for process in run.processes():
        try:
            sizes.append(psutil.Process(process["pid"]).memory_info().rss)
        except psutil.Error:
            continue  # it has ended meanwhile
    return max(sizes)


def epoch_seconds(run: RunFolder) -> float:
    """Time of the best epoch of the slowest rank."""
    by_epoch: dict[int, float] = {}
    for record in run.metrics():
        by_epoch[record["epoch"]] = max(by_epoch.get(record["epoch"], 0.0), record["seconds"])
    return min(by_epoch.values())


def predicted(problem: Problem, stage: Stage, ranks: int) -> dict[str, float]:
    """The same numbers from the model; the time also at the roofline."""
    cluster = cluster_asked(problem, HERE, HERE, {})
    images = problem.experiment.training.batch_size
    assert stage.growth is not None
    growth, one = stage.growth(ranks, images), stage.growth(1, images)
    times = [epoch_time(growth, one, replace(cluster, least=least), ranks) for least in (False, True)]
    return {
        "seconds": times[0].seconds,
        "least": times[1].seconds,
        "bytes": times[0].sent_by_all,
        "memory": sum(stage_memory(problem, growth, cluster, ranks).values()),
    }


def row(strategy: str, ranks: int) -> dict[str, Any]:
    """Measure a strategy on so many ranks, and predict the same; of more ranks than cores bytes alone mean anything."""
    problem = pose(parse_experiment(ASKED | {"strategies": [strategy]}))
    stage = next(stage for stage in strategy_stages(problem, strategy) if stage.tasks)
    here = measured(ASKED, strategy, ranks)
    here["memory"] -= measured(ASKED, strategy, 1, TINY)["memory"]
    found = {"strategy": strategy, "ranks": ranks, "measured": here, "predicted": predicted(problem, stage, ranks)}
    print(found, flush=True)
    return found


def table(found: list[dict[str, Any]], cores: int) -> str:
    """Predicted, measured and their ratio, a line a strategy and number of ranks."""
    heads = "| strategy | ranks | epoch, s: predicted | measured | ratio | MB an epoch: predicted | sent | ratio "
    lines = [heads + "| MB held: predicted | measured | ratio |", "|---" * 11 + "|"]
    for row in found:
        cells = [row["strategy"], str(row["ranks"])]
        for name, unit in (("seconds", 1.0), ("bytes", 1e6), ("memory", 1e6)):
            pair = [row[kind][name] / unit for kind in ("predicted", "measured")]
            means_nothing = row["ranks"] > cores and name != "bytes"
            nothing_sent = name == "bytes" and not pair[0]
            cells += (
                ["–"] * 3
                if means_nothing or nothing_sent
                else [*(f"{x:.3g}" for x in pair), f"{pair[0] / pair[1]:.2f}"]
            )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and keep it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep it in {FILE.name}")
    parser.add_argument("--table", action="store_true", help="print what is stored")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    asked = parser.parse_args()
    kept_before = stored.read(FILE)
    if asked.table:
        print(table(kept_before["rows"], kept_before["cores"]))
        return
    machine = kept.this_machine()
    if machine is None or machine.link is None:
        raise SystemExit(f"{kept.not_here()} Measure it: ddlab machine --measure")
    with tempfile.TemporaryDirectory() as home:
        known = kept.file().read_bytes()
        os.environ["DDLAB_HOME"] = home
        kept.file().write_bytes(known)
        found = [row(strategy, ranks) for ranks in asked.ranks for strategy in asked.strategies]
    rows = {(each["ranks"], each["strategy"]): each for each in (*kept_before.get("rows", ()), *found)}
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (key[0], STRATEGIES.index(key[1])))]
    print(table(ordered, machine.threads))
    if asked.write:
        tree = {"machine": machine.plain(), "cores": machine.threads, "asked": ASKED, "rows": ordered}
        stored.write(FILE, tree)


if __name__ == "__main__":
    main()
