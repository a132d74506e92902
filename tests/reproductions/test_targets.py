"""Every target: its trainings can be asked for, its numbers are the paper's, and no number stands twice."""

import csv
import re
from pathlib import Path

import pytest

from ddlab.analyses.comparison.paper import paper_table
from ddlab.data.source import Description
from ddlab.fingerprint import fingerprint
from ddlab.problem import assemble
from ddlab.recipes import RECIPES
from ddlab.registry.strategies import STRATEGIES
from ddlab.reproductions import BUDGETS, TARGETS
from ddlab.reproductions.apts import ADAM
from ddlab.reproductions.cells import ACCURACY
from ddlab.strategies.stage import LOCAL

PUBLISHED = Path(__file__).parents[2] / "benchmarks" / "published_apts.csv"
CELLS = {name: entry.load()() for name, entry in TARGETS.items()}
every_target = pytest.mark.parametrize("name", TARGETS)


def trainings(name):
    return [(cell, training) for cell in CELLS[name] for budget in BUDGETS if (training := cell.training(budget))]


def described(recipe):
    """What the full-size data are like, without them."""
    side = {"gu_food101": 224, "klawonn_flowers": 180}.get("_".join(recipe.split("_")[:2]), 32)
    return Description(tuple(map(str, range(10))), 3, (side, side), 1000, 100, "", "")


@every_target
def test_every_training_can_be_asked_for_and_gives_its_cells(name):
    assert TARGETS[name].title and TARGETS[name].description and TARGETS[name].reference
    for cell, training in trainings(name):
        assert training.recipe in RECIPES
        experiment, quantity = training.experiment, cell.quantity
        if quantity.strategy == LOCAL:
            assert quantity.subdomain in range(4)
        else:
            assert quantity.strategy in experiment.strategies and quantity.strategy in STRATEGIES
        assert quantity.epoch is None or quantity.epoch <= experiment.training.epochs


@every_target
def test_every_number_stands_once_and_is_possible(name):
    places = [(cell.row, cell.column) for cell in CELLS[name]]
    assert len(places) == len(set(places))
    assert all(0.05 < cell.paper < (1 if cell.quantity.is_share else 3) for cell in CELLS[name])


@every_target
def test_something_of_every_target_is_small(name):
    small = {fingerprint(cell.small.experiment.model_dump(mode="json")) for cell in CELLS[name] if cell.small}
    full = {fingerprint(cell.full.experiment.model_dump(mode="json")) for cell in CELLS[name]}
    assert small and not small & full


@every_target
def test_trainings_of_flat_images_fit_them(name):
    for training in {id(training): training for _, training in trainings(name)}.values():
        experiment = training.experiment
        if experiment.dataset.name in ("mosmed", "ct_phantom") or experiment.model.name.startswith("mlp"):
            continue
        about = described(training.recipe)
        side = experiment.dataset.size or about.shape[0]
        assemble(experiment, Description(about.classes, 3, (side, side), 1000, 100, "", ""))


# ---- the numbers against what else has them


@pytest.mark.parametrize("number", [1, 2])
def test_klawonn_has_all_numbers_of_the_table(number):
    table = paper_table().query("table == @number")
    cells = CELLS[f"klawonn-table{number}"]
    assert sorted(table["validation"]) == sorted(cell.paper for cell in cells)
    for cell in cells:
        assert f"{cell.paper:.4f}" in " ".join((RECIPES[cell.full.recipe].__doc__ or "").split())


def test_gu_agrees_with_the_recipes():
    """Those of the recipes' docstrings are the paper's, too, typed in by themselves."""
    compared = 0
    for cell in (*CELLS["gu-table33"], *CELLS["gu-table35"]):
        text = " ".join((RECIPES.get(cell.full.experiment.name, str).__doc__ or "").split())
        told = re.search(rf"``{cell.quantity.strategy}`` (0\.\d+)", text)
        if told and cell.quantity.measure == ACCURACY and "The paper" in text:
            assert float(told.group(1)) == pytest.approx(cell.paper), (cell.row, cell.column)
            compared += 1
    assert compared >= 8 + 14


def test_gu_trains_what_the_recipes_of_the_same_name_train():
    for cell in (*CELLS["gu-table33"], *CELLS["gu-table35"]):
        for experiment in (training.experiment for training in (cell.full, cell.small) if training):
            if experiment.name in RECIPES:
                recipe = RECIPES[experiment.name]().with_settings({"strategies": list(experiment.strategies)})
                assert fingerprint(recipe.model_dump(mode="json")) == fingerprint(experiment.model_dump(mode="json"))


def test_apts_agrees_with_the_recipes():
    for figure, recipe in (
        ("apts-fig1", "apts_mnist_full"),
        ("apts-fig1", "apts_mnist_mini"),
        ("apts-fig2", "apts_cifar10_mini"),
    ):
        text = " ".join((RECIPES[recipe].__doc__ or "").split())
        told = re.search(r"at 10 and 100 epochs: ([\d.]+) % and ([\d.]+) %; Adam ([\d.]+) % and ([\d.]+) %", text)
        own = [
            cell for cell in CELLS[figure] if cell.full.recipe == recipe and cell.column in ("epoch 10", "epoch 100")
        ]
        found = [100 * cell.paper for word in ("N = 2, order 1", ADAM) for cell in own if cell.row.endswith(word)]
        assert found == pytest.approx(list(map(float, told.groups())))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published curves are not part of this copy")
def test_apts_agrees_with_the_published_curves():
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = {tuple(row[key] for key in ("dataset", "batches", "subdomains", "order", "epoch")): row for row in rows}
    compared = 0
    for figure, data in (("apts-fig1", "mnist"), ("apts-fig2", "cifar10")):
        for cell in CELLS[figure]:
            label = re.search(r"N = (\d), order (\d)", cell.row)
            batches = "full" if cell.full.recipe.endswith("_full") else "mini"
            row = label and known.get((data, batches, *label.groups(), str(cell.quantity.epoch)))
            if row:
                accuracy = cell.quantity.measure == ACCURACY
                theirs = float(row["accuracy"]) / 100 if accuracy else float(row["loss"])
                assert theirs == pytest.approx(cell.paper, abs=1.1e-4 if accuracy else 1.1e-3), (cell.row, cell.column)
                compared += 1
    assert compared > 50
