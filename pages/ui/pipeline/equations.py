"""The paper's equations beside the event simulation."""

import streamlit as st

from ddlab.analyses.pipeline.equations import Equations, differences, equation_table
from ddlab.analyses.pipeline.plan import PipelinePlan, time_unit
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.pipeline.theory import overlap_limit
from ddlab.written import as_csv
from pages.ui.columns import Columns

FORMULAS = (
    r"T_{NO} = n^2\,(T_F + T_B + 2\,T_C) \quad (11)",
    r"\begin{aligned} T_O ={}& n\,(T_F + T_B + 2\,T_C) \\ &+ 2\,(n-1)\max(T_F, T_B) \quad (12) \end{aligned}",
    r"S = \frac{T_{NO}}{T_O}\ \overset{T_F = T_B,\ T_C = 0}{\longrightarrow}\ \frac{n^2}{2n-1} \quad (13)",
)


def show(plan: PipelinePlan) -> None:
    """Write the equations, their numbers beside those of the simulation, and why they differ."""
    found = Equations.of(plan)
    number, (forward, backward, transfer) = found.num_ranks, found.means
    table = equation_table(found)
    unit, a_second = time_unit(float(table["formula"].iloc[0]))
    left, right = st.columns(2)
    with left:
        for formula in FORMULAS:
            st.latex(formula)
    with right:
        st.markdown(
            f"**T_NO**: a batch without overlap, one machine after the other. **T_O**: with overlap. **S**: speed-up "
            f"by overlap. All for m = n micro-batches. Here n = {number}, and the mean module has\n\n"
            f"T_F = {forward * a_second:.3g} {unit} (forward pass), T_B = {backward * a_second:.3g} {unit} (backward "
            f"pass), T_C = {transfer * a_second:.3g} {unit} (transfer).\n\n"
            f"Limit: n²/(2n − 1) = {overlap_limit(number):.3f}."
        )
    shown = table.copy()
    shown["quantity"] = shown["quantity"] + " " + shown["equation"]
    shown["schedule"] = [SCHEDULES[name].title for name in shown["schedule"]]
    for column in ("formula", "equal", "partition"):
        values = zip(table["quantity"], table[column], strict=True)
        shown[column] = [f"{x:.3f}" if name == "S" else f"{x * a_second:.4g} {unit}" for name, x in values]
    st.dataframe(shown.drop(columns="equation"), hide_index=True, column_config=_columns(), key="equations")
    csv = as_csv(table)
    st.download_button("Equations as CSV", csv, "pipeline-equations.csv", "text/csv", on_click="ignore")
    reasons = differences(found)
    if not reasons:
        st.success("Equations and simulation agree.")
        return
    st.markdown("**Why they differ**")
    st.markdown("\n".join(f"- {text} Here {time * a_second:+.3g} {unit}." for text, time in reasons))


def _columns() -> Columns:
    text = st.column_config.TextColumn
    return {
        "quantity": text("Quantity", pinned=True),
        "schedule": text("Simulated schedule", help="Fig. 3(b) of the paper can be read as either of the two."),
        "formula": text("Equation"),
        "equal": text("Simulated, equal modules", help="All modules take the mean times."),
        "partition": text("Simulated, this network", help="Every module takes its own times."),
    }
