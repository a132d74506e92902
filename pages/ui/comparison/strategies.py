"""The table of strategies as people read it."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.readable import readable
from ddlab.written import as_csv
from pages.ui.columns import Columns

SHARE = "percent"


def show_table(table: pd.DataFrame, paper: pd.DataFrame, name: str, *, balanced: bool) -> None:
    """Draw a strategy table, the paper's numbers beside it where there are some, and offer it as CSV.

    Parameters
    ----------
    balanced
        Whether to show the mean recall over the classes beside the accuracy.
    """
    shown = readable(table, paper, balanced=balanced)
    st.dataframe(shown, hide_index=True, column_config=_columns(), key="strategies", placeholder="–")
    csv = as_csv(table)
    st.download_button("Table as CSV", csv, f"{name}-strategies.csv", "text/csv", on_click="ignore")


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
        "last_validation": number(
            "Last epoch", format=SHARE, help="Validation accuracy after the last epoch, of votes that of every network."
        ),
        "best_epoch": number(
            "Best epoch",
            format="%.0f",
            help="Its own, mean over the seeds. Votes train nothing: each local network is kept at its own best epoch.",
        ),
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
