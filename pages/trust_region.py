"""Trust region: how methods without a learning rate choose their steps."""

import streamlit as st

from pages.ui import playground, selection, sensitivity, shell

VIEWS = {"playground": "Playground", "sensitivity": "How sensitive?"}

shell.title("How does a method without a learning rate choose its steps?")
st.markdown(
    "It predicts what a step will bring, within a ball around where it stands, and looks whether that came true: then "
    "the ball grows, else it shrinks. APTS lets subdomains of the data walk first, each on its own, and adds their "
    "steps."
)
view = selection.pick_one_of(VIEWS, "What to see", "view")
if view == "playground":
    playground.show()
elif view == "sensitivity":
    sensitivity.show()
