"""All ways of counting parameters and operations, side by side."""

import streamlit as st

from ddlab.analyses.comparison.cost import ways_table
from ddlab.problem import Problem
from pages.ui.columns import Columns

WORDS = {"parameters": "parameters", "flops": "operations"}
COLUMNS: Columns = {
    "quantity": "What",
    "counted": "Counted",
    "global": st.column_config.NumberColumn("Global network", format="localized"),
    "local 1": st.column_config.NumberColumn("Local network 1", format="localized"),
    "over_torch": st.column_config.NumberColumn("Global, more than torch", format="localized"),
}


def show(problem: Problem) -> None:
    """Draw the table, and say of every way what it counts."""
    with st.expander("All ways of counting, and why they differ"):
        table = ways_table(problem)
        table["quantity"] = table["quantity"].map(WORDS)
        st.dataframe(table[list(COLUMNS)], hide_index=True, column_config=COLUMNS)
        told = zip(*(table[name].tolist() for name in ("quantity", "counted", "explanation")), strict=True)
        lines = [f"- {quantity.capitalize()} **{counted}**: {explanation}" for quantity, counted, explanation in told]
        st.markdown("\n".join(lines))
