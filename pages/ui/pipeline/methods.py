"""Schedules against the number of micro-batches, and the table of everything that trains modules on n machines."""

from typing import Any

import pandas as pd
import streamlit as st

from ddlab.analyses.pipeline.methods import NUMBERS, method_table, micro_batch_counts, speed_ups
from ddlab.analyses.pipeline.plan import PipelinePlan, time_unit
from ddlab.figures.pipeline.speed_up import speed_up_lines, speed_up_title
from ddlab.pipeline.theory import overlap_limit
from ddlab.written import as_csv, percent, si
from pages.ui import charts
from pages.ui.columns import Columns
from pages.ui.literal import literal
from pages.ui.words import explained

KEPT = 50  # tables in memory, of all sessions together


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _speed_ups(key: str, _plan: PipelinePlan) -> pd.DataFrame:
    return speed_ups(_plan, micro_batch_counts(_plan.machines.number, _plan.num_micro_batches))


def show_speed_ups(plan: PipelinePlan) -> None:
    """Draw the speed-up of all schedules against m, with the paper's point."""
    number, chosen = plan.machines.number, plan.num_micro_batches
    table = _speed_ups(repr(plan), plan)
    figure = speed_up_lines(table, number, chosen, speed_up_title(number))
    charts.show(figure, table, "speed-up", "pipeline-speed-up")
    st.caption(
        f"The paper takes as many micro-batches as machines, m = n, and so finds n²/(2n − 1) = "
        f"{overlap_limit(number):.2f} at most, about half of n. **With more micro-batches the idle time shrinks**, and "
        f"the speed-up rises towards n = {number}: n m/(m + n − 1) where modules are equal and transfers take no time. "
        f"Smaller micro-batches use a machine less well, which is not counted. Dashed: m = {chosen}."
    )


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _methods(key: str, _plan: PipelinePlan) -> pd.DataFrame:
    return method_table(_plan)


def show_table(plan: PipelinePlan) -> None:
    """Draw the table of all schedules and all methods with old gradients, and why some are not possible."""
    table = _methods(repr(plan), plan)
    possible = table[table["reason"] == ""]
    shown = possible[["title", *NUMBERS, "kind"]].copy()
    unit, a_second = time_unit(possible["seconds"].min())
    shown["seconds"] *= a_second
    shown["bubble"] = shown["bubble"].map(percent)
    for column in ("memory", "bytes"):
        shown[column] = [si(value, "B") for value in shown[column]]
    st.dataframe(shown, hide_index=True, column_config=_columns(unit), key="methods", height="content")
    for row in _rows(table[table["reason"] != ""]):
        st.caption(f"{row['title']} is not possible here: {literal(row['reason'])}.")
    with st.expander("What each of them trades"):
        st.markdown("\n".join(f"- **{row['title']}.** {row['trades']} *{row['reference']}.*" for row in _rows(table)))
    _download(table)
    st.caption(
        "Schedules have exact gradients: the batch is updated as if nothing were cut. Methods with old gradients train "
        "something slightly different: their weights have moved on by so many updates when a gradient arrives. Time: "
        "of a batch once the pipeline is full; an iteration begins for all modules together."
    )


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")


def _download(table: pd.DataFrame) -> None:
    csv = as_csv(table)
    st.download_button("All of them as CSV", csv, "pipeline-methods.csv", "text/csv", on_click="ignore")


def _columns(unit: str) -> Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "title": text("Schedule or method", pinned=True),
        "kind": text("Trains with"),
        "seconds": number(f"Time a batch ({unit})", format="%.3g"),
        "speed_up": number("Speed-up", format="%.2f×", help="Over one machine that does everything."),
        "bubble": text("Bubble", help=explained("bubble")),
        "memory": text("Memory", help="Of the machine that holds most."),
        "staleness": number("Staleness", format="%d", help=explained("staleness")),
        "weight_versions": number("Weight versions", format="%d", help="That a machine holds, at most."),
        "bytes": text("Sent a batch", help="By all machines together."),
    }
