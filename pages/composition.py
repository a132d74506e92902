"""Composition: whether the composed network reproduces its local networks, and what further training changes."""

import streamlit as st

from ddlab.analyses.composition import notice
from ddlab.analyses.composition.premises import premises
from ddlab.analyses.composition.reading import telling_layer
from ddlab.registry.analyses import ANALYSES
from ddlab.strategies.stage import LOCAL
from pages.ui import results, selection, shell
from pages.ui.composition import blocks, feature_maps, theory

shell.title("Does the composed network reproduce its local networks, and what does further training change?")
st.markdown(
    "The local networks can be put together to one global network: their channels side by side, zeros between them. "
    "Gu, Zhang, Liu and Cai prove that it computes what they compute, under some premises, and train it on from there."
)
run = results.require_run(
    "Here the local networks of a run are composed and compared with what they become.", theory.fails
)
problem = results.posed(run)
if why := ANALYSES["verification"].why_not(run):
    theory.how_to(why)
    st.stop()

st.header("Which premises of the theorems does this run meet?")
theory.show_premises(premises(problem))
seed = selection.pick_seed(run)
if not run.stage(LOCAL, seed).done:
    st.info("The comparison appears here as soon as the local networks are trained.")
    st.stop()

st.header("Does it compute what its local networks compute?")
precision = selection.pick_one_of(theory.PRECISIONS, "Arithmetic", "precision")
found = theory.verified(run, problem, seed, precision)
theory.verdict(found.about)
shell.notice(notice.of_verified(found.about, run.summary()["accuracies"]))
theory.show_layers(found)

st.header("Do the logits add up, and does that bound the cost?")
theory.show_logits(found)

st.header("What does further training change?")
blocks.show(run, seed, found)

if found.named("maps"):
    st.header("What do the feature maps show?")
    feature_maps.show(run, found, telling_layer(found))
