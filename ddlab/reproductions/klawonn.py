"""The cells of Klawonn, Lanser and Weber's Tables 1 and 2, with the numbers of ``ddlab.analyses.comparison.paper``."""

from typing import Any

from ddlab.analyses.comparison.paper import Cell as PaperCell
from ddlab.analyses.comparison.paper import paper_table
from ddlab.analyses.comparison.paper_print import model_title, recipes_of_cells
from ddlab.recipes import RECIPES
from ddlab.registry.strategies import STRATEGIES
from ddlab.reproductions.cells import Cell, Quantity, Training

SMALL = "_small"
DRAWN = {"seeds": [0, 1, 2], "dataset.test": "validation", "dataset.train_images": 300}  # two splits, as the paper
STAND_INS = {  # drawn chests: the scans may not be handed on, so that few have them
    f"klawonn_ct_vgg9_{words}": Training(
        "ct_phantom", {**DRAWN, "name": f"ct_phantom {words}", "decomposition.grid": [int(k) for k in words.split("x")]}
    )
    for words in ("2x2x1", "4x4x2")
}


def table_1() -> tuple[Cell, ...]:
    """Average, majority vote and CNN-DNN."""
    return _table(1)


def table_2() -> tuple[Cell, ...]:
    """The global network, CNN-DNN, and both models that are trained as one."""
    return _table(2)


def _table(number: int) -> tuple[Cell, ...]:
    cells = []
    rows: list[Any] = paper_table().query("table == @number").to_dict("records")
    for row in rows:
        recipe = recipes_of_cells()[PaperCell(row["dataset"], row["model"], row["grid"])]
        title = f"{row['dataset']}, {model_title(row['model'])}, {row['grid']}"
        strategy = row["strategy"]
        small, quantity = _small(recipe, strategy), Quantity(strategy)
        cells.append(Cell(title, STRATEGIES[strategy].title, row["validation"], quantity, Training(recipe), small))
    return tuple(cells)


def _small(recipe: str, strategy: str) -> Training | None:
    """Return what stands for a recipe on two cores; the global network, the same for all grids, is trained on one."""
    if recipe in STAND_INS:
        return STAND_INS[recipe]
    name = recipe + SMALL
    if name not in RECIPES:
        return None
    if strategy not in RECIPES[name]().strategies:
        name = name.replace("4x4", "2x2")
    return Training(name)
