"""Real runs for tests: a small experiment on real digits, waiting for what happens, and what a run came to."""

import os
import signal
import time

import psutil
import pytest

from ddlab.engine.devices import slots
from ddlab.experiment import Experiment, parse_experiment

PATIENCE = 90  # seconds for what takes five on a quiet machine
needs_two_cores = pytest.mark.skipif(len(slots("cpu")) < 2, reason="needs two processor cores")


def experiment(workers: int, *, batch_norm: bool = True, placement=None, **training) -> Experiment:
    return parse_experiment(
        {
            "name": f"digits on {workers}",
            "dataset": {"name": "digits", "size": 16, "train_images": 500, "validation_images": 100},
            "model": {"batch_norm": batch_norm},
            "training": {"epochs": 10, "batch_size": 50, **training},
            "strategies": ["global", "average", "majority", "cnn_dnn", "coherent", "transfer"],
            "aggregator": {"epochs": 5},
            "transfer": {"epochs": 5, "start": 7},
            "placement": {"workers": workers, "devices": "cpu", **(placement or {})},
        }
    )


def wait_for(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def wait_for_epoch(run, stage, epoch, seconds=PATIENCE):
    def reached():
        assert run.state().is_live, (run.state(), run.failure(), run.log(), run.log(0))
        return any(r["stage"] == stage and r["epoch"] >= epoch for r in run.metrics())

    wait_for(reached, f"epoch {epoch} of {stage}", seconds)


def wait_for_end(run, seconds=PATIENCE):
    wait_for(lambda: not run.state().is_live, "the end", seconds)
    assert run.state().state == "finished", (run.state(), run.failure(), run.log(), run.log(0))


def processes(run):
    """All live processes that name the run, whether they were recorded or not."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        named = str(run.path) in (process.info["cmdline"] or ())  # whole: the next run of a second is called "...-2"
        if named and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def assert_lost(run):
    """Shown as lost within 10 s, and nobody is left."""
    wait_for(lambda: run.state().state == "lost", f"lost (it is {run.state()})", 10)
    wait_for(lambda: processes(run) == [], "the end of all its processes", 10)
    assert "Resume" in run.state().message and run.failure() is None


def wait_for_restart(run, number):
    """Restarted by itself so often; the sentence that says why."""

    def restarted():
        assert run.state().is_live, (run.state(), run.failure(), run.log(), run.log(0))
        return len(run.state().restarts) == number

    wait_for(restarted, f"restart {number}")
    return run.state().restarts[-1]


def rank_pid(run, rank):
    """The process of a rank, as soon as it has told its name."""
    found = []

    def told():
        found[:] = [told["pid"] for told in run.status().get("ranks") or () if told["rank"] == rank]
        return found

    wait_for(told, f"rank {rank}")
    return found[-1]


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def what_it_came_to(run):
    """All weights and predictions, byte by byte."""
    found = {}
    for path in run.path.glob("stages/*/*"):
        stage = run.stage(path.parent.name, int(path.name.removeprefix("seed")))
        found |= {f"{stage.name}/{weights.name}": weights.read_bytes() for weights in path.glob("weights-*")}
        if (path / "predictions.npz").exists():
            found |= {f"{stage.name}/{name}": array.tobytes() for name, array in stage.predictions().items()}
    return found


def assert_equal(run, other):
    one, two = what_it_came_to(run), what_it_came_to(other)
    assert one.keys() == two.keys() and len(one) > 10
    assert [name for name in one if one[name] != two[name]] == []
