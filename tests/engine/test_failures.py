"""Every end of a rank leaves its word in the run folder."""

import errno
import json

import pytest
import torch

from ddlab.engine.aftermath import goes_on
from ddlab.engine.failures import describe_failure
from ddlab.engine.worker import StopRequest, work
from ddlab.experiment import parse_experiment
from ddlab.problem import problem_of
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.training.loop import Diverged

WHERE = {"stage": "local", "epoch": 3}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "Out of memory in stage 'local', epoch 3. Take a smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "Out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "Out of memory"),
        (RuntimeError("std::bad_alloc"), "Out of memory in stage 'local', epoch 3. Take a smaller batch"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Out of memory"),
        (
            RuntimeError("Timed out after 181 seconds waiting for clients. 1/2 clients joined."),
            "did not find each other",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full in stage 'local'"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0"), "The disk is full"),
        (
            FileNotFoundError(2, "No such file or directory", "/a/b.png"),
            "A file is not there (any more)",
        ),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 60"), "The disk is full"),
        (PermissionError(13, "Permission denied", "/a/b.png"), "A file could not be read or written"),
        (Diverged("global", 7, None), "NaN in stage 'global', epoch 7. The state before that epoch is kept"),
        (Diverged("local", 7, 2), "NaN in stage 'local', subdomain 2, epoch 7"),
        (ValueError("dataset: no such folder"), "dataset: no such folder"),
        (ValueError("Expected more than 1 value per channel when training, got input size"), "training.batch_size"),
        (KeyError("x"), "Something unexpected happened in stage 'local', epoch 3: KeyError: 'x'"),
    ],
)
def test_failure_in_a_students_words(error, sentence):
    assert sentence in describe_failure(error, WHERE)


@pytest.mark.parametrize(
    "message",
    [
        "[../gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:2123",
        "NCCL error: remote process exited or there was a network error",
    ],
)
def test_lost_peer_is_not_a_failure_of_our_own(message):
    assert describe_failure(RuntimeError(message), WHERE) is None


@pytest.fixture
def run():
    return RunFolder.create(parse_experiment({"dataset": {"name": "digits"}}))


def execute_that(monkeypatch, does):
    """Put something else in the place of the training."""

    def execute(run, ranks, report, check, begin):
        does(report, check)

    monkeypatch.setattr("ddlab.strategies.execute.execute", execute)


def record(epoch):
    return {"stage": "global", "seed": 0, "subdomain": None, "epoch": epoch, "epochs": 20}


def test_clean_end_is_finished_and_progress_was_told(run, monkeypatch):
    execute_that(monkeypatch, lambda report, check: [report(record(epoch)) for epoch in (10, 20)])
    assert work(run, Ranks(), StopRequest()) == 0
    assert run.state().state == "finished"
    assert [r["epoch"] for r in run.metrics()] == [10, 20]
    progress = run.progress()
    assert progress["title"] and progress["epoch"] == 20
    assert 0 < progress["done"] < 1 and progress["remaining"] > 0


def test_failure_has_a_sentence_a_place_and_a_traceback(run, monkeypatch):
    def fail(report, check):
        report(record(4))
        raise MemoryError

    execute_that(monkeypatch, fail)
    assert work(run, Ranks(), StopRequest()) == 1
    assert run.state().state == "failed" and run.state().message.startswith("Out of memory")
    failure = run.failure()
    assert (failure["stage"], failure["epoch"], failure["rank"]) == ("global", 4, 0)
    assert failure["error"] == "MemoryError" and "raise MemoryError" in failure["traceback"]


def test_stop_leaves_no_word(run, monkeypatch):
    stop = StopRequest()
    stop.asked = True
    execute_that(monkeypatch, lambda report, check: check())
    assert work(run, Ranks(), stop) == 0
    assert run.status()["state"] == "queued" and run.failure() is None


def test_failure_of_a_second_rank_does_not_hide_the_first(run, monkeypatch):
    run.write_failure({"sentence": "the cause"})
    run.end("failed", "the cause")
    execute_that(monkeypatch, lambda report, check: json.loads("{"))
    work(run, Ranks(), StopRequest())
    assert run.state().message == "the cause"


# ---- a GPU that has not enough memory, played by a processor


def short_of_memory(report, check):
    report(record(1))
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def gpu_run(out_of_memory, **settings):
    asked = {"dataset.name": "digits", "training.out_of_memory": out_of_memory, "training.batch_size": 64, **settings}
    return RunFolder.create(parse_experiment({}).with_settings(asked))


def test_a_gpu_short_of_memory_halves_the_batch_once_and_every_record_says_so(monkeypatch):
    run = gpu_run("halve", **{"placement.restarts": 0})
    execute_that(monkeypatch, short_of_memory)
    assert work(run, Ranks(), StopRequest()) == 1
    assert run.status()["state"] == "queued" and goes_on(run.path, 1, None, 0)
    assert "It goes on with 32 images a step" in run.state().restarted and run.halved == 32
    assert problem_of(run).experiment.training.batch_size == 32 and run.experiment.training.batch_size == 64
    assert work(run, Ranks(), StopRequest()) == 1  # that was not enough
    assert run.status()["state"] == "failed" and not goes_on(run.path, 1, None, 0)
    assert run.metrics()[-1]["batch_size"] == 32 and "Take a smaller batch" in run.state().message
    run.restart()
    assert run.halved == 32, "a person who resumes it does not want to wait for the same end"


@pytest.mark.parametrize(
    "settings",
    [
        {"out_of_memory": "stop"},
        {"out_of_memory": "halve", "training.batch_size": 1},
        # Half the batch cannot be cut in as many equal parts.
        {"out_of_memory": "halve", "strategies": ["layerwise"], "layerwise.micro_batches": 64},
    ],
    ids=["stop", "one image", "parts"],
)
def test_it_stops_where_it_was_asked_to_or_cannot_be_halved(monkeypatch, settings):
    run = gpu_run(**settings)
    execute_that(monkeypatch, lambda report, check: short_of_memory(lambda record: None, check))
    work(run, Ranks(), StopRequest())
    assert run.state().state == "failed" and run.state().message.startswith("Out of memory") and not run.halved
