"""Checkpoints inside an epoch: a training that goes on from one ends with what an undisturbed one ends with."""

from itertools import cycle

import pytest
import torch

from ddlab.experiment import Experiment
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute
from ddlab.training import midway
from ddlab.training.loop import Stopped
from ddlab.training.midway import Midway
from ddlab.training.pace import Pace
from tests.engine.real import assert_equal

SETTINGS = {  # 48 steps an epoch, with all that is drawn in one
    "strategies": ["cnn_dnn", "sgd"],
    "dataset.name": "digits",
    "dataset.train_images": 96,
    "dataset.validation_images": 20,
    "model.width": 0.25,
    "model.dropout": 0.3,
    "training.epochs": 2,
    "training.batch_size": 2,
    "training.flip": True,
    "training.shift": 0.1,
    "training.early_stopping": 1,
    "aggregator.epochs": 2,
    "placement.checkpoint_overhead": 1.0,
}
MEASURES = ("stage", "subdomain", "fold", "epoch", "loss", "accuracy", "validation_loss", "rate", "data_passes")


def trained(steps, records):
    """Train to the end; interrupted after so many steps, and after so many more."""
    run = RunFolder.create(Experiment().with_settings(SETTINGS))
    while True:
        left = iter(range(next(steps)))

        def check(left=left):
            if next(left, None) is None:
                raise Stopped

        try:
            execute(run, Ranks(), records.append, check)
            return run
        except Stopped:
            continue


def test_interrupted_inside_epochs_it_equals_the_undisturbed_training(monkeypatch):
    begun, go_on = [], Midway.go_on
    monkeypatch.setattr(Midway, "go_on", lambda *given: begun.append(go_on(*given)) or begun[-1])
    monkeypatch.setenv(midway.SECONDS, "0")
    whole, broken = [], []
    run = trained(cycle([10**6]), whole)
    assert set(begun) == {0}
    interrupted = trained(cycle([75, 95]), broken)  # an epoch with its validation has 49 or 50, and each stage one
    assert {0, 21} <= set(begun) <= {0, 21, 41}
    assert_equal(interrupted, run)
    of = {tuple(record.get(key) for key in MEASURES[:4]): record for record in broken}
    for record in whole:
        other = of[tuple(record.get(key) for key in MEASURES[:4])]
        assert [record.get(key) for key in MEASURES] == [other.get(key) for key in MEASURES]


def test_epochs_of_minutes_have_none_and_time_that_checkpoints_may_not_take_is_not_taken(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    pace, inside = Pace(0.02), Midway(lambda places: None, [])
    clock[0] += midway.EVERY - 1
    assert not inside.is_due(pace)
    clock[0] += 1
    assert inside.is_due(pace)
    with pace.writing():
        clock[0] += 10
    clock[0] += midway.EVERY
    assert not inside.is_due(pace), "two of ten seconds in ten minutes are more than 2 %"
    clock[0] += 400
    assert inside.is_due(pace)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sums_are_each_rank_s_own_or_those_of_all_on_other_ranks(size):
    kept = {"sums": torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]], dtype=torch.float64)}
    sums = torch.stack([midway._own(kept, Ranks(rank, size)) for rank in range(size)])
    assert torch.equal(sums.sum(0), kept["sums"].sum(0))
    assert size != 2 or torch.equal(sums, kept["sums"])
