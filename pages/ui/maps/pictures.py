"""Class activation maps on a page: drawn side by side, in the volume viewer, and as files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st

from ddlab.analyses.maps.asking import PREDICTION, TRUTH, meant_classes
from ddlab.analyses.maps.stored import Mapped
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.figures.maps import overlays as figures
from ddlab.figures.maps.files import map_files, zipped
from ddlab.figures.volumes import Overlay, Scene
from ddlab.runs import RunFolder
from pages.ui import charts, picture, selection
from pages.ui.maps.choices import Chosen

SCALES = {"one": "One for all", "own": "Its own each"}


@dataclass(frozen=True)
class View:
    """The way the maps are shown: class, viewers and scale.

    Parameters
    ----------
    of
        The class: ``truth``, ``prediction`` or a name.
    viewers
        Names of those whose maps are shown.
    one_scale
        Whether all of them have one.
    """

    of: str
    viewers: tuple[str, ...]
    one_scale: bool


def pick(mapped: Mapped, chosen: Chosen) -> View:
    """Let the class, the networks and the scale be chosen; stops the page where no network is."""
    left, right = st.columns(2)
    known = [TRUTH] if chosen.truth is not None else []
    words = {TRUTH: "the true class", PREDICTION: "what each network decides"}
    with left:
        choices = [*known, PREDICTION, *mapped.about["classes"]]
        of = selection.pick("Map of the class", choices, "of", format_func=lambda name: words.get(name, name))
    with right:
        scale = selection.pick_one_of(SCALES, "Scale", "scale")
    every = list(mapped.viewers)
    viewers = selection.pick_several("Networks", every, "networks", every, format_func=mapped.viewers.get)
    if not viewers:
        st.info("Choose at least one network.")
        st.stop()
    return View(of, tuple(viewers), scale == "one")


def show(mapped: Mapped, chosen: Chosen, view: View, data: Dataset, decomposition: Decomposition) -> None:
    """Draw the maps of the chosen class, side by side; of volumes a slice of each, and one of them in the viewer."""
    classes, place = mapped.about["classes"], chosen.place
    indices = {name: _class_of(mapped, name, chosen, view) for name in view.viewers}
    maps = {name: mapped.maps(name)[place, index] for name, index in indices.items()}
    limits = [figures.limit_of([values]) for values in maps.values()]
    limits = [figures.shared_limit(list(maps.values()))] * len(maps) if view.one_scale else limits
    titles = {name: f"{mapped.viewers[name]}<br>{classes[index]}" for name, index in indices.items()}
    titles = {name: f"{title} {mapped.probabilities(name)[place, indices[name]]:.0%}" for name, title in titles.items()}
    scene = Scene(mapped.images[place], data.description, decomposition, mapped.mask(place))
    if len(decomposition.shape) == 3:
        _show_volume(scene, maps, limits, titles)
    panels = dict(zip(titles.values(), maps.values(), strict=True))
    title = _title(view.of, chosen, classes, len(decomposition.shape) == 3)
    figure = figures.maps_figure(scene, panels, limits, title)
    charts.show(figure, mapped.table(), "maps", f"maps-{chosen.name.lower().replace(' ', '-')}")
    st.caption(" ".join(_explained(mapped, view)))


def _class_of(mapped: Mapped, viewer: str, chosen: Chosen, view: View) -> int:
    """The class whose map of a viewer is meant."""
    labels = None if chosen.truth is None else np.array([chosen.truth])
    said = mapped.probabilities(viewer)[[chosen.place]]
    return int(meant_classes(view.of, mapped.about["classes"], labels, said)[0])


def _explained(mapped: Mapped, view: View) -> list[str]:
    """Explain how the maps were made, and what their numbers are."""
    is_analytic = set(view.viewers) <= set(mapped.about["analytic"])
    made = "The mean gradient of the class's score weights the layer's maps (Grad-CAM without its final rectifier)."
    if is_analytic:
        made = "The classifier's weights weight the layer's maps: the mean of a map, and the bias, is the logit."
    shared = "One scale, the middle one of all the maps' own: what goes beyond it has the full colour."
    return [made, *([shared] if view.one_scale else [])]


def _title(of: str, chosen: Chosen, classes: Sequence[str], is_volume: bool) -> str:
    shown = "" if chosen.truth is None else f" shows {classes[chosen.truth]}"
    words = {TRUTH: "it", PREDICTION: "what each network decides"}.get(of, of)
    cut = "; one slice" if is_volume else ""
    return f"{chosen.name}{shown}: blue speaks for {words}, red against it{cut}"


def _show_volume(scene: Scene, maps: dict[str, np.ndarray], limits: Sequence[float], titles: dict[str, str]) -> None:
    words = {name: title.replace("<br>", ": ") for name, title in titles.items()}
    name = selection.pick("In the viewer", list(maps), "viewer", format_func=words.get)
    limit = limits[list(maps).index(name)]
    shown = replace(scene, overlay=Overlay(maps[name], "map", limit))
    picture.show(shown, f"{words[name]}; blue speaks for it, red against it", name)


def offer_files(mapped: Mapped, chosen: Chosen, run: RunFolder) -> None:
    """Hand the maps over: pictures or NIfTI files of this image, and the arrays of all images at hand."""
    kind = "NIfTI overlays" if mapped.images.ndim == 5 else "pictures (PNG)"
    name = f"{run.id}-maps-{mapped.about['images'][chosen.place]}"
    with st.container(horizontal=True):
        button = partial(st.download_button, icon=":material/download:", on_click="ignore")
        button(f"All classes as {kind}", lambda: zipped(map_files(mapped, chosen.place)), f"{name}.zip")
        button("Arrays (npz)", mapped.packed, f"{name}.npz")
