"""The report of a run as a file to take away."""

import streamlit as st

from ddlab.reports import report_csv, report_html
from ddlab.runs import RunFolder
from pages.ui import held, shell

MADE = "report"  # what was made last: the question, and the file of each kind


@held.fragment
def offer(run: RunFolder, seed: int) -> None:
    """Let the report be written, and hand it over; whoever may not export the run is told so."""
    question = (str(run.path), seed, run.results_stamp())
    with st.container(horizontal=True, vertical_alignment="center"):
        if shell.button("Write the report", f"report {run.id}", icon=":material/description:"):
            try:
                with st.spinner("Draws the figures …"):
                    st.session_state[MADE] = question, report_html(run, seed), report_csv(run, seed)
            except ValueError as error:
                shell.refuse(error)
        made = st.session_state.get(MADE)
        if made and made[0] == question:
            _download("The report (HTML)", made[1], f"{run.id}.html", "text/html")
            _download("Its numbers (CSV)", made[2], f"{run.id}.csv", "text/csv")
    st.caption(
        "What was asked and how to repeat it, accuracies, curves, one image and the limits of all that, in one file "
        "that opens without a network and prints on A4; the numbers have a row a strategy."
    )


def _download(label: str, text: str, file: str, kind: str) -> None:
    st.download_button(label, text.encode(), file, kind, icon=":material/download:", on_click="ignore")
