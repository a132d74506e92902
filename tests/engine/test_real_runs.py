"""Real processes on real digits: killed, cancelled and resumed at several moments, and equal to the bit afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ddlab.engine.control import cancel, queue_position, resume
from ddlab.runs import has_diverged, open_run
from ddlab.runs.processes import is_alive
from tests.engine.real import (
    assert_equal,
    assert_lost,
    experiment,
    kill,
    needs_two_cores,
    processes,
    rank_pid,
    wait_for,
    wait_for_end,
    wait_for_epoch,
    wait_for_restart,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills processes the way Linux does"),
    pytest.mark.usefixtures("one_home"),
]


def train_command(folder, asked):
    (folder / "asked.yaml").write_text(asked.to_yaml(), encoding="utf-8")
    return [sys.executable, "-m", "ddlab", "train", str(folder / "asked.yaml")]


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
def test_two_workers_killed_at_the_top_and_ranks_lost_below_equal_the_uninterrupted_run(start, monkeypatch):
    """The process at the top is the supervisor: a person resumes then. Below it, the supervisor does."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).with_name("stuck")))
    run = start(2, placement={"heartbeat_timeout": 5, "restarts": 3})
    wait_for_epoch(run, "global", 2)
    supervisor, ranks = run.status()["pid"], run.status()["ranks"]
    assert {rank["rank"] for rank in ranks} == {0, 1} and supervisor not in {rank["pid"] for rank in ranks}
    kill(supervisor)
    assert_lost(run)
    resume(run)
    wait_for(lambda: any((r["rank"], r["stage"]) == (1, "local") for r in run.metrics()), "an epoch of rank 1")
    kill(rank_pid(run, 1))
    told = wait_for_restart(run, 1)
    assert told.startswith("Rank 1 was killed by signal 9 (SIGKILL)") and "of 'local'" in told
    wait_for_epoch(run, "coherent", 2)
    os.kill(rank_pid(run, 1), signal.SIGUSR1)  # it lives, and never comes back from a call
    told = wait_for_restart(run, 2)
    assert re.match(r"Rank 1 has not come to the \w+ of step \d+ of 'coherent', where rank 0 waited for ", told), told
    wait_for_epoch(run, "transfer", 2)
    os.kill(rank_pid(run, 1), signal.SIGSTOP)
    assert wait_for_restart(run, 3).startswith("Rank 1 was last heard of ")
    wait_for_end(run)
    assert run.state().restarted.startswith("Restarted 3 times")
    uninterrupted = start(2)
    wait_for_end(uninterrupted)
    assert_equal(run, uninterrupted)


def test_a_rank_lost_once_too_often_fails_the_run(start):
    run = start(placement={"restarts": 0})
    wait_for_epoch(run, "global", 1)
    kill(rank_pid(run, 0))
    wait_for(lambda: not run.state().is_live, "the end", 10)
    assert run.state().state == "failed" and "killed by signal 9" in run.state().message, run.state()
    assert run.failure()["rank"] == 0 and "stage global" in run.failure()["traceback"]
    wait_for(lambda: processes(run) == [], "the end of all its processes", 10)


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
    assert has_diverged(run) and not run.state().restarts, "it would come again"
    wait_for(lambda: processes(run) == [], "the end of its supervisor", 10)
