"""Seconds until a page has what it asked for, by a fresh interpreter and by the warm process, and a run a first record.

Two small runs are trained: the images of the demonstration (32×32 px), and drawn chest scans of 32×32×16 voxels. Then
what their pages ask is asked as the pages do: class activation maps, the theorems (where the run has a composed
network), an ONNX file, a torch.export file. Each by a fresh interpreter and, once it has learned from its rehearsal, by
the warm process, of which it says whether the files are the same byte for byte.
Of a training, ``launch`` is the time until it is in the queue, and ``first record`` that until its first epoch is
written, from the moment that somebody asked.

Medians of wall time, which says little on a busy machine: ``load`` is kept beside it.

Run: ``python -m benchmarks.answers --write``; about five minutes on two quiet cores.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks import stored
from benchmarks.made import seconds
from ddlab import subcommand
from ddlab.engine.control import cancel
from ddlab.engine.follow import follow
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder
from ddlab.warm import asking, place

RESULTS = stored.RESULTS / "answers.json"
WARM = "onnx_cpp2py_export"  # a library that the warm process has mapped when it has learned from its rehearsal
PATIENCE = 600.0
SETTLED = 3.0  # seconds in which the warm process did nothing
EXPORTS = {"onnx": ".onnx", "torch.export": ".pt2"}


def experiments() -> dict[str, Experiment]:
    """The runs that are asked about: one epoch, as time does not depend on what the networks have learned."""
    short = {"training.epochs": 1, "model.reduction": "1/N"}
    images = short | {"strategies": ["global", "cnn_dnn", "composed"]}
    scans = short | {"strategies": ["global", "cnn_dnn"], "dataset.train_images": 40, "dataset.validation_images": 16}
    return {
        "32×32 px": RECIPES["demo"]().with_settings(images),
        "32×32×16 voxels": RECIPES["ct_phantom"]().with_settings(scans),
    }


def trained(experiment: Experiment) -> RunFolder:
    """Train it, and wait for the end."""
    run = RunFolder.create(experiment)
    launch(run)
    follow(run, lambda line: None, detailed=False)
    assert run.state().state == "finished", run.state().message
    return run


def questions(run: RunFolder) -> dict[str, list[str]]:
    """Commands by what they answer, without their files."""
    asked = {"maps": ["maps", run.id, "--images", "0-3"]}
    if "composed" in run.experiment.strategies:
        asked["theorems"] = ["verify", run.id]
    exports = {name: ["export-network", run.id, "--network", "global", "--format", name] for name in EXPORTS}
    return asked | exports


def warmed() -> psutil.Process:
    """Start the warm process, and wait until it has nothing more to learn."""
    subcommand.expect()
    process = psutil.Process(asking._started[-1].pid)
    deadline, maps, quiet = time.monotonic() + PATIENCE, Path(f"/proc/{process.pid}/maps"), 0
    while quiet < SETTLED:
        assert time.monotonic() < deadline and process.status() != psutil.STATUS_ZOMBIE, "it does not get warm"
        busy = process.cpu_percent(0.5) > 2
        quiet = 0 if busy or WARM not in maps.read_text() else quiet + 0.5
    return process


def answered(command: Sequence[str], out: Path, warm: bool) -> float:
    """Ask once; gives the seconds, and fails where another than was meant answered."""
    os.environ[place.SWITCH] = "1" if warm else "0"
    environment = subcommand.environment()

    def ask() -> None:
        if warm:
            answer = asking.ask([*command, "--out", str(out)], environment)
            assert answer and answer.returncode == 0, answer
        else:
            subcommand.run_subcommand([*command, "--out", str(out)])

    return seconds(ask)


def answers(run: RunFolder, rounds: int, folder: Path) -> dict[str, dict[str, Any]]:
    """Median seconds of every question, cold and warm."""
    found = {}
    for name, command in questions(run).items():
        files = {warm: folder / f"{name}-{warm}{EXPORTS.get(name, '.npz')}" for warm in (True, False)}
        times = {warm: [answered(command, file, warm) for _ in range(rounds)] for warm, file in files.items()}
        same = files[True].read_bytes() == files[False].read_bytes()
        found[name] = {
            "fresh": round(statistics.median(times[False]), 2),
            "warm": round(statistics.median(times[True]), 2),
            "first warm": round(times[True][0], 2),
            "same bytes": same,
        }
    return found


def first_record(workers: int) -> dict[str, float]:
    """Seconds from asking for the demonstration to its place in the queue, and to its first epoch."""
    began = time.perf_counter()
    run = RunFolder.create(RECIPES["demo"]().with_settings({"placement.workers": workers}))
    launch(run)
    queued = time.perf_counter() - began
    while not run.metrics():
        assert time.perf_counter() - began < PATIENCE, run.log()
        time.sleep(0.02)
    recorded = time.perf_counter() - began
    cancel(run)
    follow(run, lambda line: None, detailed=False)
    return {"launch": round(queued, 2), "first record": round(recorded, 2)}


def main() -> None:
    """Measure; print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DDLAB_HOME"] = folder
        results: dict[str, Any] = {"rounds": arguments.rounds, "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        rounds = [{n: first_record(n) for n in (1, 2)} for _ in range(arguments.rounds)]
        results["training"] = {
            f"{n} rank{'s' * (n > 1)}": {
                what: statistics.median(one[n][what] for one in rounds) for what in rounds[0][n]
            }
            for n in (1, 2)
        }
        print(results, flush=True)
        runs = {name: trained(experiment) for name, experiment in experiments().items()}
        os.environ[place.SWITCH] = "1"
        process = warmed()
        try:
            used = process.cpu_times()
            results["warm process"] = {
                "processor seconds": round(used.user + used.system, 1),
                "megabytes": round(process.memory_full_info().uss / 1e6),
            }
            results["answers"] = {name: answers(run, arguments.rounds, Path(folder)) for name, run in runs.items()}
        finally:
            process.kill()
    print(results)
    if arguments.write:
        stored.write(RESULTS, results)


if __name__ == "__main__":
    main()
