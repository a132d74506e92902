"""The Train page: the whole experiment as a form, what it will cost, and the button."""

import streamlit as st

from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder
from pages.ui import form, plan, selection, shell, source

shell.title("What do you want to train?")
st.write(
    "An experiment says which images, how they are cut, which networks, and how the networks are combined. "
    "Begin with a recipe and change what you like: nothing starts before you press Train, and nothing can break."
)


def start(experiment: Experiment, command: str) -> None:
    """Make the run, launch it, and go where it can be followed."""
    run = RunFolder.create(experiment, command)
    try:
        launch(run)
    except (ValueError, RuntimeError) as error:
        st.error(str(error), icon=":material/front_hand:")
        return
    selection.choose(selection.RUN, run.id)
    st.switch_page("pages/runs.py", query_params={selection.RUN: run.id})


left, right = st.columns([3, 2], gap="large")
with left:
    begin = source.pick()
    edition = st.session_state.setdefault("form edition", 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        advanced = st.toggle("Advanced settings", key="advanced", persist_state="session")
        if st.button("Start over", icon=":material/undo:", help="Forget all changes to this form."):
            st.session_state["form edition"] += 1
            st.rerun()
    asked = form.show(begin.experiment.model_dump(mode="json"), f"{begin.name} #{edition}", advanced)

examined = plan.examine(asked.tree)
asked.report(examined.faults)

with right:
    st.subheader("What will happen", anchor=False)
    if examined.problem is not None and not examined.faults:
        plan.stages(examined.problem)
    for fault in examined.faults.splitlines():
        st.error(fault, icon=":material/front_hand:")
    reason = "Mend what is marked first." if examined.faults else None
    if examined.experiment is not None:
        command = plan.command_line(examined.experiment, begin.name)
        if st.button(
            "Train",
            icon=":material/model_training:",
            type="primary",
            width="stretch",
            disabled=bool(reason),
            help=reason,
        ):
            start(examined.experiment, command)
        plan.take_away(examined.experiment, command)
    else:
        st.button(
            "Train", icon=":material/model_training:", type="primary", width="stretch", disabled=True, help=reason
        )
