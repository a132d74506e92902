"""The paper's tables as it prints them, beside a run that repeats a cell."""

import pandas as pd

from ddlab.analyses.comparison.paper import Cell, paper_overview, paper_table
from ddlab.analyses.comparison.paper_print import as_printed, model_title, recipes_of_cells, strategy_titles
from tests.analyses.comparison.test_paper import asked, finished

PLACE = ["Data", "Model", "Grid"]


def test_a_row_a_cell_with_ours_where_a_run_repeats_it():
    run = finished(asked(), {"global": (0.7,)}, name="mine")
    table = as_printed(paper_overview([run])).set_index(PLACE)
    assert len(table) == 8
    mine, other = table.loc[("CIFAR-10", "VGG9", "2×2")], table.loc[("CIFAR-10", "ResNet20", "2×2")]
    assert mine["Global network"] == "75.8 → 70.0 (-5.8)"
    assert mine["Majority vote"] == "62.4" and other["Majority vote"] == "–"
    assert (mine["Runs"], other["Runs"]) == ("mine", "")
    assert (mine["Recipe"], other["Recipe"]) == ("klawonn_cifar10_vgg9", "klawonn_cifar10_resnet20")


def test_every_cell_has_the_recipe_that_repeats_it():
    cells = {Cell(*key) for key, _ in paper_table().groupby(["dataset", "model", "grid"])}
    assert set(recipes_of_cells()) == cells
    assert not any(recipe.endswith("_small") for recipe in recipes_of_cells().values())


def test_titles_are_those_of_the_registries_and_else_the_names():
    assert strategy_titles(pd.DataFrame({"strategy": ["global", "nobody's"]})) == ["Global network", "nobody's"]
    assert model_title("resnet20") == "ResNet20"
