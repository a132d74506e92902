"""Class activation maps: where each network looks, and whether the maps can be trusted."""

import streamlit as st

from ddlab.analyses.maps import asking
from ddlab.registry.analyses import ANALYSES
from pages.ui import held, results, selection, shell
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


@held.fragment
def look(chosen: maps.Chosen) -> None:
    """Draw the maps of the chosen image, and score them where that is asked for."""
    about = asking.map_seconds(problem, num_whole, num_local)
    mapped = maps.read(run, seed, chosen, about)
    pinned = None if chosen.beside is None else maps.read(run, seed, chosen.beside, about)
    map_pictures.tell_doubts(mapped)
    view = map_pictures.pick(mapped, chosen, len(decomposition))
    if view is not None:
        map_pictures.show(mapped, chosen, view, data, decomposition, pinned)
        map_pictures.offer_files(mapped, chosen, run)
        selection.link("What do the layers make of it on the way?", "pages/layers.py")
        if chosen.truth is not None:
            selection.link("Change this image", "pages/what_if.py", image=chosen.alone, **selection.seed_of(run, seed))
        st.header("Is the map any good?")
        score(chosen, view)
    maps.prepare(run, seed, chosen)


def score(chosen: maps.Chosen, view: map_pictures.View) -> None:
    """Compare the maps with the known evidence, and with what the networks decide without a part."""
    extent = map_scores.pick_extent(chosen.truth is None)
    if extent == "no":
        st.caption("Scores compare the maps with the known evidence, and with what the networks decide without a part.")
        return
    count = min(map_scores.SAMPLE, len(data.validation)) if extent == "sample" else 1
    images = f"0-{count - 1}" if extent == "sample" else chosen.alone
    about = asking.seconds(problem, num_whole, num_local, map_scores.PASSES * count)
    scored = map_scores.read(run, seed, images, chosen.layer, view.of, about)
    map_scores.show(scored, view.viewers, f"{run.id}-map-scores")


data, decomposition = results.images(run)
asked = maps.pick(data, problem, num_whole + num_local, maps.first_image(run, seed))
if asked is not None:  # not st.stop(): Streamlit would keep the choices below, and show them unchosen afterwards
    look(asked)
