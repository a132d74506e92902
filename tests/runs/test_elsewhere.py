"""Runs of other machines: jobs of SLURM, and hosts that only leave signs of life in the folder."""

import os
import subprocess
import time

import pytest

from ddlab import files
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder, elsewhere, export_run
from ddlab.runs.processes import identity
from ddlab.slurm import Job, Refused, jobs


@pytest.fixture
def run():
    return RunFolder.create(Experiment(name="far"))


def abroad():
    """The identity of a process of another machine, whose number and birth one of this machine has, too."""
    return {**identity(), "host": "far-away", "boot": "another"}


def beat(run, seconds_ago):
    files.write_json(run.path / "heartbeat.json", {"host": "far-away", "time": time.time() - seconds_ago})


def test_a_run_of_another_machine_is_shown_with_its_last_sign_of_life(run):
    run.update_status(state="running", **abroad())
    beat(run, 12)
    state = run.state()
    assert state.state == "running" and "far-away; last sign of life 12 s ago" in state.message


def test_a_machine_that_fell_silent_has_lost_its_run_until_it_is_back(run):
    run.update_status(state="running", **abroad())
    beat(run, elsewhere.SILENT + 60)
    assert run.state().state == "lost" and "far-away" in run.state().message and run.state().can_resume
    beat(run, 1)
    assert run.state().state == "running"


def test_a_process_of_this_machine_needs_no_sign_of_life(run):
    run.update_status(state="running", **identity())
    beat(run, elsewhere.SILENT + 60)
    assert (run.state().state, run.state().message) == ("running", "")


def test_a_sign_of_life_names_machine_and_time_and_is_forgotten_by_a_restart(run):
    before = time.time()
    run.beat()
    assert run.heartbeat()["host"] == identity()["host"] and before <= run.heartbeat()["time"] <= time.time()
    run.restart()
    assert run.heartbeat() == {}


# ---- jobs of SLURM


def told(monkeypatch, *state):
    monkeypatch.setattr(elsewhere, "job_of", lambda id: Job(id, *state) if state else None)


@pytest.mark.parametrize(
    ("slurm", "expected", "words"),
    [
        (("PENDING", "", "N/A", "Resources"), "queued", "Job 7 of SLURM waits until machines are free."),
        (("PENDING", "", "N/A", "Priority"), "queued", "behind jobs of higher priority"),
        (("PENDING", "", "N/A", "PartitionConfig"), "queued", "more than its partition has, and will never begin"),
        (("PENDING", "", "N/A", "QOSMaxCpuPerUserLimit"), "queued", "a limit of your account"),
        (("PENDING", "", "2026-01-02T03:04:05", "Resources"), "queued", "to begin at 2026-01-02 03:04:05"),
        (("PENDING", "", "N/A", "SomethingNew"), "queued", r"waits \(SomethingNew\)"),
        (("RUNNING", "n[1-2]", "", "None"), "running", r"Job 7 of SLURM, on n\[1-2\], start 2\."),
        (("COMPLETING", "n1", "", "None"), "running", "COMPLETING"),
        (("TIMEOUT",), "lost", "limit of time. Resume"),
        (("NODE_FAIL",), "lost", "machine of the cluster failed"),
        (("CANCELLED",), "cancelled", "cancelled there"),
        (("OUT_OF_MEMORY",), "failed", "--mem="),
        (("FAILED",), "failed", "batch script"),
        (("COMPLETED",), "lost", "without a word"),
        (("UNKNOWN",), "lost", "SLURM knows no more"),
    ],
)
def test_state_of_a_run_that_wrote_no_end_is_that_of_its_job(run, monkeypatch, slurm, expected, words):
    run.update_status(state="running", job={"id": "7", "starts": 2})
    told(monkeypatch, *slurm)
    state = run.state()
    assert state.state == expected
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(state.message)


def test_what_the_run_wrote_itself_comes_before_what_slurm_says(run, monkeypatch):
    run.update_status(state="running", job={"id": "7"})
    told(monkeypatch, "FAILED")
    run.write_failure({"sentence": "Out of memory."})
    assert (run.state().state, run.state().message) == ("failed", "Out of memory.")
    run.end("finished")
    assert run.state().state == "finished"


def test_processes_of_this_machine_say_nothing_of_a_job(run, monkeypatch):
    run.update_status(state="running", job={"id": "7"}, ranks=[identity()])
    told(monkeypatch, "TIMEOUT")
    assert run.state().state == "lost"


def test_without_slurm_a_job_is_shown_as_it_said_last(run, monkeypatch):
    run.update_status(state="running", job={"id": "7"})
    beat(run, 3)
    told(monkeypatch)
    state = run.state()
    assert state.state == "running" and "cannot ask" in state.message and "far-away" in state.message


def test_a_copy_to_give_away_names_no_job(run, tmp_path):
    run.update_status(job={"id": "7"})
    run.beat()
    run.write_batch_script("#!/bin/bash\n")
    run.end("finished")
    copy = export_run(run, tmp_path)
    assert "job" not in copy.status() and not {"batch.sh", "heartbeat.json"} & set(os.listdir(copy.path))


# ---- what SLURM's programs say


@pytest.fixture
def programs(monkeypatch):
    """Answers of the programs, by their names; one that is missing is not on this machine."""
    answers, asked = {}, []

    def run(command, **settings):
        asked.append(command)
        if command[0] not in answers:
            raise FileNotFoundError(command[0])
        return subprocess.CompletedProcess(command, 0, answers[command[0]], "")

    monkeypatch.setattr("ddlab.slurm.commands.subprocess.run", run)
    monkeypatch.setattr(jobs, "_answers", jobs._Answers())
    return answers, asked


def test_one_question_serves_a_list_of_runs(programs):
    answers, asked = programs
    answers["squeue"] = "7|RUNNING|n[1-2]|2026-01-02T03:04:05|None\n8|PENDING||N/A|Nodes|odd\n"
    assert jobs.job_of("7") == Job("7", "RUNNING", "n[1-2]", "2026-01-02T03:04:05", "None")
    assert jobs.job_of("8").reason == "Nodes|odd"
    assert len(asked) == 1
    assert jobs.job_of("7", now=True) and len(asked) == 2


def test_a_job_that_the_queue_forgot_is_looked_up_in_the_accounts(programs):
    answers, _ = programs
    answers["squeue"] = ""
    assert jobs.job_of("7").state == "UNKNOWN"  # a cluster without accounts
    answers["sacct"] = "7|CANCELLED by 1000|n1|2026-01-02T03:04:05|None\n"
    assert jobs.job_of("7", now=True).state == "CANCELLED"


def test_without_an_answer_nothing_is_said(programs):
    assert jobs.job_of("7") is None


def test_a_program_that_hangs_is_not_waited_for(monkeypatch):
    def hang(command, timeout, **settings):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr("ddlab.slurm.commands.subprocess.run", hang)
    with pytest.raises(Refused, match="squeue does not answer"):
        jobs.call("squeue")
