"""Second order in minibatches: secant pairs from the samples that two of them share; and work, counted."""

import pytest
import torch

from ddlab.experiment import Experiment
from ddlab.models.bank import Bank
from ddlab.optim.radius import RadiusRule
from ddlab.optim.trust_region import TrustRegion
from ddlab.ranks import Ranks
from ddlab.registry.strategies import COMPARED_BY_APTS
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


@pytest.mark.parametrize(
    ("strategy", "data"), [*((name, "split") for name in COMPARED_BY_APTS), ("apts", "shared"), ("sapts", "shared")]
)
@pytest.mark.parametrize("batch_size", [25, 60])
def test_sweeps_are_the_passes_that_images_made_through_the_network(strategy, data, batch_size, monkeypatch):
    """Of all images, whatever the minibatches are; a loss alone is a third of a gradient."""
    passed = {True: 0, False: 0}
    forward = Bank.forward

    def counting(bank, inputs):
        if bank.training:  # else it is evaluated, which is no effort of the method's
            passed[torch.is_grad_enabled()] += len(inputs)
        return forward(bank, inputs)

    monkeypatch.setattr(Bank, "forward", counting)
    records = []
    settings = {"dataset.train_images": 200, "dataset.validation_images": 50, "training.epochs": 2}
    settings |= {"training.batch_size": batch_size, "model.width": 0.05, "apts.overlap": 0, "trust_region.order": 1}
    settings |= {"apts.subdomains": 2, "apts.data": data, "trust_region.radius": 1}
    names = {"dataset.name": "digits", "model.name": "mlp", "strategies": [strategy]}
    run = RunFolder.create(Experiment().with_settings({**names, **settings}))
    execute(run, Ranks(), records.append, lambda: None)
    assert records[-1]["data_passes"] == pytest.approx((passed[True] + passed[False] / 3) / 200)
    assert passed[True] >= 2 * 200 and (passed[False] > 0) == (strategy not in ("sgd", "adam"))
