"""Real processes on real digits: killed, cancelled and resumed at several moments, and equal to the bit afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from ddlab.engine.control import cancel, queue_position, resume, stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment, parse_experiment
from ddlab.runs import RunFolder, has_diverged, open_run
from ddlab.runs.processes import is_alive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills processes the way Linux does"),
]
PATIENCE = 90  # seconds for what takes five on a quiet machine
needs_two_cores = pytest.mark.skipif(len(slots("cpu")) < 2, reason="needs two processor cores")


@pytest.fixture(autouse=True)
def one_home(tmp_path_factory, monkeypatch):
    """All tests here share a home, and so the cache and the uninterrupted runs."""
    monkeypatch.setenv("DDLAB_HOME", str(tmp_path_factory.getbasetemp() / "real-runs"))


def experiment(workers: int, *, batch_norm: bool = True, **training) -> Experiment:
    return parse_experiment(
        {
            "name": f"digits on {workers}",
            "dataset": {"name": "digits", "size": 16, "train_images": 500, "validation_images": 100},
            "model": {"batch_norm": batch_norm},
            "training": {"epochs": 10, "batch_size": 50, **training},
            "strategies": ["global", "average", "majority", "cnn_dnn", "coherent", "transfer"],
            "aggregator": {"epochs": 5},
            "transfer": {"epochs": 5, "start": 7},
            "placement": {"workers": workers, "devices": "cpu"},
        }
    )


@pytest.fixture
def start():
    """Start a run; none outlives its test, however that ends."""
    started = []

    def start(workers=1, **settings):
        run = RunFolder.create(experiment(workers, **settings))
        started.append(run)
        launch(run)
        return run

    yield start
    for run in started:
        stop_processes(run)


def train_command(folder, asked):
    (folder / "asked.yaml").write_text(asked.to_yaml(), encoding="utf-8")
    return [sys.executable, "-m", "ddlab", "train", str(folder / "asked.yaml")]


def wait_for(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def wait_for_epoch(run, stage, epoch):
    def reached():
        assert run.state().is_live, (run.state(), run.failure(), run.log(), run.log(0))
        return any(r["stage"] == stage and r["epoch"] >= epoch for r in run.metrics())

    wait_for(reached, f"epoch {epoch} of {stage}")


def wait_for_end(run):
    wait_for(lambda: not run.state().is_live, "the end")
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
    assert len(found) > 10
    return found


def assert_equal(run, other):
    one, two = what_it_came_to(run), what_it_came_to(other)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_one_worker_cancelled_then_killed_equals_the_uninterrupted_run(start, tmp_path):
    run = start()
    wait_for_epoch(run, "global", 2)
    begin = time.monotonic()
    cancel(run)
    assert time.monotonic() - begin < 5 and processes(run) == []
    assert run.state().state == "cancelled"
    resume(run)
    wait_for_epoch(run, "local", 2)
    assert max(r["epoch"] for r in run.metrics() if r["stage"] == "global") == 10
    kill(run.status()["pid"])
    assert_lost(run)
    resume(run)
    done = subprocess.run([*train_command(tmp_path, run.experiment), "--json"], capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["state"] == "finished", done.stderr
    assert told["strategies"]["cnn_dnn"]["validation"] > 0.1
    uninterrupted = open_run(told["id"])
    wait_for_end(run)
    assert_equal(run, uninterrupted)
    assert "ddlab train" in uninterrupted.environment()["command"]
    assert run.environment()["versions"]["torch"]
    with pytest.raises(ValueError, match="is finished; only a failed, cancelled or lost run"):
        resume(run)
    with pytest.raises(ValueError, match="nothing to cancel"):
        cancel(run)


@needs_two_cores
def test_two_workers_killed_at_the_top_and_below_equal_the_uninterrupted_run(start):
    run = start(2)
    wait_for_epoch(run, "global", 2)
    agent, ranks = run.status()["pid"], run.status()["ranks"]
    assert {rank["rank"] for rank in ranks} == {0, 1} and agent not in {rank["pid"] for rank in ranks}
    kill(agent)
    assert_lost(run)
    resume(run)
    wait_for_epoch(run, "local", 2)
    kill(next(rank["pid"] for rank in run.status()["ranks"] if rank["rank"] == 1))
    assert_lost(run)
    resume(run)
    wait_for_epoch(run, "transfer", 2)
    kill(next(rank["pid"] for rank in run.status()["ranks"] if rank["rank"] == 1))
    assert_lost(run)
    resume(run)
    wait_for_end(run)
    uninterrupted = start(2)
    wait_for_end(uninterrupted)
    assert_equal(run, uninterrupted)


@needs_two_cores
def test_interrupted_command_cancels_all_ranks_within_five_seconds(tmp_path):
    command = train_command(tmp_path, experiment(2, epochs=1000))
    # A shell's background job ignores Ctrl-C and so would its children: the command is started as in a terminal.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=listen) as process:
        run = open_run(process.stderr.readline().split()[1])
        wait_for_epoch(run, "global", 1)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert time.monotonic() - begin < 7 and process.returncode == 1  # five seconds, and Python's own start and end
    assert "cancelled" in told and processes(run) == [] and run.state().state == "cancelled"


def test_two_who_press_train_at_once_get_a_queue(start, monkeypatch):
    monkeypatch.setenv("DDLAB_CORES", "1")
    first, second, third = (start(epochs=1000) for _ in range(3))
    wait_for(lambda: first.state().state == "running", "the first run's start")
    assert second.state().state == third.state().state == "queued"
    wait_for(lambda: queue_position(third)[0] == 2, "the third run's ticket")
    assert f"used by '{first.name}'" in queue_position(second)[1]
    assert "torch" not in open(f"/proc/{second.status()['pid']}/maps").read()
    kill(second.status()["pid"])
    assert_lost(second)
    resume(second)
    wait_for(lambda: queue_position(second)[0] == 2, "the second run's new place, behind the third")
    begin = time.monotonic()
    cancel(second)
    assert time.monotonic() - begin < 5 and second.state().state == "cancelled" and processes(second) == []
    kill(first.status()["pid"])  # while it imports torch, most likely
    assert_lost(first)
    wait_for(lambda: third.state().state == "running", "the third run's start on the slot that became free")
    cancel(third)
    assert not any(map(is_alive, third.processes()))


def test_number_that_is_none_fails_with_a_sentence_and_keeps_the_run(start):
    run = start(optimizer="sgd", learning_rate=10.0, batch_norm=False)
    wait_for(lambda: not run.state().is_live, "the end")
    assert run.state().state == "failed", run.log(0)
    assert "NaN" in run.state().message and "smaller learning rate" in run.state().message
    assert has_diverged(run) and processes(run) == []
