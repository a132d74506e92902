"""The paper's numbers beside those of a run, and beside those of all runs."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison import paper
from ddlab.recipes import RECIPES
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, list_runs
from pages.ui import results
from pages.ui.columns import Columns
from pages.ui.literal import literal

SHARE = "percent"
WHOLE = [name for name in RECIPES if name.startswith("klawonn_") and not name.endswith("_small")]


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _cell(path: str, changed: int) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    run = RunFolder(path)
    return paper.paper_comparison(run), paper.paper_differences(run.experiment), paper.contradictions(run.experiment)


def show_cell(run: RunFolder) -> None:
    """Draw the cell of the paper's tables that a run repeats, what differs in the set-up, and what to know of both."""
    table, differences, sentences = _cell(str(run.path), results.stamp(run))
    if table.empty:
        return
    first = table.iloc[0]
    st.subheader(f"Beside the paper: {first['dataset']}, {paper.MODELS[first['model']]}, {first['grid']}")
    shown = table.assign(strategy=_titles(table), difference=100 * table["difference"])
    shown["train_difference"] = 100 * table["train_difference"]
    columns = ["strategy", "paper", "validation", "validation_sd", "difference"]
    columns += ["paper_train", "train", "train_difference", "table"]
    if not table["validation_sd"].notna().any():
        columns.remove("validation_sd")
    st.dataframe(shown[columns], hide_index=True, column_config=_columns(), key="paper", placeholder="–")
    csv = table.to_csv(index=False).encode()
    st.download_button("The comparison as CSV", csv, f"{run.id}-paper.csv", "text/csv", on_click="ignore")
    st.caption(" ".join([*sentences, "What a shorter run can repeat is the **order** of the strategies."]))
    st.markdown("**What differs in the set-up**")
    st.table(differences.rename(columns=str.capitalize).map(literal), hide_index=True)


def _titles(table: pd.DataFrame) -> list[str]:
    return [STRATEGIES[name].title if name in STRATEGIES else name for name in table["strategy"]]


def _columns() -> Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    points = partial(number, format="%+.1f", help="Ours less theirs, in percentage points.")
    return {
        "strategy": text("Strategy"),
        "paper": number("Paper", format=SHARE, help="Validation accuracy in Klawonn, Lanser, Weber."),
        "validation": number("Here", format=SHARE, help="Validation accuracy, mean of the seeds."),
        "validation_sd": number("± sd", format=SHARE, help="Standard deviation over the seeds."),
        "difference": points("Difference"),
        "paper_train": number("Paper, training", format=SHARE),
        "train": number("Here, training", format=SHARE),
        "train_difference": points("Difference "),
        "table": number("Table", help="Which of the paper's tables."),
    }


# ---- all cells


@st.cache_data(max_entries=results.KEPT, show_spinner="Reading the runs ...")
def _overview(paths: tuple[str, ...], changed: tuple[int, ...]) -> pd.DataFrame:
    return paper.paper_overview([RunFolder(path) for path in paths])


def show_overview() -> None:
    """Offer the paper's tables with what the runs here have of them; nothing is read before it is opened."""
    whole = st.expander("All of the paper's Tables 1 and 2 beside the runs here", key="overview", on_change="rerun")
    if not whole.open:
        return
    with whole:
        repeating = [run for runs in paper.repeating_runs(list_runs()).values() for run in runs]
        repeating.sort(key=lambda run: run.id, reverse=True)
        table = _overview(tuple(str(run.path) for run in repeating), tuple(map(results.stamp, repeating)))
        st.table(_wide(table), hide_index=True)
        st.caption(
            "Validation accuracy in percent: the paper's → that of the newest finished run here (difference in "
            "points). CNN-DNN is that of Table 2, where both tables have it. Drawn scans (`ct_phantom`) stand in for "
            "the CT scans where they are what was trained."
        )
        csv = table.to_csv(index=False).encode()
        st.download_button("All numbers as CSV", csv, "paper.csv", "text/csv", on_click="ignore")


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """A row a cell, a column a strategy, as the paper prints them."""
    recipes = {paper.cell_of(RECIPES[name]().model_dump(mode="json")): name for name in WHOLE}
    rows = []
    for key, cell in table.groupby(["dataset", "model", "grid"], sort=False):
        where = paper.Cell(*map(str, key))
        shown = dict(zip(_titles(cell), [_beside(row) for row in cell.itertuples()], strict=True))
        last = {"Runs": literal(", ".join(cell["runs"].iloc[0])), "Recipe": f"[train](train?recipe={recipes[where]})"}
        rows.append({"Data": where.dataset, "Model": paper.MODELS[where.model], "Grid": where.grid} | shown | last)
    return pd.DataFrame(rows, columns=list(rows[0])).fillna("–")  # the first row has all strategies


def _beside(row: Any) -> str:
    if pd.isna(row.validation):
        return f"{100 * row.paper:.1f}"
    return f"{100 * row.paper:.1f} → {100 * row.validation:.1f} ({100 * row.difference:+.1f})"
