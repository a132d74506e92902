"""Layer by layer on a page: which network, and what its layers make of the image, computed in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from ddlab.analyses.command_results import command_result
from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.layers.networks import Family, families
from ddlab.analyses.layers.stored import FORMAT, Activations
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.runs import RunFolder
from pages.ui import held, results, selection, shell

ALONE = "none"
FIRST = "local"


@dataclass(frozen=True)
class Chosen:
    """The networks to look into, and where.

    Parameters
    ----------
    subdomain
        Its index; None for the whole image.
    beside
        The family that stands beside the first; none where it is alone.
    """

    family: Family
    subdomain: int | None
    beside: Family | None


def pick(run: RunFolder, seed: int, decomposition: Decomposition, first: int) -> Chosen:
    """Let a family of networks, another one beside it and a subdomain be chosen.

    Parameters
    ----------
    first
        Index of the subdomain that is shown where none is chosen and the networks see one each.
    """
    known = families(run, seed)
    titles = {name: family.title for name, family in known.items()}
    of_family, of_other = st.columns(2)
    with of_family:
        name = selection.pick("Network", list(known), "network", FIRST, format_func=titles.get)
    with of_other:
        others = {ALONE: "no other network"} | {other: title for other, title in titles.items() if other != name}
        beside = known.get(selection.pick("Beside it", list(others), "beside", format_func=others.get))
    is_local = any(family.is_local for family in (known[name], beside) if family is not None)
    otherwise = f"{first + 1}, whose network is surest here" if is_local else "the whole image"
    subdomain = selection.pick_subdomain(len(decomposition), otherwise)
    return Chosen(known[name], first if subdomain is None and is_local else subdomain, beside)


def surest(outcomes: Outcomes, image: int) -> int:
    """Index of the subdomain whose local network is surest of the image; the first one where there are none."""
    local = outcomes.any_local
    return 0 if local is None else int(np.argmax(local[image].max(axis=1)))


@st.cache_resource(max_entries=results.KEPT, show_spinner=False)
def _read(path: str) -> Activations:
    return Activations.read(Path(path))


def read(run: RunFolder, seed: int, image: int, network: str) -> Activations:
    """Return the activations, computed at the first call; stop the page with a sentence where that fails."""
    asked = ("--seed", str(seed), "--image", str(image), "--network", network)
    with st.spinner("Computes the layers …"):
        try:
            return _read(str(command_result("layers", run.id, *asked, stamp=_stamp(run))))
        except ValueError as error:
            shell.refuse(str(error).removeprefix("ddlab: "))
            held.stop()


def of_family(
    run: RunFolder, seed: int, image: int, family: Family, subdomain: int | None, boxes: Decomposition
) -> Activations:
    """Return the activations of a family's network of a subdomain, or what lies over it of those of the whole image."""
    found = read(run, seed, image, family.of(subdomain or 0).name)
    if family.is_local or subdomain is None:
        return found
    return found.cut(boxes.subdomains[subdomain], boxes.shape)


def pick_depth(found: Activations) -> float:
    """Share of the depth at which volumes are cut, by a slice of the subimage; drawn for volumes alone."""
    image = found.arrays["input"]
    if image.ndim < 4:
        return 0.5
    slices: int = image.shape[-1]
    at: int = selection.pick("Slice of the subimage", range(slices), "axial", slices // 2, widget=st.select_slider)
    return (at + 0.5) / slices


def seen(found: Activations) -> Subdomain:
    """The box of the image that is shown."""
    cut = found.about.get("cut")
    return found.box if cut is None else Subdomain(*map(tuple, cut))


def _stamp(run: RunFolder) -> tuple[object, ...]:
    return (FORMAT, str(run.path), run.results_stamp())
