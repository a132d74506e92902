"""The image on screen and its subimages, alone or beside a pinned one."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ddlab.analyses.decisions.beside import compared
from ddlab.analyses.decisions.probabilities import named_labels
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.figures import images as pictures
from ddlab.figures.colors import class_color
from ddlab.figures.volumes import Scene
from ddlab.strategies.explanation import Explanation
from pages.ui import charts, picture
from pages.ui.decisions.probabilities import keys_of, title_of
from pages.ui.literal import literal
from pages.ui.making import handles


def show(
    explanations: Mapping[int, Explanation], data: Dataset, decomposition: Decomposition, subdomain: int | None
) -> None:
    """Draw an image with its subdomains, and what every local network sees of it; a chosen subdomain is marked.

    Parameters
    ----------
    explanations
        Of the image that is chosen, by its index; before it that of the pinned one, if there is one.
    """
    images = {index: data.validation.image(index) for index in explanations}
    if len(explanations) == 1:
        ((index, explanation),) = explanations.items()
        st.header(f"Image {index} shows: {literal(explanation.classes[explanation.truth])}")
        whole, parts = picture.containers(images[index][0])
        rows = [(whole, parts)]
    else:
        rows = _two(explanations, is_volume=len(decomposition.shape) == 3)
    keys = keys_of(explanations)
    for (whole, parts), (index, explanation) in zip(rows, explanations.items(), strict=True):
        scene = replace(_scene(explanation, images[index], data, decomposition), chosen=subdomain)
        outlined = "; the evidence is outlined in pink" if scene.mask is not None else ""
        with whole:
            title = title_of(f"The image and its subdomains{outlined}", index, explanations)
            handles.show(scene, None, title, f"image-{index}", keys[index])
        with parts:
            title = title_of("What each local network sees and names (frame: colour of the class)", index, explanations)
            figure = pictures.subimages_figure(
                scene.image, decomposition, title, scene.labels, scene.colors, scene.mask, subdomain
            )
            charts.show(figure, None, f"parts{keys[index]}", f"subimages-{index}")


def _two(explanations: Mapping[int, Explanation], is_volume: bool) -> list[tuple[DeltaGenerator, DeltaGenerator]]:
    """Say what the two images show; places for them and their subimages: a viewer of a volume needs the whole width."""
    for place, (index, explanation) in zip(st.columns(2), explanations.items(), strict=True):
        which = "pinned" if index == next(iter(explanations)) else "chosen"
        place.header(f"Image {index} ({which}) shows: {literal(explanation.classes[explanation.truth])}")
    st.markdown("  \n".join(literal(line) for line in compared(explanations)))
    wholes = [st.container(), st.container()] if is_volume else st.columns(2)
    return list(zip(wholes, st.columns(2), strict=True))


def _scene(
    explanation: Explanation,
    pictured: tuple[np.ndarray, np.ndarray | None],
    data: Dataset,
    decomposition: Decomposition,
) -> Scene:
    labels, colors = named_labels(explanation), [class_color(index) for index in explanation.named]
    return Scene(pictured[0], data.description, decomposition, pictured[1], colors=colors, labels=labels)
