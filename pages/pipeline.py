"""Pipeline: a network cut across its layers, what its modules cost, and what every schedule makes of them."""

import streamlit as st

from ddlab.analyses.pipeline import notice, traces
from pages.ui import results, selection, shell
from pages.ui.pipeline import choices, equations, memory, methods, paper, partition, ran, schedule, ways

shell.title("What does cutting the layers buy?")
st.markdown(
    "One network over several machines: each holds some consecutive layers, a **module**, and hands its maps to the "
    "next. So that not all wait for one, a batch is cut in **micro-batches** that follow each other. Its plan "
    "is counted from the network, without training."
)
view = selection.pick_one_of({"plan": "Plan", "ran": "What really ran"}, "What to see", "view")
if view == "ran":
    ran.show(results.require_run("Here the steps of a run's pipeline stand beside their simulation.", traces.why_not))
    st.stop()
asked = choices.pick()
plan = asked.plan
choices.summary(plan)
shell.notice(notice.of_plan(plan))

st.subheader("Where is the network cut?")
partition.show(plan)

st.subheader("Who works when?")
schedule.show(plan)

st.subheader("What does every machine keep in memory?")
memory.show(plan)

st.subheader("How many micro-batches?")
methods.show_speed_ups(plan)

st.subheader("Do the paper's equations agree?")
equations.show(plan)

st.subheader("All schedules and methods")
methods.show_table(plan)

st.subheader("Three ways to use n machines")
ways.show(asked)

st.subheader("What the paper measured, and what its model allows")
paper.show()
