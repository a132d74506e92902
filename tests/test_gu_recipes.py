"""The recipes of Gu, Zhang, Liu and Cai: the paper's settings, and its numbers in the docstring."""

import re

import pytest
import torch

from ddlab.data.source import Description
from ddlab.models.bank import Bank
from ddlab.models.spec import NetworkSpec
from ddlab.problem import assemble
from ddlab.recipes import RECIPES
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import COMPARED_BY_GU
from ddlab.strategies.composed import further_settings
from ddlab.strategies.random_start import settings_of
from ddlab.strategies.stage import plan
from ddlab.training.trainee import Trainee

TABLE_3_3 = {  # local networks from and to, composed, composed and trained, random start; in percent, as printed
    "gu_cifar10_resnet32": (68.18, 68.92, 81.11, 94.24, 93.26),
    "gu_cifar10_resnet32_overlap": (78.97, 80.63, 88.33, 94.40, 93.26),
    "gu_cifar10_resnet56": (68.18, 69.27, 80.65, 94.08, 93.12),
    "gu_cifar10_resnet56_overlap": (79.52, 81.08, 88.28, 94.76, 93.12),
    "gu_cifar10_resnet110": (67.92, 69.08, 80.54, 94.27, 92.37),
    "gu_cifar10_resnet110_overlap": (79.81, 81.53, 87.87, 94.44, 92.37),
    "gu_cifar100_resnet32": (40.04, 44.01, 42.74, 73.13, 73.68),
    "gu_cifar100_resnet32_overlap": (51.55, 52.58, 57.70, 74.24, 73.68),
    "gu_cifar100_resnet56": (39.23, 40.35, 43.70, 72.94, 72.53),
    "gu_cifar100_resnet56_overlap": (52.16, 53.40, 60.44, 74.49, 72.53),
    "gu_cifar100_resnet110": (36.55, 39.73, 38.85, 70.72, 70.68),
    "gu_cifar100_resnet110_overlap": (51.46, 53.21, 56.00, 71.91, 70.68),
}
CIFAR10 = Description(tuple("0123456789"), 3, (32, 32), 50_000, 10_000, "CIFAR-10", "")
CIFAR100 = Description(tuple(map(str, range(100))), 3, (32, 32), 50_000, 10_000, "CIFAR-100", "")


def test_the_table_is_whole():
    assert {name for name in RECIPES if re.fullmatch(r"gu_cifar\d+_.*(?<!_small)", name)} == {*TABLE_3_3}


@pytest.mark.parametrize("name", TABLE_3_3)
def test_a_recipe_tells_the_papers_numbers(name):
    told = re.findall(r"0\.\d{4}", " ".join((RECIPES[name].__doc__ or "").split()))
    assert told == [f"{percent / 100:.4f}" for percent in TABLE_3_3[name]]


@pytest.mark.parametrize("name", TABLE_3_3)
def test_a_recipe_has_the_papers_networks_and_rates(name):
    """Rates of Section 3.1.1; in the last 80 of 200 epochs the random start and the composed network have the same."""
    problem = assemble(RECIPES[name](), CIFAR100 if "cifar100" in name else CIFAR10)
    _, dataset, model = name.removesuffix("_overlap").split("_")
    assert (problem.experiment.name, problem.experiment.dataset.name) == (name, dataset)
    assert (problem.experiment.model.name, problem.experiment.model.constants) == (model, "keras")
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


def test_five_epochs_without_a_better_accuracy_divide_the_plans_rate_by_the_root_of_ten():
    """Section 3.1.1, of all three trainings; Keras' example lowers no rate below 5e-7."""
    problem = assemble(RECIPES["gu_cifar10_resnet32"](), CIFAR10)
    for settings in (problem.experiment.training, further_settings(problem), settings_of(problem)):
        assert settings.warm_up == 0
        owner = Bank(MODELS["cnn"].load()(NetworkSpec((1, 4, 4), 2)), 1).prepare("cpu", torch.float32)
        trainee = Trainee(owner, 0, None, settings)
        trainee.end_epoch(loss=2.0, accuracy=0.5, seconds=0)
        rates = []
        for epoch in range(settings.epochs - 1):
            trainee.end_epoch(loss=1 / (epoch + 1), accuracy=0.5, seconds=0)  # the loss does not count
            rates.append(trainee.rate)
        first = settings.learning_rate
        assert rates[3] == first and rates[4:9] == pytest.approx([first / 10**0.5] * 5)
        assert rates[9] == pytest.approx(first / 10) and min(rates) == rates[-1] == pytest.approx(5e-7)


@pytest.mark.parametrize("name", [name for name in RECIPES if re.fullmatch("gu_.*_small", name)])
def test_a_small_recipe_can_be_composed(name):
    problem = assemble(RECIPES[name](), CIFAR10)
    assert {"composed_untrained", "composed"} <= {stage.name for stage in plan(problem)}
    assert problem.experiment.seeds == (0, 1, 2)
    assert (problem.experiment.model.constants, problem.experiment.training.plateau) == ("torch", "without plan")
