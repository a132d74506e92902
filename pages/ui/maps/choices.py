"""Class activation maps on a page: what to look at, and the maps, computed in a process of their own."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import streamlit as st

from ddlab.analyses.command_results import command_result, prepare_result
from ddlab.analyses.decisions.telling import telling_image
from ddlab.analyses.maps.asking import arguments_of, batch_of, layers_of, named, stamp_of
from ddlab.analyses.maps.layers import cam_layer
from ddlab.analyses.maps.stored import Mapped
from ddlab.data.source import Dataset
from ddlab.problem import Problem
from ddlab.registry.analyses import ANALYSES
from ddlab.runs import RunFolder
from ddlab.words import duration
from pages.ui import examples, held, pinned, results, selection, shell
from pages.ui.literal import literal
from pages.ui.making import dataset
from pages.ui.maps import uploads

SOURCES = {"validation": "Validation images", "own": "Your own"}


@dataclass(frozen=True)
class Chosen:
    """The image and the layer to look at.

    Parameters
    ----------
    images
        As ``ddlab maps --images`` takes it: everything that is computed at once.
    place
        Of the image among them.
    alone
        The same of this image alone.
    name
        What people call the image.
    truth
        Its true class, where that is known.
    layer
        Whose maps are weighted; empty: the networks' own choice.
    beside
        The pinned image, to look at in the same way; or None.
    nearby
        Images that may be asked for next, the likelier ones first.
    """

    images: str
    place: int
    alone: str
    name: str
    truth: int | None
    layer: str
    beside: "Chosen | None" = None
    nearby: tuple[str, ...] = ()


def nothing(why: str, analysis: str = "maps") -> NoReturn:
    """Say why an analysis of networks has nothing to look into and how to get some, and stop the page."""
    st.info(literal(why))
    st.markdown(
        "Train something small to look into: the recipe **demo** takes half a minute, and its images show where the "
        "evidence is; from the shell `ddlab train demo`."
    )
    examples.offer(ANALYSES[analysis].why_not)
    selection.link("Train it", "pages/train.py", recipe="demo")
    held.stop()


def first_image(run: RunFolder, seed: int) -> int:
    """The image to begin with: where strategies part, or the first one where the run has not decided yet."""
    outcomes = results.outcomes(run, seed)
    return telling_image(outcomes, np.arange(len(outcomes.labels)))


def pick(data: Dataset, problem: Problem, num_viewers: int, first: int) -> Chosen | None:
    """Let an image and a layer be chosen; None while a file for an image of one's own is missing.

    Parameters
    ----------
    first
        The validation image to begin with.
    """
    left, right = st.columns(2)
    own_default = cam_layer(problem.global_network)
    choices = ["", *layers_of(problem)]
    with right:
        layer = selection.pick(
            "Layer",
            choices,
            "layer",
            format_func=lambda name: name or f"the last ({own_default})",
            help="Maps of earlier layers are sharper, and say less of the class.",
        )
    with left:
        if selection.pick_one_of(SOURCES, "Image", "source") == "own":
            path = _upload(len(data.description.shape) == 3)
            return None if path is None else Chosen(str(path), 0, str(path), "Your image", None, layer)
        index = dataset.pick_image(data, first)
        other = pinned.pick(index, len(data.validation), (), {"class": dataset.ANY})
    beside = None if other is None else _chosen(other, data, num_viewers, layer)
    return replace(_chosen(index, data, num_viewers, layer), beside=beside)


def _chosen(index: int, data: Dataset, num_viewers: int, layer: str) -> Chosen:
    """A validation image, with those that are computed along with it."""
    count, truth = len(data.validation), int(data.validation.labels[index])
    batch = batch_of(index, data, num_viewers)
    beside = [batch_of(place % count, data, num_viewers) for place in (batch[-1] + 1, batch[0] - 1)]
    nearby = tuple(named(images) for images in beside if images != batch)
    return Chosen(named(batch), batch.index(index), str(index), f"Image {index}", truth, layer, nearby=nearby)


def _upload(is_volume: bool) -> Path | None:
    """Return the uploaded file of one's own image; None if there is none yet."""
    what = "A volume (NIfTI)" if is_volume else "A picture (PNG, JPEG, …)"
    given = st.file_uploader(what, key="own image")
    if given is None:
        st.caption("It is scaled to the size of the run's images, and stays on this machine.")
        return None
    try:
        return uploads.keep(given.name, given.getvalue())
    except OSError as error:  # such as a full disk
        shell.refuse(f"The file cannot be kept: {error.strerror}.")
        return None


@st.cache_resource(max_entries=results.KEPT, show_spinner=False)
def _read(path: str) -> Mapped:
    return Mapped.read(Path(path))


def read(run: RunFolder, seed: int, chosen: Chosen, about: float) -> Mapped:
    """Return the maps, computed at the first call; stop the page with a sentence where that fails."""
    with st.spinner(f"Computes the maps of all networks and classes: about {duration(about)} …"):
        return _read(str(ask(run, *arguments_of(seed, chosen.images, chosen.layer))))


def prepare(run: RunFolder, seed: int, chosen: Chosen) -> None:
    """Begin with the maps of images beside the chosen one, so that whoever goes on does not wait for them."""
    for images in chosen.nearby:
        if not prepare_result("maps", run.id, *arguments_of(seed, images, chosen.layer), stamp=stamp_of(run)):
            return


def ask(run: RunFolder, *arguments: str) -> Path:
    """Return the file of ``ddlab maps``; stop the page with a sentence where it fails."""
    try:
        return command_result("maps", run.id, *arguments, stamp=stamp_of(run))
    except ValueError as error:
        shell.refuse(str(error).removeprefix("ddlab: "))
    except OSError as error:  # the cache was deleted meanwhile
        shell.refuse(f"{error.filename or 'The cache'} is gone or cannot be written ({error.strerror}): try again.")
    held.stop()
