"""The table of strategies as people read it."""

import pandas as pd
import streamlit as st

from ddlab.words import mark
from pages.ui.columns import Columns

SHARE = "percent"
CONDITIONS = ("epochs_as_one", "epochs", "work")  # stand beside the accuracies that were reached under them


def show_table(table: pd.DataFrame, paper: pd.DataFrame, name: str, *, balanced: bool) -> None:
    """Draw a strategy table, the paper's numbers beside it where there are some, and offer it as CSV.

    Parameters
    ----------
    balanced
        Whether to show the mean recall over the classes beside the accuracy.
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
    shown = shown.drop(columns="same_answer")
    if not balanced:
        shown = shown.drop(columns="balanced", errors="ignore")
    st.dataframe(
        shown[_ordered(list(shown.columns))],
        hide_index=True,
        column_config=_columns(),
        key="strategies",
        placeholder="–",
    )
    csv = table.to_csv(index=False).encode()
    st.download_button("Table as CSV", csv, f"{name}-strategies.csv", "text/csv", on_click="ignore")


def _ordered(columns: list[str]) -> list[str]:
    """The columns, what an accuracy took right after it."""
    last = ("validation", "validation_sd", "interval")  # whichever there are
    place = 1 + max(columns.index(name) for name in last if name in columns)
    taken = [name for name in CONDITIONS if name in columns]
    return list(dict.fromkeys([*columns[:place], *taken, *columns[place:]]))


def _between(low: float, high: float) -> str | None:
    return None if pd.isna(low) else f"{100 * low:.1f} – {100 * high:.1f} %"


def _columns() -> Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "run": text("Run"),
        "title": text("Strategy"),
        "seeds": number("Seeds", help="Seeds that are done."),
        "test": number("Test", format=SHARE, help="Share of test images decided correctly, mean; they chose nothing."),
        "test_sd": number("± sd  ", format=SHARE, help="Standard deviation over the seeds."),
        "interval": text(
            "95 %", help="Interval of the accuracy on the images that judge, over images, and over seeds if several."
        ),
        "validation": number("Validation", format=SHARE, help="Share of validation images decided correctly, mean."),
        "validation_sd": number("± sd", format=SHARE, help="Standard deviation over the seeds."),
        "paper": number("Paper", format=SHARE, help="Validation accuracy in Klawonn, Lanser, Weber."),
        "train": number("Training", format=SHARE, help="Share of training images decided correctly, mean."),
        "train_sd": number("± sd ", format=SHARE),
        "balanced": number(
            "Balanced", format=SHARE, help="Mean over the classes of the share of their images decided correctly."
        ),
        "top5": number("Top 5", format=SHARE, help="Share of the images whose class is among the first five."),
        "last_test": number("Last, test", format=SHARE, help="Test accuracy after the last epoch."),
        "last_validation": number("Last epoch", format=SHARE, help="Validation accuracy after the last epoch."),
        "best_epoch": number("Best epoch", format="%.0f", help="Mean over the seeds; empty where nothing is trained."),
        "epochs_as_one": number("Epochs as one", format="%.0f", help="Epochs that are trained as one model."),
        "epochs": number("Epochs in all", format="%.0f", help="These, and the epochs of its local networks."),
        "work": number(
            "Work in all", format=SHARE, help="Operations of training: all of the global network's are 100 %."
        ),
        "parameters": number("Parameters", format="localized"),
        "flops": number("Forward (MFLOP)", format="%.1f", help="Million operations to decide about one image."),
        "seconds": number("Wall time", format="%.1f s", help="All stages that the strategy needs, mean of the seeds."),
        "rank_flops": number(
            "Work a rank (GFLOP)", format="%.0f", help="Billion operations of training, of the rank with most to do."
        ),
    }
