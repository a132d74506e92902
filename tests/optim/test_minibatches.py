"""Second order in minibatches: secant pairs from the samples that two of them share; and work, counted."""

import pytest
import torch

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


@pytest.mark.parametrize(("strategy", "least", "most"), [("sapts", 5.5, 8), ("trust_region", 1.33, 1.6), ("sgd", 1, 1)])
def test_sweeps_are_passes_over_all_images(strategy, least, most):
    """Whatever the minibatches are: ν + 2 gradients of each, or one and a loss, a third of it, or one."""
    records = []
    settings = {"dataset.train_images": 200, "dataset.validation_images": 50, "training.epochs": 1}
    settings |= {"training.batch_size": 25, "model.width": 0.05, "apts.overlap": 0, "trust_region.order": 1}
    names = {"dataset.name": "digits", "model.name": "mlp", "strategies": [strategy]}
    run = RunFolder.create(Experiment().with_settings({**names, **settings}))
    execute(run, Ranks(), records.append, lambda: None)
    assert least <= records[-1]["sweeps"] <= most
