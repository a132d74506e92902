"""The recipes of the paper: one a cell of its tables, at its settings, with its numbers in the docstring."""

import re

import pytest

from ddlab.analyses.comparison.paper import Cell, cell_of, compared_table
from ddlab.recipes import RECIPES
from ddlab.recipes.klawonn import small
from ddlab.registry.strategies import COMPARED_BY_KLAWONN

FULL = [name for name in RECIPES if name.startswith("klawonn_") and not name.endswith("_small")]
CELL = list(Cell._fields)


def cell(name):
    return cell_of(RECIPES[name]().model_dump(mode="json"))


def test_every_cell_has_one_recipe():
    cells = [cell(name) for name in FULL]
    assert len(cells) == len(set(cells))
    assert set(cells) == {Cell(*row) for row in compared_table()[CELL].itertuples(index=False)}


@pytest.mark.parametrize("name", FULL)
def test_a_recipe_has_the_papers_settings_and_tells_its_numbers(name):
    experiment, text = RECIPES[name](), " ".join((RECIPES[name].__doc__ or "").split())
    training = experiment.training
    assert (training.epochs, experiment.transfer.epochs, training.learning_rate) == (150, 50, 1e-3)
    assert (training.plateau_factor, training.plateau_patience, experiment.model.width) == (0.5, 20, 1.0)
    assert experiment.strategies == COMPARED_BY_KLAWONN
    told = dict(re.findall(r"``(\w+)`` (0\.\d{4})", text))
    rows = compared_table().set_index([*CELL, "strategy"])["validation"].sort_index()
    assert told == {strategy: f"{value:.4f}" for strategy, value in rows[cell(name)].items()}


def test_a_small_variant_keeps_what_it_does_not_change():
    whole = RECIPES["klawonn_flowers_vgg9_4x4"]()
    less = small(whole, {"training.epochs": 5, "dataset.size": 90})
    assert (less.name, less.training.epochs, less.dataset.size) == ("klawonn_flowers_vgg9_4x4_small", 5, 90)
    assert less.with_settings({"name": whole.name, "training.epochs": 150, "dataset.size": None}) == whole


@pytest.mark.parametrize("name", [name for name in RECIPES if re.fullmatch("klawonn_.*_small", name)])
def test_a_small_recipe_repeats_the_cell_of_the_whole_one(name):
    assert cell(name) == cell(name.removesuffix("_small"))
