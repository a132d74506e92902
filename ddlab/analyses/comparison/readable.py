"""The table of strategies as people read it: the columns that tell something, in their order and in readable units."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from ddlab.words import duration, mark
from ddlab.written import percent

SHARES = (
    *("test", "validation", "paper", "train", "balanced", "top5", "last_test", "last_validation", "work"),
    *("test_sd", "validation_sd", "train_sd"),
)
CONDITIONS = ("epochs_as_one", "epochs", "work")  # stand beside the accuracies that were reached under them


def readable(table: pd.DataFrame, paper: pd.DataFrame, *, balanced: bool) -> pd.DataFrame:
    """Make a strategy table readable, with the paper's numbers beside it where there are some.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.accuracy.strategy_table` gives it.
    paper
        As :func:`ddlab.analyses.comparison.paper.paper_rows` gives it; may be empty.
    balanced
        Whether to show the mean recall over the classes beside the accuracy.

    Returns
    -------
    pandas.DataFrame
        Columns of the table that hold something: shares to a tenth of a percent, ``flops`` in millions, ``rank_flops``
        in thousand millions, ``run`` only of several runs, ``title`` marked where the strategy says the same for every
        image; and ``interval`` of the images that judge, as text, and ``paper``.
    """
    shown = table.drop(columns=["run_id", "strategy"]).assign(flops=table["flops"] / 1e6)
    shown["rank_flops"] = table["rank_flops"] / 1e9
    judged = "test_sd" if table["test"].notna().any() else "validation_sd"
    ends = zip(table["low"], table["high"], strict=True)
    shown.insert(list(shown.columns).index(judged) + 1, "interval", [_between(low, high) for low, high in ends])
    shown = shown.drop(columns=["low", "high"]).dropna(axis="columns", how="all")
    if table["run_id"].nunique() == 1:
        shown = shown.drop(columns="run")
    if len(paper):
        by_strategy = dict(zip(paper["strategy"], paper["validation"], strict=True))
        theirs = [by_strategy.get(strategy) for strategy in table["strategy"]]
        shown.insert(list(shown.columns).index("validation"), "paper", theirs)
    if table["same_answer"].any():
        shown["title"] = [mark(*row) for row in zip(table["title"], table["same_answer"], table["seeds"], strict=True)]
    shares = [name for name in SHARES if name in shown]
    shown[shares] = shown[shares].astype(float).round(3)  # the pages write as many decimals as there are
    left_out = ["same_answer"] if balanced else ["same_answer", "balanced"]
    shown = shown.drop(columns=left_out, errors="ignore")
    return shown[_ordered(list(shown.columns))]


def written_columns(rows: Sequence[Mapping[Any, Any]]) -> dict[str, list[str]]:
    """Write the rows of a strategy table as text, a list of cells a column; columns without a number are left out.

    Accuracies stand beside the conditions that they were reached under: epochs, in all and of these as one model, and
    operations as a share of those that training the global network takes.

    Parameters
    ----------
    rows
        Of :func:`ddlab.analyses.comparison.accuracy.strategy_table`; what is not known is None or NaN.
    """
    known = [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]
    columns: dict[str, Callable[[dict[Any, Any]], str]] = {
        "strategy": lambda row: mark(row["title"], row["same_answer"], row["seeds"]),
        "test": lambda row: _percent(row["test"]),
        "validation": lambda row: _percent(row["validation"]),
        "95 %": lambda row: _ends(row["low"], row["high"]),
        "sd": lambda row: _plus_minus(row["test_sd"] if row["test"] is not None else row["validation_sd"]),
        "top 5": lambda row: _percent(row["top5"]),
        "training": lambda row: _percent(row["train"]),
        "epochs": lambda row: _count(row["epochs"]),
        "as one": lambda row: _count(row["epochs_as_one"]),
        "work": lambda row: _percent(row["work"]),
        "time": lambda row: duration(row["seconds"]),
    }
    cells = {name: [cell(row) for row in known] for name, cell in columns.items()}
    filled = {name: column for name, column in cells.items() if any(column)}
    if "test" in filled:
        filled = {name: filled[name] for name in ("strategy", "test", "95 %", "sd", *filled) if name in filled}
    return filled


def _percent(share: float | None) -> str:
    return "" if share is None else percent(share)


def _count(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}"


def _plus_minus(share: float | None) -> str:
    return "" if share is None else f"± {100 * share:.1f}"


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.1f}–{100 * high:.1f}"


def _ordered(columns: Sequence[str]) -> list[str]:
    """The columns, what an accuracy took right after it."""
    last = ("validation", "validation_sd", "interval")  # whichever there are
    place = 1 + max(columns.index(name) for name in last if name in columns)
    taken = [name for name in CONDITIONS if name in columns]
    return list(dict.fromkeys([*columns[:place], *taken, *columns[place:]]))


def _between(low: float, high: float) -> str | None:
    return None if pd.isna(low) else f"{100 * low:.1f} – {percent(high)}"
