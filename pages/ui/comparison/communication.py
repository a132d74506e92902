"""Bytes that ranks send each other, by strategy."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.communication import measured_communication
from ddlab.figures.comparison.cost import communication_bars
from ddlab.runs import RunFolder
from pages.ui import charts, results
from pages.ui.literal import literal


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _table(path: str, changed: int) -> pd.DataFrame:
    return measured_communication(RunFolder(path))


def show(run: RunFolder) -> None:
    """Draw the bytes of a training step of every strategy; nothing where the data are gone."""
    try:
        table = _table(str(run.path), run.results_stamp())
    except ValueError as error:
        st.caption(f"What ranks send cannot be told: {literal(error)}")
        return
    st.header("What must ranks send each other?")
    measured = table["measured"].notna().any()
    title = "Bytes between ranks a training step" + ("; ◆ measured in this run" if measured else "")
    charts.show(communication_bars(table, title), table, "communication", f"{run.id}-communication")
    one_rank = "" if measured else " This run had one rank, or has no result yet, so nothing was sent."
    st.caption(
        "Payload of the collectives. A coherent model sends the N·K local outputs of its batch, however large its "
        "networks are, and in the forward pass only: every rank computes the whole small DNN and so knows the gradient "
        "of its own outputs. Data parallel training sends the gradient of every parameter. The methods with a trust "
        "region sum one to three vectors of that length, and more where trials are rejected or curvature is learned. "
        f"Local networks, and what decides from them, send nothing while they are trained.{one_rank}"
    )
