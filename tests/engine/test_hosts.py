"""Runs on two machines: network namespaces with host names and processes of their own, and one disk."""

import os
import time

import pytest

from ddlab.engine.control import stop_processes
from ddlab.engine.launch import launch
from ddlab.home import home
from ddlab.runs import RunFolder
from tests.engine import hosts
from tests.engine.hosts import PORT, Hosts
from tests.engine.real import (
    assert_equal,
    experiment,
    kill,
    needs_two_cores,
    wait_for,
    wait_for_end,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(hosts.missing()), reason=f"needs two network namespaces; {hosts.missing()}"),
    pytest.mark.usefixtures("one_home"),
]
LONG = 250  # seconds for what takes twenty on a quiet machine
SECONDS = 5  # within which a cancelled run leaves no process
TIMEOUT = 8  # seconds without a sign of life; a rank that begins on a busy machine needs some
ENDED = ("finished", "failed", "cancelled")
STRATEGIES = ["global", "coherent"]  # data parallel, model parallel; the others: tests/attack/hosts.py


def asked(**settings):
    return experiment(1, epochs=8).with_settings({"strategies": STRATEGIES, **settings})


@pytest.fixture
def pair():
    with Hosts() as pair:
        yield pair


@pytest.fixture
def begin(pair, tmp_path):
    """Start a run on the first machine and let the second one join; gives the run."""

    def begin(**settings):
        place = {
            "machines": 2,
            "heartbeat_timeout": TIMEOUT,
            "restarts": 20,
            "rendezvous": f"{pair.hosts[0].address}:{PORT}",
        }
        settings = {f"placement.{name}": value for name, value in place.items()} | settings
        (tmp_path / "hosts.yaml").write_text(asked(**settings).to_yaml(), encoding="utf-8")
        started = pair.hosts[0].ddlab("train", str(tmp_path / "hosts.yaml"), "--detach")
        assert started.returncode == 0, started.stderr
        return RunFolder(home() / "runs" / started.stdout.strip())

    return begin


def state(host, run):
    """What a machine says of a run in its first lines."""
    return host.ddlab("show", run.id).stdout.split("\n\n")[0]


def restarts(run):
    """Why it was restarted, each time."""
    return [restart["sentence"] for restart in run.status().get("restarts") or ()]


def until_epoch(run, stage, epoch):
    def reached():
        assert run.status()["state"] not in ENDED, (run.status(), run.log(), run.log(0))
        return any(record["stage"] == stage and record["epoch"] >= epoch for record in run.metrics())

    wait_for(reached, f"epoch {epoch} of {stage}", LONG)


@needs_two_cores
def test_a_run_of_two_machines_that_loses_a_rank_and_the_way_equals_one_of_one_machine(pair, begin):
    first, second = pair.hosts
    run = begin(**{"training.epochs": 60})
    wait_for(lambda: f"run `ddlab join {run.id}` on it" in run.state().message, "the way to join")
    assert first.ddlab("join", run.id).stderr.count("dd1 is its first machine; join it from another one") == 1
    assert second.ddlab("join", run.id, "--detach").returncode == 0
    assert "dd2 has joined it already" in second.ddlab("join", run.id, "--detach").stderr
    until_epoch(run, "global", 2)
    assert run.state().message == "Rank 0 on dd1, rank 1 on dd2."
    kill(second.ranks(run)[0])
    wait_for(lambda: any("Rank 1 was killed by signal 9" in told for told in restarts(run)), "the restart", LONG)
    until_epoch(run, "global", 6)
    pair.cut()
    cut_off = f"Machine dd2 has not reached {first.address}:{PORT} for "
    wait_for(
        lambda: cut_off in (told := state(first, run)) and "when it is back, the run goes on" in told, "the state", LONG
    )
    assert not first.ranks(run) and not second.ranks(run)
    pair.mend()
    here = RunFolder.create(asked(**{"placement.workers": 2, "training.epochs": 60}))
    wait_for(lambda: run.status()["state"] in ENDED, "the end", LONG)
    assert run.status()["state"] == "finished", (run.status(), run.log(), run.log(0))
    assert any("Machine dd2 did not reach" in told for told in restarts(run)), restarts(run)
    wait_for(lambda: not first.processes(str(run.path)) and not second.processes(str(run.path)), "the end of all")
    try:
        launch(here)
        wait_for_end(here, LONG)
    finally:
        stop_processes(here)
    assert_equal(run, here)


@needs_two_cores
def test_cancel_from_the_second_machine_ends_the_ranks_of_both_though_one_is_deaf(pair, begin):
    first, second = pair.hosts
    run = begin(**{"training.epochs": 1000})
    second.ddlab("join", run.id, "--detach")
    until_epoch(run, "global", 1)
    os.kill(first.ranks(run)[0], 19)  # deaf to all but the last signal
    began = time.monotonic()
    done = second.ddlab("cancel", run.id)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not first.processes(str(run.path)) and not second.processes(str(run.path)), "the end of all", 10)
    assert run.status()["state"] == "cancelled" and time.monotonic() - began < 60  # how fast: tests/attack/hosts.py
