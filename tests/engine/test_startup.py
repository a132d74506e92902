"""Ranks that are killed, or lose their launcher, before they have met: nobody stays, and nobody waits for minutes."""

import os
import signal
import subprocess
import sys

import pytest

from ddlab.engine.launch import launch
from ddlab.runs import RunFolder
from tests.engine.real import experiment, kill, needs_two_cores, processes, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills processes the way Linux does"),
    pytest.mark.usefixtures("one_home"),
]

SOON = 10  # seconds within which a run that cannot go on must have ended


def is_rank(process):
    """Whether torchrun started it; a process that becomes another program at the moment has no command line."""
    return process.is_running() and process.cmdline()[3:4] == ["ddlab.engine.worker"]


def stop_both(run):
    """Stop both ranks as soon as they exist."""
    found = []

    def both():
        found[:] = list(filter(is_rank, processes(run)))
        return len(found) == 2

    wait_for(both, "two ranks")
    for process in found:
        process.suspend()
    return found


def waits_in_a_library(process):
    """Whether it has imported torch and waits for the other rank: its main thread sleeps, connected to the store."""
    return process.status() == "sleeping" and any(link.status == "ESTABLISHED" for link in process.net_connections())


@pytest.fixture
def run(start):
    return start(2, placement={"restarts": 0})


@needs_two_cores
def test_ranks_end_with_a_launcher_that_is_killed_before_they_know_it(run):
    found = stop_both(run)
    launcher = found[0].ppid()
    assert not run.status().get("ranks") and launcher != run.status()["pid"]
    kill(run.status()["pid"])  # the supervisor, whose end is torchrun's
    wait_for(lambda: all(process.ppid() != launcher for process in found), "their adoption")
    for process in found:
        process.resume()
    wait_for(lambda: processes(run) == [] and run.state().state == "lost", "the end of both ranks", SOON)


@needs_two_cores
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_rank_that_ends_while_the_ranks_meet_ends_the_run(run, end):
    first, second = stop_both(run)
    first.resume()
    wait_for(lambda: waits_in_a_library(first), "the first rank's wait for the second")
    os.kill((second if end == signal.SIGKILL else first).pid, end)  # the second one is stopped, and hears SIGKILL alone
    wait_for(lambda: not first.is_running() or first.status() == "zombie", "the end of the first", SOON)
    second.resume() if end == signal.SIGTERM else None
    ended = "failed" if end == signal.SIGKILL else "lost"
    wait_for(lambda: processes(run) == [] and run.state().state == ended, "the end of all", SOON)
    assert "Rank " in run.state().message and "SIGKILL" in run.state().message or ended == "lost"


def test_a_second_launch_of_a_run_that_works_leaves_it_alone(start):
    run = start(1, epochs=1000)
    wait_for(lambda: run.progress(), "the first epoch")
    before = run.status()
    with pytest.raises(ValueError, match=rf"a program still works in its folder \(process {before['pid']}\)"):
        launch(RunFolder(run.path))
    after = run.status()
    assert (after["pid"], after["state"]) == (before["pid"], "running") and len(processes(run)) == 2


def test_a_process_that_is_killed_before_it_tells_its_name_fails_the_launch(own_home, monkeypatch):
    """The first of the two forked processes ends well, the second one at once: nothing is left to wait for."""
    monkeypatch.setattr("ddlab.engine.launch.subprocess.Popen", Mute)
    run = RunFolder.create(experiment(1))
    with pytest.raises(RuntimeError, match="did not start"):
        launch(run)
    assert run.state().state == "failed" and "did not start" in run.state().message


class Mute(subprocess.Popen):
    """A process that ends as it should, and has told nothing."""

    def __init__(self, command, **settings):
        super().__init__([sys.executable, "-c", ""], **settings)


def test_too_few_open_files_are_said(start, monkeypatch):
    monkeypatch.setattr("ddlab.engine.launch.subprocess.Popen", Limited)
    run = start(2)
    wait_for(lambda: not run.state().is_live, "the end", 30)
    assert run.state().state == "failed" and "24 open files" in run.state().message and "ulimit" in run.state().message


class Limited(subprocess.Popen):
    """A process that may open few files."""

    def __init__(self, command, **settings):
        super().__init__(["sh", "-c", 'ulimit -n 24; exec "$@"', "sh", *command], **settings)
