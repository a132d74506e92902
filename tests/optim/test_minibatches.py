"""Second order in minibatches: secant pairs from the samples that two of them share; and work, counted."""

import pytest
import torch

from ddlab import stepping
from ddlab.engine.ranks import Ranks
from ddlab.experiment import Experiment
from ddlab.optim.radius import RadiusRule
from ddlab.optim.trust_region import TrustRegion
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute


def test_a_model_that_misleads_at_the_smallest_radius_is_mended_by_the_rejected_step():
    point = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    least = RadiusRule(least=1e-3)
    optimizer = TrustRegion([point], 1e-3, least)

    def closure():
        loss = point.square().sum() / 2
        loss.backward()
        return loss

    wrong = point.detach().clone()
    optimizer.region.memory.update(wrong, -1e6 * wrong)
    taken = []
    for _ in range(2):
        optimizer.step(closure, overlap=closure)
        taken.append(optimizer.record.accepted)
    assert taken == [False, True]


@pytest.mark.parametrize("overlap", [0, 0.2])
@pytest.mark.parametrize(
    ("strategy", "data", "least"),
    [("sapts", "split", 5), ("sapts", "shared", 5), ("apts", "shared", 5), ("trust_region", "split", 1.3)],
)
def test_sweeps_are_the_images_that_went_through_the_network(monkeypatch, strategy, data, least, overlap):
    """Counted where they go through: one with its gradient is one, one without a third; all of them over all images."""
    seen = []
    original = stepping.Loss._sum

    def counting(loss, first, divisor, backward):
        seen.append((len(loss.microbatch.labels) - first) * (1 if backward else 1 / 3))
        return original(loss, first, divisor, backward)

    monkeypatch.setattr(stepping.Loss, "_sum", counting)
    (record,) = _an_epoch({"strategies": [strategy], "apts.data": data, "apts.overlap": overlap})
    assert record["sweeps"] == pytest.approx(sum(seen) / 200) and record["sweeps"] > least


def test_descent_makes_one_sweep_an_epoch():
    assert [record["sweeps"] for record in _an_epoch({"strategies": ["sgd"]})] == [1]


def _an_epoch(changes):
    records = []
    settings = {"dataset.train_images": 200, "dataset.validation_images": 50, "training.epochs": 1}
    settings |= {"training.batch_size": 25, "model.width": 0.05, "trust_region.order": 1}
    names = {"dataset.name": "digits", "model.name": "mlp"}
    run = RunFolder.create(Experiment().with_settings({**names, **settings, **changes}))
    execute(run, Ranks(), records.append, lambda: None)
    return records
