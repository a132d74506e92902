"""Class activation maps: where each network looks, and whether the maps can be trusted."""

import streamlit as st

from ddlab.analyses.maps import asking
from ddlab.registry.analyses import ANALYSES
from pages.ui import results, selection, shell
from pages.ui.maps import choices as maps
from pages.ui.maps import pictures as map_pictures
from pages.ui.maps import scores as map_scores

shell.title("Where does each network look?")
st.markdown(
    "A class activation map shows which parts of an image speak for a class, and which against it. Local networks only "
    "see their subimage: their maps are put in place. The map of a CNN-DNN weights them by what each local probability "
    "does to its decision."
)
run = results.require_run(
    "Here the class activation maps of a run's networks are drawn over its images.", ANALYSES["maps"].why_not
)
seed = selection.pick_seed(run)

# ---- is there anything to show?

problem = results.posed(run)
if why := ANALYSES["maps"].why_not(run):
    maps.nothing(why)
num_whole, num_local = asking.count_viewers(run, seed)

# ---- the maps

data, decomposition = results.images(run)
chosen = maps.pick(data, problem, num_whole + num_local)
if chosen is None:
    st.stop()
mapped = maps.read(run, seed, chosen, asking.seconds(problem, num_whole, num_local, 2 * asking.MOST_AT_ONCE))
view = map_pictures.pick(mapped, chosen)
map_pictures.show(mapped, chosen, view, data, decomposition)
map_pictures.offer_files(mapped, chosen, run)

# ---- are they any good?

st.subheader("Is the map any good?")
extent = map_scores.pick_extent(chosen.truth is None)
if extent == "no":
    st.caption("Scores compare the maps with the known evidence, and with what the networks decide without a part.")
    st.stop()
count = min(map_scores.SAMPLE, len(data.validation)) if extent == "sample" else 1
images = f"0-{count - 1}" if extent == "sample" else chosen.alone
about = asking.seconds(problem, num_whole, num_local, map_scores.PASSES * count)
scored = map_scores.read(run, seed, images, chosen.layer, view.of, about)
map_scores.show(scored, view.viewers, f"{run.id}-map-scores")
