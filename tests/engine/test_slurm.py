"""Runs under a real SLURM of two nodes: sent, watched, stopped, put back, and equal to the bit to runs without it."""

import subprocess
import sys

import psutil
import pytest

from ddlab.engine.control import cancel, resume, stop_processes
from ddlab.engine.launch import launch
from ddlab.experiment import parse_experiment
from ddlab.runs import RunFolder, open_run
from tests.engine import cluster
from tests.engine.cluster import occupy, tell
from tests.engine.real import (
    assert_equal,
    needs_two_cores,
    processes,
    wait_for,
    wait_for_end,
    wait_for_epoch,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(cluster.missing()), reason=f"needs a SLURM; {cluster.missing()}"),
    pytest.mark.usefixtures("slurm", "one_home"),
]
LONG = 250  # seconds for what takes ten on a quiet machine: two runs begin side by side
ASKED = {
    "name": "digits elsewhere",
    "dataset": {"name": "digits", "size": 16, "train_images": 300, "validation_images": 100},
    "training": {"epochs": 4, "batch_size": 50},
    "strategies": ["global", "average"],
    "placement": {"workers": 1, "devices": "cpu"},
}


REFUSED = [
    ({"slurm__partition": "nowhere"}, "^slurm.partition: 'nowhere': SLURM does not take .*choices: main, urgent"),
    ({"placement__devices": "cuda"}, "^placement.devices: SLURM does not take .*gres"),
    ({"slurm__directives": ["--mem=9000G"]}, "^slurm.directives: SLURM does not take .*emory"),
    ({"slurm__directives": ["--fast"]}, "^slurm.directives: SLURM does not take .*--fast"),
]


def asked(**settings):
    return parse_experiment(ASKED).with_settings({key.replace("__", "."): value for key, value in settings.items()})


@pytest.fixture(scope="module")
def slurm():
    with pytest.MonkeyPatch.context() as patch, cluster.Cluster() as started:
        patch.setenv("GLOO_SOCKET_IFNAME", "lo")  # as somebody sets it whose nodes have several networks
        yield started


@pytest.fixture
def send():
    """Send a run to SLURM; no job outlives its test."""
    sent = []

    def send(**settings):
        run = RunFolder.create(asked(placement__engine="slurm", **settings))
        sent.append(run)
        launch(run)
        return run

    yield send
    for run in sent:
        tell("scancel", "--full", "--signal=KILL", run.status().get("job", {}).get("id", "0"))
        tell("scancel", run.status().get("job", {}).get("id", "0"))


@pytest.fixture
def begin_here():
    """Start a run on this machine's own queue; none outlives its test."""
    begun = []

    def begin(workers):
        run = RunFolder.create(asked(placement__workers=workers))
        begun.append(run)
        launch(run)
        return run

    yield begin
    for run in begun:
        stop_processes(run)


def test_a_run_waits_is_cancelled_and_sent_again_and_equals_one_of_this_machine(send, begin_here):
    other = occupy(seconds=600)
    run, here = send(), begin_here(1)
    wait_for(lambda: "waits until machines are free" in run.state().message, "the reason of the wait")
    assert run.state().state == "queued" and f"Job {run.status()['job']['id']} of SLURM" in run.state().message
    cancel(open_run(run.id))
    assert run.state().state == "cancelled" and tell("squeue", "-h", "--states=pending").split()[:1] in ([], [other])
    tell("scancel", other)
    first = run.status()["job"]["id"]
    resume(open_run(run.id))
    wait_for_end(run, LONG)
    status = run.status()
    assert status["job"]["id"] != first and status["devices"] == ["n1"] and run.environment()["host"]
    assert f"job {status['job']['id']} begins on n1" in run.log() and "stage global" in run.log(0)
    wait_for_end(here, LONG)
    assert_equal(run, here)


@needs_two_cores
def test_two_nodes_that_others_take_in_between_equal_two_workers_of_this_machine(send, begin_here):
    run = send(placement__machines=2)
    wait_for_epoch(run, "global", 2, LONG)
    ranks = [psutil.Process(rank["pid"]) for rank in run.status()["ranks"]]
    for rank in ranks:
        rank.suspend()  # the run does not end before others want its nodes
    occupy("--partition=urgent", seconds=1)
    wait_for(lambda: "wants the machines back" in run.log(), "the signal of SLURM")
    for rank in ranks:
        rank.resume()
    here = begin_here(2)
    wait_for(lambda: "put back into the queue" in run.state().message, "the place in the queue")
    assert run.state().state == "queued"
    wait_for_end(run, LONG)
    assert run.status()["job"]["starts"] == 2 and run.status()["devices"] == ["n1", "n2"]
    assert run.state().workers == 2 and all("stage average" in run.log(rank) for rank in (0, 1))
    wait_for_end(here, LONG)
    assert_equal(run, here)


def test_a_run_is_cancelled_from_a_process_that_knows_its_folder_alone(send):
    run = send(training__epochs=1000)
    wait_for_epoch(run, "global", 1, LONG)
    (node,) = run.state().devices  # the one that the job before it does not still leave
    assert run.state().state == "running" and node in ("n1", "n2") and f"on {node}" in run.state().message
    psutil.Process(run.status()["ranks"][0]["pid"]).suspend()  # deaf to all but the last signal
    done = subprocess.run([sys.executable, "-m", "ddlab", "cancel", run.id], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert run.state().state == "cancelled"
    wait_for(lambda: processes(run) == [], "the end of all its processes", 10)


def test_what_slurm_refuses_is_said_in_words():
    for settings, message in REFUSED:
        run = RunFolder.create(asked(placement__engine="slurm", **settings))
        with pytest.raises(ValueError, match=message):
            launch(run)
        assert run.state().state == "failed" and not run.status().get("job")
