"""The recipes of Gu, Zhang, Liu and Cai: the paper's settings, and its numbers in the docstring."""

import re

import pytest

from ddlab.data.source import Description
from ddlab.problem import assemble
from ddlab.recipes import RECIPES
from ddlab.strategies import COMPARED_BY_GU
from ddlab.strategies.random_start import settings_of
from ddlab.strategies.stage import plan

TABLE_3_3 = {  # local networks from and to, composed, composed and trained, random start; in percent, as printed
    "gu_cifar10_resnet32": (68.18, 68.92, 81.11, 94.24, 93.26),
    "gu_cifar10_resnet32_overlap": (78.97, 80.63, 88.33, 94.40, 93.26),
    "gu_cifar10_resnet56_overlap": (79.52, 81.08, 88.28, 94.76, 93.12),
    "gu_cifar10_resnet110_overlap": (79.81, 81.53, 87.87, 94.44, 92.37),
}
CIFAR10 = Description(tuple("0123456789"), 3, (32, 32), 50_000, 10_000, "CIFAR-10", "")


@pytest.mark.parametrize("name", TABLE_3_3)
def test_a_recipe_tells_the_papers_numbers(name):
    told = re.findall(r"0\.\d{4}", " ".join((RECIPES[name].__doc__ or "").split()))
    assert told == [f"{percent / 100:.4f}" for percent in TABLE_3_3[name]]


@pytest.mark.parametrize("name", TABLE_3_3)
def test_a_recipe_has_the_papers_networks_and_rates(name):
    """Rates of Section 3.1.1; in the last 80 of 200 epochs the random start and the composed network have the same."""
    problem = assemble(RECIPES[name](), CIFAR10)
    side = 20 if name.endswith("overlap") else 16
    assert {network.input for network in problem.local_networks} == {(3, side, side)}
    assert problem.experiment.strategies == COMPARED_BY_GU
    assert [stage.name for stage in plan(problem)] == ["local", *COMPARED_BY_GU]
    own, random = problem.experiment.composed, settings_of(problem)
    assert (random.epochs, own.epochs, random.batch_size) == (200, 80, 32)
    composed = {0: own.learning_rate, **dict(own.rate_steps)}
    for epoch in range(80):
        rate = next(composed[start] for start in sorted(composed, reverse=True) if start <= epoch)
        alike = [rate_at for start, rate_at in random.rate_steps if start <= 120 + epoch]
        assert rate == alike[-1]


@pytest.mark.parametrize("name", [name for name in RECIPES if re.fullmatch("gu_.*_small", name)])
def test_a_small_recipe_can_be_composed(name):
    problem = assemble(RECIPES[name](), CIFAR10)
    assert {"composed_untrained", "composed"} <= {stage.name for stage in plan(problem)}
    assert problem.experiment.seeds == (0, 1, 2)
