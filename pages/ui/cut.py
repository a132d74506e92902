"""The controls of the Decompose page: data, decomposition and networks, all kept in the URL."""

import math
from typing import Any, get_args

import streamlit as st

from ddlab.data import DATASETS
from ddlab.decomposition import Border, grid_presets, times
from ddlab.experiment import Experiment, ExperimentError, ModelSettings, parse_experiment
from ddlab.models import MODELS
from ddlab.problem import Problem, pose
from pages.ui import selection

MOST_CELLS = 8  # along an axis; more subimages than 8×8 cannot be told apart on a screen
PRESETS = 6
SIZES = ("own", 16, 32, 48, 64, 96, 128, 180)
WIDTHS = (0.25, 0.5, 1.0, 2.0)
BORDERS = {"clip": "clipped: sizes differ", "shift": "shifted inwards: equal sizes"}
REDUCTIONS = {"1/sqrt(N)": "channels / √N", "1/N": "channels / N", "1": "not smaller"}


def pick_dataset() -> dict[str, Any]:
    """The data set's settings."""
    name = selection.pick(
        "Data set", list(DATASETS), "dataset", "shapes_local", format_func=lambda name: DATASETS[name].title
    )
    st.caption(DATASETS[name].description)
    size = selection.pick(
        "Image size (px)", SIZES, "size", help="“own” is the size that the data set comes with; not all can be resized."
    )
    settings = {"name": name, "size": None if size == "own" else size}
    if name == "folder":
        settings["path"] = st.text_input("Folder, archive or npz", key="path", bind="query-params") or None
    return settings


def pick_decomposition(shape: tuple[int, ...]) -> dict[str, Any]:
    """Rows, columns and overlap by sliders, the usual grids by one press."""
    above = st.container()
    numbers = range(1, MOST_CELLS + 1)
    slider = {"widget": st.select_slider}
    grid = (
        selection.pick("Rows", numbers, "rows", 2, **slider),
        selection.pick("Columns", numbers, "columns", 2, **slider),
    )
    with above, st.container(horizontal=True):
        squarish = [preset for preset in grid_presets(shape) if max(preset) <= 2 * min(preset)]
        for preset in squarish[:PRESETS]:
            kind = "primary" if preset == grid else "secondary"
            st.button(times(preset), key=f"grid {preset}", type=kind, on_click=_set_grid, args=preset)
    cell = max(1, min(extent // cells for extent, cells in zip(shape, grid, strict=True)))
    overlaps = range(0, max(2, math.ceil(cell / 2) + 2))
    overlap = selection.pick("Overlap δ (px)", overlaps, "overlap", help="Neighbours share 2δ pixels.", **slider)
    border = selection.pick("Border", get_args(Border), "border", format_func=BORDERS.get)
    return {"grid": grid, "overlap": overlap, "border": border}


def _set_grid(rows: int, columns: int) -> None:
    selection.choose("rows", rows)
    selection.choose("columns", columns)


def pick_model() -> dict[str, Any]:
    """The networks and how much smaller the local ones are."""
    name = selection.pick("Network", list(MODELS), "model", format_func=lambda name: MODELS[name].title)
    st.caption(MODELS[name].description)
    width = selection.pick("Width factor", WIDTHS, "width", 1.0, widget=st.select_slider)
    reductions = get_args(ModelSettings.model_fields["reduction"].annotation)
    reduction = selection.pick(
        "Local networks have", reductions, "reduction", "1/sqrt(N)", format_func=lambda rule: REDUCTIONS[rule]
    )
    return {"name": name, "width": width, "reduction": reduction}


def posed(**parts: dict[str, Any]) -> Problem | None:
    """The problem that the settings come to; where they do not fit together, say why and give None."""
    try:
        return pose(parse_experiment({"name": "decomposition", **parts}))
    except ExperimentError as error:
        st.error(str(error))
        return None


def train_button(experiment: Experiment) -> None:
    """Hand these settings to the Train page."""
    data, cut, model = experiment.dataset, experiment.decomposition, experiment.model
    settings = {"dataset": data.name, "grid": "x".join(map(str, cut.grid)), "overlap": cut.overlap}
    settings |= {"border": cut.border, "model": model.name, "width": model.width, "reduction": model.reduction}
    if data.size:
        settings["size"] = data.size
    selection.go("Train this", "pages/train.py", **settings)
