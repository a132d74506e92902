"""Class activation maps on a page: drawn side by side, in the volume viewer, and as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
import pandas as pd
import streamlit as st

from ddlab.analyses.decisions.visibility import evidence_share
from ddlab.analyses.maps.asking import PREDICTION, TRUTH, meant_classes
from ddlab.analyses.maps.notice import of_maps
from ddlab.analyses.maps.stored import Mapped
from ddlab.analyses.maps.worth import Worth, worth_of, worth_table
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.figures.maps import overlays as figures
from ddlab.figures.maps.files import map_files, zipped
from ddlab.figures.volumes import Overlay, Scene
from ddlab.runs import RunFolder
from pages.ui import charts, picture, selection, several, shell
from pages.ui.literal import literal
from pages.ui.maps.choices import Chosen

SCALES = {"own": "Its own each", "one": "One for all"}


HIDDEN = (
    "**The number in a subimage** is what the log-odds of the class lose without it: what its local network says is "
    "replaced by uniform probabilities, and for a network on the whole image its pixels by the mean of the training "
    "images. Log-odds of 0 are 50 %, 2.2 are 90 %, 4.6 are 99 %, and they go on where percents have no more room."
)
SLOPES = (
    "**Blue corners or subimages without evidence**: a map shows what the class's logit would follow if it changed, "
    "and an empty background has maps, too: of borders, where the padding begins, and of whatever a network gives "
    "every image. That is no sign that the decision comes from there. A number near 0 says that it does not."
)


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
    subdomain
        Index of the chosen subdomain, which is marked; or None.
    """

    of: str
    viewers: tuple[str, ...]
    one_scale: bool
    subdomain: int | None = None


def tell_doubts(mapped: Mapped) -> None:
    """Warn of an image of one's own that seems to be of another kind than those of the run."""
    if doubts := mapped.about["doubts"]:
        listed = "; ".join(doubts)
        st.warning(f"This may be a scan of another kind than the networks know: {literal(listed)}. They decide anyway.")


def pick(mapped: Mapped, chosen: Chosen, num_subdomains: int) -> View | None:
    """Let the class, the subdomain, the scale and the networks be chosen; None where no network is."""
    left, middle, right = st.columns(3)
    known = [TRUTH] if chosen.truth is not None else []
    words = {TRUTH: "the true class", PREDICTION: "what each network decides"}
    with left:
        choices = [*known, PREDICTION, *mapped.about["classes"]]
        of = selection.pick("Map of the class", choices, "of", format_func=lambda name: words.get(name, name))
    with middle:
        subdomain = selection.pick_subdomain(num_subdomains)
    with right:
        scale = selection.pick_one_of(SCALES, "Scale", "scale")
    every = list(mapped.viewers)
    viewers = several.pick_several("Networks", every, "networks", every, format_func=mapped.viewers.get)
    if not viewers:
        st.info("Choose at least one network.")
        return None
    return View(of, tuple(viewers), scale == "one", subdomain)


@dataclass(frozen=True)
class _Found:
    """The maps of one image, by viewer, what each is worth, and where the evidence is, if that is known."""

    mapped: Mapped
    chosen: Chosen
    maps: dict[str, np.ndarray]
    worths: dict[str, Worth]
    mask: np.ndarray | None

    @classmethod
    def of(cls, mapped: Mapped, chosen: Chosen, view: View) -> Self:
        place = chosen.place
        indices = {name: _class_of(mapped, name, chosen, view) for name in view.viewers}
        maps = {name: mapped.maps(name)[place, index] for name, index in indices.items()}
        return cls(mapped, chosen, maps, worth_of(mapped, place, indices), mapped.mask(place))


def show(
    mapped: Mapped, chosen: Chosen, view: View, data: Dataset, decomposition: Decomposition, pinned: Mapped | None
) -> None:
    """Draw the maps of the chosen class, side by side, with what each is worth; of volumes one in the viewer, too.

    Parameters
    ----------
    pinned
        The maps of ``chosen.beside``, which stand beside the others on the same scale; or None.
    """
    found = _Found.of(mapped, chosen, view)
    others = [] if pinned is None or chosen.beside is None else [_Found.of(pinned, chosen.beside, view)]
    limits = _limits([each.maps for each in (*others, found)], view)
    seen = None if found.mask is None else evidence_share(decomposition, found.mask)
    shell.notice(of_maps(found.worths, limits, seen))
    scene = Scene(mapped.images[chosen.place], data.description, decomposition, found.mask, chosen=view.subdomain)
    if len(decomposition.shape) == 3:
        _show_volume(scene, found.maps, limits, {name: worth.said for name, worth in found.worths.items()})
    for place, each in zip(st.columns(2) if others else [st.container()], (*others, found), strict=True):
        title = _title(view.of, each.chosen, mapped.about["classes"], len(decomposition.shape) == 3)
        panels = {f"{worth.said}<br>{worth.reach}": each.maps[name] for name, worth in each.worths.items()}
        effects = [worth.effects for worth in each.worths.values()]
        pictured = replace(scene, image=each.mapped.images[each.chosen.place], mask=each.mask)
        figure = figures.maps_figure(pictured, panels, limits, title, effects)
        key, name = "maps" if each is found else "maps pinned", each.chosen.name.lower().replace(" ", "-")
        with place:
            charts.show(figure, each.mapped.table, key, f"maps-{name}")
    _show_worth(worth_table(found.worths))
    with st.expander("How to read these maps"):
        st.markdown("\n".join(f"- {line}" for line in _explained(mapped, view)))


def _limits(maps: Sequence[Mapping[str, np.ndarray]], view: View) -> list[float]:
    """The end of the scale of every viewer's maps, the same for all images."""
    by_viewer = {name: [of_image[name] for of_image in maps] for name in view.viewers}
    if view.one_scale:
        return [figures.shared_limit(by_viewer)] * len(by_viewer)
    return [figures.limit_of(values) for values in by_viewer.values()]


def _show_worth(table: pd.DataFrame) -> None:
    """Show the table of what every map is worth."""
    shares = ["probability", "energy in the evidence", "probability without"]
    formats = {name: st.column_config.NumberColumn(format="percent") for name in shares}
    formats |= {
        name: st.column_config.NumberColumn(format="%.2f") for name in ("log-odds", "map from", "to", "they fall by")
    }
    st.dataframe(table, hide_index=True, key="worth", column_config=formats)


def _class_of(mapped: Mapped, viewer: str, chosen: Chosen, view: View) -> int:
    """The class whose map of a viewer is meant."""
    labels = None if chosen.truth is None else np.array([chosen.truth])
    said = mapped.probabilities(viewer)[[chosen.place]]
    return int(meant_classes(view.of, mapped.about["classes"], labels, said)[0])


def _explained(mapped: Mapped, view: View) -> list[str]:
    """Explain how the maps were made, and what their numbers are."""
    is_analytic = set(view.viewers) <= set(mapped.about["analytic"])
    made = "The mean gradient of the class's logit weights the layer's maps (Grad-CAM without its final rectifier)."
    if is_analytic:
        made = "The classifier's weights weight the layer's maps: the mean of a map, and the bias, is the logit."
    scale = "Every map has a scale of its own, whose ends stand above it; compare the sizes on one scale for all."
    if view.one_scale:
        scale = "One scale, the middle one of the trained networks' own: what goes beyond it has the full colour."
    lines = [f"{made} The logit is what the final softmax gets: no map fades because a probability is near 1.", scale]
    lines += [HIDDEN, SLOPES]
    if any(mapped.without(name) is None for name in view.viewers):
        lines.append("Maps without numbers: hiding every subimage from a network of this size takes too long here.")
    return lines


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
