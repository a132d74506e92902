"""The paper's tables as it prints them, a row a cell and a column a strategy, with what the runs here have of them."""

from functools import cache
from typing import Any

import pandas as pd

from ddlab.analyses.comparison.paper import Cell, cell_of
from ddlab.recipes import RECIPES
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES

NOTHING = "–"


def as_printed(overview: pd.DataFrame) -> pd.DataFrame:
    """Lay an overview out as the paper does.

    Parameters
    ----------
    overview
        As :func:`ddlab.analyses.comparison.paper.paper_overview` gives it.

    Returns
    -------
    pandas.DataFrame
        ``Data``, ``Model``, ``Grid``; a column a strategy with the paper's accuracy in percent and, where a run repeats
        it, ours and the difference in points; ``Runs`` that repeat the cell, and the ``Recipe`` that would.
    """
    rows = []
    for key, part in overview.groupby(["dataset", "model", "grid"], sort=False):
        cell = Cell(*map(str, key))
        shown = dict(zip(strategy_titles(part), map(_beside, part.itertuples()), strict=True))
        last = {"Runs": ", ".join(part["runs"].iloc[0]), "Recipe": recipes_of_cells()[cell]}
        rows.append({"Data": cell.dataset, "Model": model_title(cell.model), "Grid": cell.grid} | shown | last)
    return pd.DataFrame(rows, columns=list(rows[0])).fillna(NOTHING)  # the first row has all strategies


def strategy_titles(table: pd.DataFrame) -> list[str]:
    """The titles of a table's strategies, row by row, whether a run has them or not."""
    return [STRATEGIES[name].title if name in STRATEGIES else name for name in table["strategy"]]


def model_title(model: str) -> str:
    """A model of the paper as people know it."""
    return MODELS[model].title


@cache
def recipes_of_cells() -> dict[Cell, str]:
    """Name the recipe that repeats each cell of the paper in full."""
    whole = [name for name in RECIPES.own if name.startswith("klawonn_") and not name.endswith("_small")]
    cells = {name: cell_of(RECIPES[name]().model_dump(mode="json")) for name in whole}
    return {cell: name for name, cell in cells.items() if cell is not None}


def _beside(row: Any) -> str:
    if pd.isna(row.validation):
        return f"{100 * row.paper:.1f}"
    return f"{100 * row.paper:.1f} → {100 * row.validation:.1f} ({100 * row.difference:+.1f})"
