"""What follows the end of a training program, and who is missed, without any process."""

import json
import os
import socket
import subprocess
import sys

import pytest

from ddlab import files
from ddlab.engine import heartbeat
from ddlab.engine.aftermath import EXITS, goes_on
from ddlab.engine.failures import PEER_LOST, may_pass
from ddlab.engine.heartbeat import Heartbeat, Silence, Watch
from ddlab.experiment import parse_experiment
from ddlab.runs import RunFolder


@pytest.fixture
def run():
    run = RunFolder.create(parse_experiment({"placement": {"workers": 2}}))
    run.update_status(state="running", workers=2)
    return run


def ended(run, exits, restarts=1, silence=None):
    files.write_json(run.path / EXITS, exits)
    return goes_on(run.path, 1, silence, restarts)


# ---- what follows


@pytest.mark.parametrize(
    ("exits", "words"),
    [
        ({0: PEER_LOST, 1: -9}, "Rank 1 was killed by signal 9 (SIGKILL), by the system for lack of memory perhaps"),
        ({0: PEER_LOST, 1: -11}, "Rank 1 crashed by signal 11 (SIGSEGV)"),
        ({0: -15, 1: 3}, "Rank 1 ended with code 3 and without a word"),
        ({0: PEER_LOST, 1: PEER_LOST}, "Rank 0 lost the connection to the others"),
    ],
)
def test_a_lost_rank_is_named_and_the_run_goes_on(run, exits, words):
    assert ended(run, exits)
    assert run.state().restarts == (f"{words}, before its first epoch.",) and run.status()["ranks"] == []
    assert run.failure() is None and not (run.path / EXITS).exists()


def test_restarts_are_counted_and_then_the_run_has_failed(run):
    run.write_progress(
        {"stage": "local", "title": "", "seed": 0, "done": 0.5, "remaining": 1.0, "epoch": 3, "epochs": 9, "time": 1.0}
    )
    assert ended(run, {1: -9}, restarts=2) and ended(run, {1: -9}, restarts=2)
    assert not ended(run, {1: -9}, restarts=2)
    assert run.status()["state"] == "failed" and run.failure()["rank"] == 1
    assert "after epoch 3 of 'local'. It is given up after 2 restarts; Resume" in run.status()["message"]
    assert run.state().restarted.startswith("Restarted 2 times") and run.summary()["restarts"] == 2
    run.restart()
    assert not run.state().restarts


def test_without_restarts_the_first_loss_is_the_last(run):
    assert not ended(run, {1: -9}, restarts=0) and "It is given up; Resume" in run.status()["message"]


@pytest.mark.parametrize("how", ["finished", "failed", "cancel", "asked"])
def test_nothing_follows_an_end_that_was_written_or_wanted(run, how):
    if how == "cancel":
        run.request_cancel()
    elif how != "asked":
        run.end(how, "A loss became NaN.")
    before = run.status()
    assert not ended(run, {0: -15, 1: -15} if how == "asked" else {0: -9})
    assert run.status() == before


def test_a_failure_that_may_pass_is_tried_again_and_then_told(run):
    failure = {"sentence": "The workers did not find each other.", "error": "DistStoreError", "rank": 0}
    run.write_failure(failure)
    assert ended(run, {0: 1}) and run.failure() is None
    run.write_failure(failure)
    assert not ended(run, {0: 1}) and run.failure()["sentence"].startswith(failure["sentence"])
    assert may_pass(RuntimeError("CUDA error: an illegal memory access")) and not may_pass(ValueError("CUDA error"))
    assert not may_pass(RuntimeError("CUDA error: out of memory"))


def test_a_silent_rank_is_named_with_the_time(run):
    files.write_json(run.path / "heartbeat-1.json", {"time": 5.0, "stage": "transfer", "epoch": 2})
    assert ended(run, {}, silence=Silence(1, 125.0))
    assert run.state().restarts == ("Rank 1 was last heard of 2 min 05 s ago, after epoch 2 of 'transfer'.",)
    assert not ended(run, {}, silence=Silence(None, 125.0))
    assert run.status()["message"].startswith("All ranks have waited for each other for 2 min 05 s")


# ---- who is missed


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second at every look."""

    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 1
            return self.now

        def time(self):
            return 1e9 + self.now

    clock = Clock()
    monkeypatch.setattr(heartbeat, "time", clock)
    return clock


def beat(run, rank, number, **told):
    (run.path / f"heartbeat-{rank}.json").write_text(json.dumps({"time": number, **told}), encoding="utf-8")


def test_the_rank_that_stops_writing_is_missed(run, clock):
    beat(run, 7, 0.0)
    watch = Watch(run.path, 10)
    looks = []
    for number in range(20):
        beat(run, 0, number)
        beat(run, 1, min(number, 3))
        looks.append(watch.look())
    assert looks[:14] == [None] * 14 and looks[14] == Silence(1, 11.0)  # of an earlier program, nobody


def test_a_rank_that_has_ended_is_left_for_a_while_to_who_started_it(run, clock):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    watch, looks, own = Watch(run.path, 10), [], {"host": socket.gethostname()}
    for number in range(26):
        beat(run, 0, number, pid=os.getpid(), **own)
        beat(run, 1, 0, pid=ended.pid, **own)
        looks.append(watch.look())
    assert looks[:21] == [None] * 21 and looks[21] == Silence(1, 21.0)


def test_nobody_is_missed_after_a_pause_of_the_watcher_or_without_a_timeout(run, clock):
    watch, patient = Watch(run.path, 10), Watch(run.path, 0)
    beat(run, 0, 1)
    assert watch.look() is None
    clock.now += 1000
    assert watch.look() is None and watch.look() is None
    for _ in range(100):
        assert patient.look() is None


def test_ranks_that_all_wait_for_each_other_are_told(run, clock):
    watch, looks = Watch(run.path, 10), []
    for number in range(1, 20):
        beat(run, 0, float(number), waits_since=1.0)
        beat(run, 1, float(number), waits_since=None if number < 5 else 5.0)
        looks.append(watch.look())
    assert looks[13] is None and looks[15] == Silence(None, 11.0)


def test_a_heartbeat_says_where_the_rank_is_and_how_long_it_waits(run, clock, monkeypatch):
    pulse = Heartbeat(run.path, 1, 8.0, record := {})
    pulse.beat()
    assert heartbeat.read_all(run.path)[1]["waits_since"] is None and pulse.period == 1
    record.update(stage="local", epoch=3, loss=float("nan"))
    monkeypatch.setattr(heartbeat, "COLLECTIVES", heartbeat.__file__)  # where this thread is when it looks
    for step, since in ((0, 1e9), (0, 1e9), (1, 1e9 + 2)):
        clock.now, pulse.steps = 2 * step, step
        pulse.beat()
        told = heartbeat.read_all(run.path)[1]
        assert (told["waits_since"], told["stage"], told["epoch"]) == (since, "local", 3)


def test_a_damaged_heartbeat_is_none(run):
    for rank, text in enumerate(("", "[1]", "{}", '{"time": "x"}')):
        (run.path / f"heartbeat-{rank}.json").write_text(text, encoding="utf-8")
    assert heartbeat.read_all(run.path) == {}
