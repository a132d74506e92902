"""The paper's numbers beside those of a run, and beside those of all runs."""

from functools import partial

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison import paper
from ddlab.analyses.comparison.paper_print import as_printed, model_title, strategy_titles
from ddlab.runs import RunFolder, list_runs
from ddlab.written import as_csv
from pages.ui import results
from pages.ui.columns import Columns
from pages.ui.literal import literal

SHARE = "percent"


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _cell(path: str, changed: int) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    run = RunFolder(path)
    return paper.paper_comparison(run), paper.paper_differences(run.experiment), paper.contradictions(run.experiment)


def show_cell(run: RunFolder) -> None:
    """Draw the cell of the paper's tables that a run repeats, what differs in the set-up, and what to know of both."""
    table, differences, sentences = _cell(str(run.path), run.results_stamp())
    if table.empty:
        return
    first = table.iloc[0]
    st.header(f"Beside the paper: {first['dataset']}, {model_title(first['model'])}, {first['grid']}")
    shown = table.assign(strategy=strategy_titles(table), difference=100 * table["difference"])
    shown["train_difference"] = 100 * table["train_difference"]
    columns = ["strategy", "paper", "validation", "validation_sd", "difference"]
    columns += ["paper_train", "train", "train_difference", "table"]
    if not table["validation_sd"].notna().any():
        columns.remove("validation_sd")
    st.dataframe(shown[columns], hide_index=True, column_config=_columns(), key="paper", placeholder="–")
    csv = as_csv(table)
    st.download_button("The comparison as CSV", csv, f"{run.id}-paper.csv", "text/csv", on_click="ignore")
    st.caption(" ".join([*sentences, "What a shorter run can repeat is the **order** of the strategies."]))
    st.markdown("**What differs in the set-up**")
    st.table(differences.rename(columns=str.capitalize).map(literal), hide_index=True)


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
        table = _overview(tuple(str(run.path) for run in repeating), tuple(map(RunFolder.results_stamp, repeating)))
        shown = as_printed(table)
        shown["Runs"] = shown["Runs"].map(literal)
        shown["Recipe"] = [f"[train](train?recipe={recipe})" for recipe in shown["Recipe"]]
        st.table(shown, hide_index=True)
        st.caption(
            "Validation accuracy in percent: the paper's → that of the newest finished run here (difference in "
            "points). CNN-DNN is that of Table 2, where both tables have it. Drawn scans (`ct_phantom`) stand in for "
            "the CT scans where they are what was trained."
        )
        csv = as_csv(table)
        st.download_button("All numbers as CSV", csv, "paper.csv", "text/csv", on_click="ignore")
