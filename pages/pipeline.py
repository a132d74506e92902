"""Pipeline: a network cut across its layers, what its modules cost, and what every schedule makes of them."""

import streamlit as st

from ddlab.analyses.pipeline import notice, traces
from pages.ui import held, results, selection, shell
from pages.ui.pipeline import choices, equations, memory, methods, paper, partition, ran, schedule, ways

CLOSER = {  # questions below the schedule, one at a time
    "speed": "How many micro-batches?",
    "memory": "What does every machine keep in memory?",
    "equations": "Do the paper's equations agree?",
    "methods": "All schedules and methods",
    "ways": "Three ways to use n machines",
    "paper": "What the paper measured, and what its model allows",
}


@held.fragment
def closer(asked: choices.Asked) -> None:
    """Draw the answer to one more question about the plan."""
    part = selection.pick_one_of(CLOSER, "Look closer", "part")
    st.header(CLOSER[part])
    if part == "speed":
        methods.show_speed_ups(asked.plan)
    elif part == "memory":
        memory.show(asked.plan)
    elif part == "equations":
        equations.show(asked.plan)
    elif part == "methods":
        methods.show_table(asked.plan)
    elif part == "ways":
        ways.show(asked)
    else:
        paper.show()


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

st.header("Where is the network cut?")
partition.show(plan)

st.header("Who works when?")
schedule.show(plan)

closer(asked)
