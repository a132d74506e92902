"""The memory of every machine."""

import streamlit as st

from ddlab.analyses.pipeline.plan import PipelinePlan, memory_table
from ddlab.figures.pipeline.plan import memory_bars, memory_title
from pages.ui import charts


def show(plan: PipelinePlan) -> None:
    """Draw the bytes of every rank, with the schedule and with methods with old gradients."""
    table = memory_table(plan)
    charts.show(memory_bars(table, memory_title(plan.batch_size)), table, "memory", "pipeline-memory")
    st.caption(
        "Below the schedule stand methods without micro-batches: back-propagation, one module after the other, and "
        "three that let all modules work at once on different batches, with **old gradients**. For that they keep the "
        "activations of several batches, and DDG and FDG the weights of then. Adam keeps two numbers a parameter."
    )
