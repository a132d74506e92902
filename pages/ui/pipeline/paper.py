"""The paper's Tables 3 to 7, and where they exceed what its own model allows."""

import streamlit as st

from ddlab.analyses.pipeline.paper import excess, memory_shares, splitting_table, training_table
from ddlab.figures.pipeline.speed_up import PAPER_TITLE, paper_lines
from pages.ui import charts


def show() -> None:
    """Draw the paper's speed-ups against n²/(2n - 1) and n, and offer its tables."""
    table = training_table()
    charts.show(paper_lines(table, PAPER_TITLE), table, "paper speed-ups", "akintoye-tables-3-to-5")
    st.caption(
        "Dashed: the second task of a network, AD vs. NC or CIFAR-10; drawn through: sMCI vs. pMCI, CIFAR-100. The "
        "speed-ups follow from the minutes of Tables 3 to 5."
    )
    st.info(" ".join(excess(table)), icon=":material/balance:")
    with st.expander("Their accuracies, times of splitting, and memory (Tables 3 to 7)"):
        st.markdown("**Accuracy by number of GPUs** (Tables 3 to 5): no trend, as the gradients are exact")
        accuracies = table.pivot_table(index=["table", "model", "task"], columns="gpus", values="accuracy", sort=False)
        shown = accuracies.map("{:.2f}".format).rename(columns=str).reset_index().rename(columns=str.capitalize)
        st.dataframe(shown, hide_index=True, key="paper accuracies", height="content")
        left, right = st.columns(2)
        with left:
            st.markdown("**Splitting and merging, µs** (Table 6)")
            times = 1e6 * splitting_table().pivot(index="gpus", columns="case", values="seconds")
            times = times.map("{:.1f}".format).reset_index().rename(columns={"gpus": "GPUs"})
            st.dataframe(times, hide_index=True, key="paper splitting")
        with right:
            st.markdown("**Memory in use** (Table 7)")
            shares = memory_shares().set_index("method").map("{:.0%}".format).reset_index()
            st.dataframe(shares.rename(columns={"method": "Method"}), hide_index=True, key="paper memory")
            st.caption("Of how many GPUs is not said; the text calls the second network ResNet34.")
