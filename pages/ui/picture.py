"""One image with its subdomains: a figure, or the viewer where it is a volume."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ddlab.analyses.decisions.visibility import subdomain_table, subimage_labels, subimages_title
from ddlab.figures import images as pictures
from ddlab.figures.volumes import Scene
from pages.ui import charts, volume
from pages.ui.literal import literal


def containers(image: np.ndarray) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return containers for an image and its subimages: side by side, or below each other for the volume viewer."""
    if image.ndim == 4:
        return st.container(), st.container()
    left, right = st.columns(2)
    return left, right


def show(scene: Scene, title: str, name: str, key: str = "") -> None:
    """Draw an image and its subdomains; colours and labels of the subdomains are those of volumes alone.

    Parameters
    ----------
    name
        Of the file that is saved, without ending.
    key
        Ends the keys of all but one of several pictures on a page.
    """
    if scene.image.ndim == 4:
        st.markdown(f"**{literal(title)}**")
        volume.show(scene, f"volume{key}")
    else:
        figure = pictures.subdomains_figure(scene.image, scene.decomposition, title, scene.mask, scene.chosen)
        charts.show(figure, None, f"whole{key}", name)


def show_subimages(scene: Scene, name: str) -> None:
    """Draw the subimages of an image in place, each with its share of the evidence where that is known.

    Parameters
    ----------
    name
        Of the file that is saved, without ending.
    """
    mask, decomposition = scene.mask, scene.decomposition
    title, labels = subimages_title(decomposition, mask), subimage_labels(decomposition, mask)
    figure = pictures.subimages_figure(scene.image, decomposition, title, labels, mask=mask, chosen=scene.chosen)
    charts.show(figure, subdomain_table(decomposition, mask), "parts", name)
