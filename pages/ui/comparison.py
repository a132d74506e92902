"""The table of strategies as people read it."""

import pandas as pd
import streamlit as st

from ddlab.words import mark

SHARE = "percent"


def show_table(table: pd.DataFrame, paper: pd.DataFrame, name: str, *, balanced: bool) -> None:
    """Draw a strategy table, the paper's numbers beside it where there are some, and offer it as CSV.

    Parameters
    ----------
    balanced
        Whether to show the mean recall over the classes beside the accuracy.
    """
    shown = table.drop(columns=["run_id", "strategy"]).assign(flops=table["flops"] / 1e6)
    shown["rank_flops"] = table["rank_flops"] / 1e9
    if table["run_id"].nunique() == 1:
        shown = shown.drop(columns="run")
    if len(paper):
        by_strategy = dict(zip(paper["strategy"], paper["validation"], strict=True))
        place = shown.columns.get_loc("validation_sd") + 1
        shown.insert(place, "paper", [by_strategy.get(strategy) for strategy in table["strategy"]])
    if table["same_answer"].any():
        shown["title"] = [mark(*row) for row in zip(table["title"], table["same_answer"], table["seeds"], strict=True)]
    shown = shown.drop(columns="same_answer")
    if not balanced:
        shown = shown.drop(columns="balanced")
    if table["seeds"].max() == 1:
        shown = shown.drop(columns=["validation_sd", "train_sd"])
    st.dataframe(shown, hide_index=True, column_config=_columns(), key="strategies", placeholder="–")
    csv = table.to_csv(index=False).encode()
    st.download_button("Table as CSV", csv, f"{name}-strategies.csv", "text/csv", on_click="ignore")


def _columns() -> dict:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "run": text("Run"),
        "title": text("Strategy"),
        "seeds": number("Seeds", help="Seeds that are done."),
        "validation": number("Validation", format=SHARE, help="Share of validation images decided rightly, mean."),
        "validation_sd": number("± sd", format=SHARE, help="Standard deviation over the seeds."),
        "paper": number("Paper", format=SHARE, help="Validation accuracy in Klawonn, Lanser, Weber."),
        "train": number("Training", format=SHARE, help="Share of training images decided rightly, mean."),
        "train_sd": number("± sd ", format=SHARE),
        "balanced": number(
            "Balanced", format=SHARE, help="Mean over the classes of the share of their images decided rightly."
        ),
        "last_validation": number("Last epoch", format=SHARE, help="Validation accuracy after the last epoch."),
        "best_epoch": number("Best epoch", format="%.0f", help="Mean over the seeds; empty where nothing is trained."),
        "parameters": number("Parameters", format="localized"),
        "flops": number("Forward (MFLOP)", format="%.1f", help="Million operations to decide about one image."),
        "seconds": number("Wall time", format="%.1f s", help="All stages that the strategy needs, mean of the seeds."),
        "rank_flops": number(
            "Work a rank (GFLOP)", format="%.0f", help="Billion operations of training, of the rank with most to do."
        ),
    }
