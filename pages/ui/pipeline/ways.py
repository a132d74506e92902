"""Three ways to use n machines: cut the images, the data or the layers."""

import json
import operator
from typing import Any

import pandas as pd
import streamlit as st

from ddlab.analyses.pipeline.plan import PipelinePlan
from ddlab.analyses.pipeline.ways import WAYS, machine_numbers, ways_table
from ddlab.figures.pipeline.ways import ways_panels, ways_title
from pages.ui import charts
from pages.ui.literal import literal
from pages.ui.making import cut
from pages.ui.pipeline.choices import Asked

KEPT = 50  # tables in memory, of all sessions together


@st.cache_data(max_entries=KEPT, show_spinner="Counts what every way takes ...")
def _table(model: str, _plan: PipelinePlan, key: str) -> pd.DataFrame:
    settings: dict[str, Any] = json.loads(model)
    return ways_table(settings, _plan, machine_numbers(_plan.machines.number))


def show(asked: Asked) -> None:
    """Draw time, bytes and memory of every way against n, and say what is assumed."""
    st.markdown(
        "**Cut the images**: small networks, each on its part of all images. **Cut the data**: the whole network on "
        "every machine, each with a part of the batch. **Cut the layers**: the pipeline above."
    )
    plan = asked.plan
    model = asked.model | {"reduction": cut.pick_reduction()}
    table = _table(json.dumps(model), plan, repr(plan))
    number, title = plan.machines.number, ways_title(plan.batch_size, plan.machines.bandwidth)
    charts.show(ways_panels(table, number, title), table, "ways", "three-ways")
    here = [row for row in table.to_dict("records") if row["machines"] == number and not row["reason"]]
    if here:
        first = min(here, key=operator.itemgetter("seconds"))
        st.markdown(
            f"With {number} machines the shortest step is that of **{literal(first['title'])}** "
            f"({WAYS[first['way']]}), by these counts."
        )
    st.caption(
        "Cutting the images makes *other* networks, with less work by the rule above: their accuracy is another, too. "
        "Average sends nothing while it trains, so it has no line of bytes; the coherent model sends its local "
        "outputs, which takes hardly any time. Data parallel training sums gradients; a step of APTS holds several "
        "local steps. A pipeline keeps less than one machine that has the whole batch at once, as it works in "
        "micro-batches even alone. A point is missing where something cannot be; the table says why."
    )
    with st.expander("What is assumed"):
        st.markdown(ASSUMED)


ASSUMED = """
- All machines reach the same rate, however small their networks are; small ones reach less in truth.
- A backward pass takes twice the operations of a forward pass, half of it for the gradient of the weights.
- A gradient is summed by a ring all-reduce: each machine sends 2(n − 1)/n of it. Local outputs are gathered in a ring:
  each sends (n − 1)/n of them. Machines do not compute meanwhile.
- A transfer of the pipeline delays who waits for it; any number of them go on at once.
- Cutting the images makes as many nearly equal boxes as there are machines, without overlap.
- Memory is weights, gradients, Adam's two numbers a parameter and kept activations, in float32. What methods with a
  trust region keep beside the weights is counted as if it were Adam's.
- Updates, the loading of images and validation are left out.
"""
