"""Class activation maps of a run: tables, and the figures of their page."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.maps.asking import PREDICTION, TRUTH, meant_classes
from ddlab.analyses.maps.stored import Mapped, Scored
from ddlab.analyses.maps.worth import worth_of
from ddlab.face.material import Material, chosen
from ddlab.figures.maps import overlays as figures
from ddlab.figures.volumes import Scene

# ---- tables


def maps(of: Material, *, images: str = "0-7") -> pd.DataFrame:
    """List the decisions of all networks about the images whose maps are drawn, a column of probabilities a class."""
    return mapped(of, images).table()


def map_scores(of: Material, *, images: str = "0-15", of_class: str = TRUTH) -> pd.DataFrame:
    """Whether the maps find the known evidence, and what the networks themselves need: a row a viewer."""
    return scored(of, images, of_class).table()


# ---- figures


def maps_figure(of: Material, *, image: int = 0, of_class: str = TRUTH, layer: str = "") -> go.Figure:
    """Draw where every network looks: its map of the true class, of its own prediction or of a named class.

    Every map has its own scale; in a subimage stands what the log-odds of the class lose without it.
    """
    of.image(image)
    found = mapped(of, str(image), layer)
    classes = found.about["classes"]
    labels = of.dataset.validation.labels[image : image + 1]
    meant = chosen("of_class", of_class, (TRUTH, PREDICTION, *classes))
    indices = {}
    for viewer in found.viewers:
        (index,) = meant_classes(meant, classes, np.asarray(labels), found.probabilities(viewer))
        indices[viewer] = int(index)
    worths = worth_of(found, 0, indices)
    panels = {f"{worth.said}<br>{worth.reach}": found.maps(name)[0, indices[name]] for name, worth in worths.items()}
    limits = [figures.limit_of([values]) for values in panels.values()]
    scene = Scene(found.images[0], of.dataset.description, of.problem.decomposition, found.mask(0))
    title = f"Image {image} shows {classes[labels[0]]}: blue speaks for the class, red against it"
    return figures.maps_figure(scene, panels, limits, title, [worth.effects for worth in worths.values()])


def map_scores_figure(of: Material, *, images: str = "0-15", of_class: str = TRUTH) -> go.Figure:
    """Probability of the class as pixels come (full) and go (dotted), those of the largest numbers first."""
    found = scored(of, images, of_class)
    curves = {viewer: found.curves(viewer) for viewer in found.viewers}
    return figures.curves_figure(curves, found.viewers, f"Probability as pixels come and go, images {images}")


# ---- what they are made from


def mapped(of: Material, images: str, layer: str = "") -> Mapped:
    """The maps of all networks and classes; ``images`` as ``ddlab maps --images`` takes them."""
    from ddlab.analyses.maps.of_run import map_images  # torch

    return map_images(of.run, of.seed, images, layer)


def scored(of: Material, images: str, of_class: str) -> Scored:
    """The scores of the maps of one class an image."""
    from ddlab.analyses.maps.of_run import score_images  # torch

    meant = chosen("of_class", of_class, (TRUTH, PREDICTION, *of.dataset.description.classes))
    return score_images(of.run, of.seed, images, "", meant)
