"""What follows the end of a training program, and who is missed, without any process."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from ddlab import files
from ddlab.engine import heartbeat, movement
from ddlab.engine.aftermath import EXITS, goes_on
from ddlab.engine.failures import PEER_LOST, may_pass
from ddlab.engine.heartbeat import Heartbeat, Watch
from ddlab.engine.standstill import Silence, missing, standstill, told
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
    assert not ended(run, {}, silence=Silence(None, 125.0, {0: WAITS, 1: {**WAITS, "waits_in": "barrier"}}))
    assert run.status()["message"].startswith("All ranks have waited for each other for 2 min 05 s: rank 0 in all_red")


# ---- who is missed

WAITS = {"time": 1.0, "ranks": 2, "still": 60.0, "waits_in": "all_reduce", "place": "sum (ddlab/ranks.py, line 9)"}
WAITS |= {"steps": 37, "begun": "global", "host": "h1"}
SLEEPS = {**WAITS, "waits_in": "", "place": "forward (ddlab/models/build.py, line 36)"}


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

        def process_time(self):
            return 0.0

        thread_time = process_time

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
        beat(run, 0, float(number), waits_since=1.0, waits_in="barrier", ranks=2)
        beat(run, 1, float(number), waits_since=None if number < 5 else 5.0, waits_in="barrier", ranks=2)
        looks.append(watch.look())
    assert (
        looks[13] is None and (looks[15].rank, looks[15].seconds) == (None, 11.0) and looks[15].beats.keys() == {0, 1}
    )


def test_a_heartbeat_says_where_the_rank_is_and_how_long_it_waits(run, clock, monkeypatch):
    pulse = Heartbeat(run.path, 1, 8.0, record := {})
    pulse.beat()
    assert heartbeat.read_all(run.path)[1]["waits_since"] is None and pulse.period == 1
    record.update(stage="local", epoch=3, loss=float("nan"))
    monkeypatch.setattr(movement, "COLLECTIVES", heartbeat.__file__)  # where this thread is when it looks
    pulse.begin("coherent", 7)
    for step, since in ((0, 1e9), (0, 1e9), (1, 1e9 + 2)):
        clock.now, pulse.steps = 2 * step, step
        pulse.beat()
        told = heartbeat.read_all(run.path)[1]
        assert (told["waits_since"], told["stage"], told["epoch"]) == (since, "local", 3)
        assert (told["waits_in"], told["begun"], told["seed"], told["steps"]) == ("beat", "coherent", 7, step)


def test_a_damaged_heartbeat_is_none(run):
    for rank, text in enumerate(("", "[1]", "{}", '{"time": "x"}')):
        (run.path / f"heartbeat-{rank}.json").write_text(text, encoding="utf-8")
    assert heartbeat.read_all(run.path) == {}


# ---- who stands still


@pytest.mark.parametrize(
    ("beats", "rank", "words"),
    [
        (
            {0: WAITS, 1: SLEEPS},
            1,
            "Rank 1 has not come to the all_reduce of step 37 of 'global', where rank 0 waited for 1 min; it stands in "
            "forward (ddlab/models/build.py, line 36), step 37 of 'global'",
        ),
        (
            {0: WAITS, 1: {**WAITS, "host": "h2", "steps": 36}},
            1,
            "Rank 1 of h2 has not come to the all_reduce of step 37 of 'global', where rank 0 waited for 1 min; it",
        ),
        (
            {0: SLEEPS, 1: WAITS, 2: {**WAITS, "waits_in": "broadcast", "steps": 38}},
            0,
            "Rank 0 has kept the others waiting for 1 min: it stands in forward (ddlab/models/build.py, line 36), step "
            "37 of 'global'; rank 1 in all_reduce of sum (ddlab/ranks.py, line 9), step 37 of 'global'; rank 2 in br",
        ),
        (
            {0: WAITS, 1: {**WAITS, "waits_in": "broadcast"}},
            None,
            "All ranks have waited for each other for 1 min: rank 0 in all_reduce of sum (ddlab/ranks.py, line 9), ",
        ),
        ({0: {**SLEEPS, "ranks": 1}}, 0, "The training program has stood still for 1 min, in forward (ddlab/models/bu"),
    ],
)
def test_the_rank_that_the_others_wait_for_is_named_with_where_it_stands(beats, rank, words):
    ranks = {number: {**beat, "ranks": len(beats)} for number, beat in beats.items()}
    silence = standstill(ranks, 59.0)
    assert silence == Silence(rank, 60.0, ranks) and missing(beats) == rank
    assert told(silence.beats, silence.rank, "1 min").startswith(words)


def test_one_that_stands_in_its_own_work_is_named_while_others_work_and_one_that_waits_is_not():
    works, backward = {**SLEEPS, "still": 0.0}, {**SLEEPS, "place": f"{movement.BACKWARD}{SLEEPS['place']}"}
    assert standstill({0: works, 1: SLEEPS}, 59.0) == Silence(1, 60.0, {1: SLEEPS})
    assert told({1: SLEEPS}, 1, "1 min").startswith("Rank 1 has stood still for 1 min, in forward")
    waits = {**WAITS, "still": 50.0}  # it was the last to come to a halt
    assert standstill({0: waits, 1: SLEEPS}, 59.0) == Silence(1, 60.0, {0: waits, 1: SLEEPS})
    for waits in (WAITS, backward):
        assert standstill({0: works, 1: waits}, 59.0) is None
    assert standstill({1: SLEEPS}, 59.0) is None, "the other one may be about to start"
    assert standstill({0: SLEEPS, 1: SLEEPS}, 61.0) is None and standstill({}, 1.0) is None


def test_a_thread_that_works_steps_or_waits_for_a_file_moves_and_one_that_sleeps_does_not(clock, monkeypatch):
    worked, frame = [0.0], sys._getframe()
    monkeypatch.setattr(movement, "time", clock)
    monkeypatch.setattr(movement, "_worked", lambda: worked[0])
    monkeypatch.setattr(movement, "_reads", lambda: 0)
    watch = movement.Movement(100.0)
    watch.look(0, frame)
    assert [watch.look(0, frame) for _ in range(3)] == [1, 2, 3]
    worked[0] += 0.1  # half of the least share of the time-out
    assert watch.look(0, frame) == 4
    worked[0] += 0.1
    assert watch.look(0, frame) == 0 and watch.look(1, frame) == 0 and watch.look(1, frame) == 1
    clock.now += 60
    assert watch.look(1, frame) == 0, "it was stopped itself"
    monkeypatch.setattr(movement, "LOCKS", "test_restarts")
    assert watch.look(1, frame) == watch.look(1, frame) == 0


def test_work_is_seen_on_any_thread_but_the_one_that_looks():
    done, may_end = threading.Event(), threading.Event()
    work = lambda: sum(range(3 * 10**6))  # noqa: E731
    other = threading.Thread(target=lambda: (work(), done.set(), may_end.wait()))
    before = movement._worked()
    began = time.thread_time()
    work()
    own = time.thread_time() - began
    assert movement._worked() - before < own / 2
    other.start()
    done.wait()
    assert movement._worked() - before > own / 4
    may_end.set()
    other.join()
