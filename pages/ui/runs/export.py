"""A trained network as a file to take away."""

import streamlit as st

from ddlab import access
from ddlab.analyses.command_results import command_result
from ddlab.exports import FORMATS
from ddlab.exports.networks import exportable
from ddlab.runs import RunFolder
from pages.ui import held, shell

MADE = "exported network"  # what was made last: the question and the file


@held.fragment
def offer(run: RunFolder, seed: int) -> None:
    """Let a network and a format be chosen, make the file and hand it over."""
    with st.expander("Export a network"):
        titles = exportable(run, seed)
        if not titles:
            st.caption("This run was kept without the weights of its networks.")
            return
        left, right = st.columns(2)
        whole = "composed" if "composed" in titles else "global"  # what most people want
        first = whole if whole in titles else next(iter(titles))
        name = left.selectbox(
            "Network", list(titles), list(titles).index(first), format_func=lambda name: titles.get(name, name)
        )
        form = right.selectbox("Format", list(FORMATS), format_func=lambda form: FORMATS[form].title)
        st.caption(
            f"{FORMATS[form].description} It takes normalised images and gives logits; the classes, the normalisation "
            "and the part of the image that it sees are written in it."
        )
        question = (str(run.path), str(seed), name, form)
        with st.container(horizontal=True, vertical_alignment="center"):
            if shell.button("Make the file", f"export {run.id}", icon=":material/build:"):
                _make(run, question)
            made = st.session_state.get(MADE)
            if made and made[0] == question and made[1].exists():
                _hand_over(run, name, form)


def _make(run: RunFolder, question: tuple[str, str, str, str]) -> None:
    _, seed, name, form = question
    asked = ("--network", name, "--format", form, "--seed", seed)
    try:
        if not run.read_only:
            access.check(run.path, "export")
        with st.spinner("Builds the network and writes it down …"):
            made = command_result(
                "export-network", run.id, *asked, stamp=run.results_stamp(), suffix=FORMATS[form].suffix
            )
            st.session_state[MADE] = (question, made)  # in here: a run that is interrupted ends with the spinner
    except ValueError as error:
        shell.refuse(error)


def _hand_over(run: RunFolder, name: str, form: str) -> None:
    made, file = st.session_state[MADE][1], f"{name}{FORMATS[form].suffix}"
    st.download_button(
        f"Download {file}",
        made.read_bytes,
        f"{run.id}-{file}",
        "application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
    )
