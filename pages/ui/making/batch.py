"""The batch script of an experiment whose engine is SLURM, before it is sent."""

import hashlib
import os

import streamlit as st

from ddlab.access import has_rules
from ddlab.engine.batch_script import EDITABLE, MOST_SCRIPT, batch_script
from ddlab.experiment import Experiment


def script(experiment: Experiment) -> str:
    """Show the script that SLURM will be sent; gives it if it was edited, else nothing.

    Only where the server was started so that its visitors may edit: an edited script is any program, run in the name of
    who started the server.
    """
    if experiment.placement.engine != "slurm":
        return ""
    made = batch_script(experiment)
    with st.expander("The batch script that SLURM will be sent", icon=":material/terminal:"):
        if not os.environ.get(EDITABLE) or has_rules():
            st.code(made, language="bash", wrap_lines=True)
            st.caption(
                "To change it: `ddlab train … --dry-run` writes it and `--script FILE` sends the edited one; "
                "`ddlab app --edit-scripts` lets who can open these pages edit it here."
            )
            return ""
        key = f"batch script {hashlib.sha256(made.encode()).hexdigest()[:12]}"  # another experiment: anew
        edited = st.text_area("Script", made, 420, MOST_SCRIPT, key=key, label_visibility="collapsed")
        return "" if edited == made else edited
