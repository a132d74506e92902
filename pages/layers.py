"""Layers: what a network makes of an image, layer after layer, from the pixels to the probabilities."""

import streamlit as st

from ddlab.analyses.layers.notice import of_activations
from ddlab.figures.volumes import Scene
from ddlab.registry.analyses import ANALYSES
from pages.ui import held, picture, results, selection, shell
from pages.ui.layers import choices, pictures
from pages.ui.making import dataset, handles
from pages.ui.maps import choices as maps

shell.title("What does each layer see?")
st.markdown(
    "Every layer turns the channels that it gets into other channels: maps of where something is in the image, coarser "
    "from layer to layer, until only probabilities are left. Follow one network through one image."
)
run = results.require_run("Here the layers of a run's networks are shown for an image.", ANALYSES["layers"].why_not)
seed = selection.pick_seed(run)
if why := ANALYSES["layers"].why_not(run):
    maps.nothing(why, "layers")
data, decomposition = results.images(run)
outcomes = results.outcomes(run, seed)

# ---- which network, which image

of_image, of_network = st.columns(2)
with of_image:
    index = dataset.pick_image(data, maps.first_image(run, seed))
with of_network:
    chosen = choices.pick(run, seed, decomposition, choices.surest(outcomes, index))
families = [chosen.family, *([] if chosen.beside is None else [chosen.beside])]
looked = [choices.of_family(run, seed, index, family, chosen.subdomain, decomposition) for family in families]
found = looked[0]
shell.notice(of_activations(found))

# ---- what goes in, and what comes out

image, mask = data.validation.image(index)
scene = Scene(image, data.description, decomposition, mask, chosen=chosen.subdomain)
whole, decided = picture.containers(image)
with whole:
    handles.show(scene, None, f"Image {index} and its subdomains", f"{run.id}-image-{index}")
with decided:
    for number, activations in enumerate(looked):
        pictures.show_decision(activations, f"decision {number}")

# ---- layer after layer


@held.fragment
def look() -> None:
    """Draw the rows of all networks, and one layer of each with all its channels or one of them."""
    extent = pictures.pick_rows()
    depth = choices.pick_depth(found)
    layer = pictures.pick_channel(found)
    places = st.columns(2)
    for number, (place, activations) in enumerate(zip(places, looked, strict=False)):
        with place:
            pictures.show_rows(activations, extent, depth, layer, f"rows {number}")
    for number, (place, activations) in enumerate(zip(places if len(looked) > 1 else places[1:], looked, strict=False)):
        with place:
            pictures.show_channel(activations, depth, layer, f"channels {number}")
    st.caption(pictures.SCALES)


st.header("Layer after layer")
look()
with st.container(horizontal=True):
    for activations in looked:
        pictures.offer_file(activations)
