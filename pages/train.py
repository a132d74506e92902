"""The Train page: the whole experiment as a form, what it will cost, and the button."""

import streamlit as st

from pages.ui import address, selection, shell
from pages.ui.making import batch, form, own, plan, source, where
from pages.ui.runs import live

shell.title("What do you want to train?")
st.write(
    "An experiment says which images, how they are cut, which networks, and how the networks are combined. "
    "Begin with a recipe and change what you like: nothing starts before you press Train, and nothing can break."
)

left, right = st.columns([3, 2], gap="large")
with left:
    begin = source.pick()
    tree, edition = source.begin(begin)
    with st.container(horizontal=True, vertical_alignment="center"):
        advanced = st.toggle("Advanced settings", key="advanced", persist_state="session")
        if st.button("Start over", icon=":material/undo:", help="Forget all changes to this form."):
            source.forget()
            st.rerun()
    asked = form.show(tree, edition, advanced)
    source.remember(begin, asked.tree)

examined = plan.examine(asked.tree)
where.tell(asked.messages.get(where.BECAUSE), examined.problem if not examined.faults else None)
awaited = own.awaits(asked.tree["dataset"])
elsewhere = [] if awaited else asked.report(examined.faults)

with right:
    st.header("What will happen", anchor=False)
    foreseen = examined.problem if not examined.faults else None
    go = st.container(key="go")  # shell.css: on a phone it stays at the lower edge
    if foreseen is not None:
        with go:
            plan.about(foreseen)
        plan.stages(foreseen)
    if awaited:
        st.info(
            "Send your images, or name a folder of the server, and the plan appears here.", icon=":material/upload:"
        )
    elif examined.faults:
        st.warning("Correct what is marked in the form first.", icon=":material/front_hand:")
    for fault in elsewhere:
        shell.refuse(fault)
    reason = "Correct what is marked first." if examined.faults else None
    look = {"icon": ":material/model_training:", "type": "primary", "width": "stretch"}
    with go:
        pressed = shell.button("Train", "train", disabled=bool(reason), help=reason, **look)
    if examined.experiment is not None:
        command = plan.command_line(examined.experiment, begin.name)
        script = batch.script(examined.experiment)
        if pressed and (run := live.start(examined.experiment, command, script)):
            st.switch_page("pages/runs.py", query_params={selection.RUN: run.id})
        if foreseen is not None:
            plan.first_image(foreseen)
        plan.take_away(examined.experiment, command)
        address.copy_button()
