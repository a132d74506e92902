"""The network and its cuts."""

import streamlit as st

from ddlab.analyses.pipeline.plan import PipelinePlan, module_table, sub_layer_table
from ddlab.figures.pipeline.plan import partition_bars, partition_title
from ddlab.pipeline.partition import GROUPINGS
from ddlab.written import as_csv, percent, si
from pages.ui import charts
from pages.ui.columns import Columns


def show(plan: PipelinePlan) -> None:
    """Draw the sub-layers with the cuts between modules, and the table of modules."""
    modules = module_table(plan)
    count = len(modules)
    rows = sub_layer_table(plan)
    charts.show(partition_bars(rows, modules, partition_title(count)), rows, "partition", "sub-layers")
    balance = plan.partition.balance
    st.caption(
        f"{GROUPINGS[plan.grouping].description} The mean module has {percent(balance)} of the work of the largest, "
        "for which all others wait. A sub-layer is what a cut leaves together: a layer that computes, or a residual "
        "block, and what follows it without products."
    )
    shown = modules.assign(share=100 * modules["share"])
    for column, unit in (("flops", "FLOP"), ("activation_bytes", "B"), ("sent_bytes", "B"), ("seconds", "s")):
        shown[column] = [_si(value, unit) for value in modules[column]]
    with st.expander(f"The {count} modules" if count > 1 else "The module"):
        st.dataframe(shown, hide_index=True, column_config=_columns(), key="modules")
        csv = as_csv(modules)
        st.download_button("Modules as CSV", csv, "modules.csv", "text/csv", on_click="ignore")


def _si(value: float, unit: str) -> str:
    for factor, prefix in ((1, ""), (1e3, "m"), (1e6, "µ")) if unit == "s" else ():
        if value * factor >= 1:
            return f"{value * factor:.3g} {prefix}{unit}"
    return si(value, unit) if value else "–"


def _columns() -> Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "module": number("Module"),
        "rank": number("Rank", help="The machine that it is on."),
        "sub_layers": number("Sub-layers"),
        "flops": text("Operations", help="Of a forward pass of one image."),
        "share": number("Share", format="%.1f %%"),
        "parameters": number("Parameters", format="localized"),
        "activation_bytes": text("Kept", help="Activations of one image that the backward pass needs."),
        "sent_bytes": text("Sent", help="Of one image to the next module; as many bytes of gradients come back."),
        "seconds": text("Forward pass", help="Of a micro-batch."),
    }
