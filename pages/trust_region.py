"""Trust region: how methods without a learning rate choose their steps."""

import streamlit as st

from ddlab.registry.analyses import ANALYSES
from pages.ui import results, selection, shell
from pages.ui.sweeps import sensitivity
from pages.ui.trust_region import history as radius
from pages.ui.trust_region import playground, split_or_shared

VIEWS = {
    "playground": "Playground",
    "history": "A run's history",
    "against": "Runs against each other",
    "sensitivity": "How sensitive?",
    "data": "Split or shared data?",
}

shell.title("How does a method without a learning rate choose its steps?")
st.markdown(
    "It predicts what a step will bring, within a ball around where it stands, and looks whether that came true: then "
    "the ball grows, else it shrinks. APTS lets subdomains of the data walk first, each on its own, and adds their "
    "steps."
)
view = selection.pick_one_of(VIEWS, "What to see", "view")
why_not = ANALYSES["trust_region"].why_not
if view == "playground":
    playground.show()
elif view == "history":
    run = results.require_run("Here the radius of a run is followed step by step.", why_not)
    radius.show_history(run)
elif view == "against":
    run = results.require_run("Here the strategies of a run stand against each other.", why_not)
    radius.show_against([run, *selection.pick_others(run)])
elif view == "sensitivity":
    sensitivity.show()
elif view == "data":
    split_or_shared.show()
