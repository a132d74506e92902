"""The accuracies of strategies, and beside them what they cost."""

import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.figures.comparison import accuracy as figures
from pages.ui import charts, selection


def show_accuracies(name: str, table: pd.DataFrame, published: pd.DataFrame, baseline: Baseline | None) -> None:
    """Draw the accuracy of every strategy as a bar.

    Parameters
    ----------
    name
        Begins the names of files that are saved.
    published
        The paper's numbers of the same experiment, or no row.
    """
    intervals = "; 95 % intervals" if table["low"].notna().any() else ""
    diamonds = "; ◆ the paper" if len(published) else ""
    title = f"Accuracy: {figures.bars_of(table)}, training (grey){intervals}{diamonds}"
    figure = figures.strategy_bars(table, title, published, baseline)
    charts.show(figure, table, "bars", f"{name}-accuracy")


def pick_cost() -> str:
    """Let the cost be chosen that stands below the accuracies."""
    return selection.pick_one_of(figures.COSTS, "Cost", "cost")


def show_costs(name: str, table: pd.DataFrame, cost: str) -> None:
    """Draw the accuracy of every strategy against one of its costs."""
    figure = figures.accuracy_against_cost(table, cost, "Accuracy against cost: up is better, left is cheaper")
    charts.show(figure, table[["run", "title", cost, "test", "validation"]], "cloud", f"{name}-cost")
