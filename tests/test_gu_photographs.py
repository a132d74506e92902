"""Gu, Zhang, Liu and Cai's recipes for photographs: the networks and numbers of Tables 3.4 and 3.5; none needs data."""

import re

import pytest

from ddlab.data.source import Description
from ddlab.models.counting import parameters_keras
from ddlab.problem import assemble
from ddlab.recipes import RECIPES
from ddlab.strategies.random_start import settings_of
from ddlab.strategies.stage import plan

TABLE_3_5 = {  # composed, composed and trained, random start; top 1 in percent, as printed
    "gu_food101_resnet50_4": (49.09, 75.31, 75.72),
    "gu_food101_resnet50_8": (25.59, 75.08, 75.72),
    "gu_food101_resnet50_16": (13.65, 74.34, 75.72),
    "gu_food101_resnet101_4": (54.69, 75.39, 74.40),
    "gu_food101_resnet101_8": (26.80, 76.56, 74.40),
    "gu_food101_resnet101_16": (10.76, 70.55, 74.40),
}
TABLE_3_4 = {  # side of a subimage; parameters of a sub-network of ResNet50 and ResNet101
    4: (140, 1_658_181, 2_874_565),
    8: (96, 430_037, 742_293),
    16: (70, 115_293, 197_437),
}


def posed(name):
    classes = tuple(map(str, range(101 if "food101" in name else 2)))
    return assemble(RECIPES[name](), Description(classes, 3, (224, 224), 75_750, 25_250, "photographs", ""))


@pytest.mark.parametrize("name", TABLE_3_5)
def test_a_recipe_has_the_papers_networks_and_tells_its_numbers(name):
    problem, count = posed(name), int(name.rpartition("_")[2])
    side, *sizes = TABLE_3_4[count]
    assert {network.input for network in problem.local_networks} == {(3, side, side)} and len(
        problem.decomposition
    ) == count
    assert {parameters_keras(network) for network in problem.local_networks} == {sizes["resnet101" in name]}
    assert [stage.name for stage in plan(problem)] == ["local", "composed_untrained", "composed", "random"]
    told = re.findall(r"0\.\d{4}", " ".join((RECIPES[name].__doc__ or "").split()))
    assert told == [f"{percent / 100:.4f}" for percent in TABLE_3_5[name]]
    assert "not run here" in RECIPES[name].__doc__


def test_rates_fall_as_in_the_paper_at_half_of_its_epochs():
    problem = posed("gu_food101_resnet50_4")
    local, own, random = problem.experiment.training, problem.experiment.composed, settings_of(problem)
    steps = [(local.epochs, local.rate_steps), (own.epochs, own.rate_steps), (random.epochs, random.rate_steps)]
    doubled = [(2 * epochs, [2 * epoch for epoch, _ in rates]) for epochs, rates in steps]
    assert doubled == [(100, [80]), (100, [60, 80]), (200, [120, 180])]
    assert (local.learning_rate, own.learning_rate, random.learning_rate) == (1e-3, 1e-3, 1e-3)


def test_images_and_rates_change_as_the_paper_says():
    """Turned, zoomed, flipped and shifted at random; a plateau of five of the paper's epochs divides by √10."""
    experiment = RECIPES["gu_food101_resnet101_8"]()
    training = experiment.training
    assert training.flip and training.shift and training.zoom and training.rotate and training.turns == "any"
    assert (training.plateau, training.monitor, experiment.model.constants) == ("with plan", "accuracy", "keras")
    assert training.plateau_factor == pytest.approx(10**-0.5)
    assert 2 * (training.plateau_patience + 1) == 6  # the epoch of ours in which the paper's fifth lies


def test_the_network_of_the_class_activation_maps_can_be_composed():
    problem = posed("gu_dogs_cats_cnn11")
    assert {network.input for network in problem.local_networks} == {(3, 140, 140)}
    assert "composed" in [stage.name for stage in plan(problem)]
