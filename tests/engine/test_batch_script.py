"""Batch scripts as text, and the first and last line of one, without a SLURM."""

import subprocess
import sys

import pytest

from ddlab.engine import job, submission
from ddlab.engine.batch_script import batch_script, check_script
from ddlab.engine.launch import launch
from ddlab.experiment import parse_experiment
from ddlab.runs import RunFolder
from ddlab.slurm import Job


def asked(slurm=None, **placement):
    return parse_experiment({"name": "a; b", "placement": {"engine": "slurm", **placement}, "slurm": slurm or {}})


def directives(script):
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]


def test_one_rank_needs_no_torchrun():
    script = batch_script(asked())
    assert "torch.distributed.run" not in script and 'ddlab.engine.worker "$1" cpu' in script
    assert directives(script)[:4] == ["--job-name=ddlab-a-b", "--nodes=1", "--ntasks-per-node=1", "--cpus-per-task=1"]
    assert "export CUDA_VISIBLE_DEVICES=''" in script and sys.executable in script


def test_gpus_of_several_machines():
    slurm = {"partition": "gpu", "account": "me", "time": "1-0", "cores": 4, "directives": ["--constraint=a100"]}
    script = batch_script(asked(slurm, machines=2, workers=4, devices="cuda"))
    wanted = {"--nodes=2", "--gpus-per-node=4", "--cpus-per-task=16", "--partition=gpu", "--account=me", "--time=1-0"}
    assert wanted <= set(directives(script)) and directives(script)[-1] == "--constraint=a100"
    assert "--nproc-per-node=4" in script and 'worker "$1" cuda' in script and "CUDA_VISIBLE_DEVICES" not in script


@pytest.mark.parametrize("machines", [1, 2])
def test_a_shell_can_read_it(machines):
    script = batch_script(asked(machines=machines))
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    assert check_script(script.replace("\n", "\r\n")) == script


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo", "must begin with the program"),
        ("#!/bin/bash\ntrue", "'ddlab.engine.job begin' and 'ddlab.engine.worker'"),
        ("#!" + "x" * 200_000, "has room for 100,000"),
    ],
)
def test_an_edited_script_that_trains_nothing_is_refused(text, message):
    with pytest.raises(ValueError, match=f"^script: .*{message}"):
        check_script(text)


def test_without_sbatch_the_engine_is_refused(monkeypatch):
    monkeypatch.setenv("PATH", "")
    run = RunFolder.create(asked())
    with pytest.raises(ValueError, match="placement.engine: 'slurm' needs .* no sbatch; choices here: local"):
        launch(run)
    assert run.state().state == "failed"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Batch job submission failed: Invalid partition name specified", "slurm.partition: 'x': "),
        ("Batch job submission failed: Invalid account or account/partition combination specified", "slurm.account: "),
        ("Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)", "slurm.time"),
        ("Invalid generic resource (gres) specification", "placement.devices: "),
        ("Batch job submission failed: Node count specification invalid", "placement.machines: "),
        ("unrecognized option '--bad'", "slurm.directives: "),
        ("Batch job submission failed: Requested node configuration is not available", "placement: "),
        ("Batch job submission failed: Unable to contact slurm controller", "placement.engine: "),
    ],
)
def test_messages_of_sbatch_name_the_setting(monkeypatch, message, field):
    monkeypatch.setattr(submission, "partitions", lambda: ["main", "urgent"])
    told = submission.in_words(message, "x")
    assert told.startswith(field) and message in told
    assert ("choices: main, urgent" in told) == field.startswith("slurm.partition")


# ---- begin and end


@pytest.fixture
def run(monkeypatch):
    """A run that is job 7 of a SLURM that only says that it works."""
    run = RunFolder.create(asked())
    run.update_status(job={"id": "7"})
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "n1")
    monkeypatch.setattr(job, "hosts", lambda nodes: [nodes])
    monkeypatch.setattr(job, "job_of", lambda id, now: Job(id, "RUNNING"))
    return run


@pytest.fixture
def requeued(monkeypatch):
    found = []
    monkeypatch.setattr(job, "requeue", found.append)
    return found


def test_begin_notes_where_it_works(run):
    assert job.begin(run) is None
    status = run.status()
    assert (status["state"], status["devices"], status["job"]["starts"]) == ("running", ["n1"], 1)
    assert run.environment()["versions"]["torch"]


def test_a_job_that_is_no_longer_the_run_does_not_train(run):
    run.update_status(job={"id": "8"})
    assert "is not job 7" in job.begin(run)
    run.update_status(job={"id": "7"})
    run.request_cancel()
    assert "there is nothing to train" in job.begin(run)


def test_a_run_that_came_to_no_end_goes_back_into_the_queue(run, requeued, monkeypatch):
    job.begin(run)
    assert job.end(run) is None and requeued == ["7"]
    monkeypatch.setattr(job, "job_of", lambda id, now: Job(id, "CANCELLED"))  # by scancel, in a shell
    job.end(run)
    assert requeued == ["7"]


@pytest.mark.parametrize("how", ["finished", "cancelled", "failed"])
def test_a_run_that_ended_does_not_come_back(run, requeued, how):
    job.begin(run)
    {"finished": lambda: run.end("finished"), "cancelled": run.request_cancel}.get(
        how, lambda: run.end("failed", "No.")
    )()
    assert job.end(run) is None and requeued == []


def test_a_failure_that_may_pass_goes_back_into_the_queue_as_often_as_a_restart_is_allowed(run, requeued):
    """A rank writes such a failure, and leaves the end of the run to who supervises it: here the job."""
    restarts = run.experiment.placement.restarts
    for time in range(restarts + 1):
        job.begin(run)
        run.write_failure({"sentence": "The ranks did not meet."})
        assert job.end(run) is None
        assert requeued == ["7"] * min(time + 1, restarts)
    assert run.state().state == "failed" and "given up after 2 restarts" in run.state().message


def test_starts_that_add_nothing_come_to_an_end(run, requeued):
    for _ in range(2):
        job.begin(run)
        job.end(run)
    run.append_metrics(0, {"stage": "global", "seed": 0, "epoch": 1})
    for _ in range(2):  # after the third start, which added an epoch
        job.begin(run)
        job.end(run)
    assert len(requeued) == 4 and run.status()["state"] == "running"
    job.begin(run)
    job.end(run)
    assert len(requeued) == 4 and run.state().state == "failed" and "3 times in a row" in run.state().message
