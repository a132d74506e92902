"""The controls of the Decompose page: data, decomposition and networks, all kept in the URL."""

import math
from functools import partial
from typing import Any, Literal, get_args

import streamlit as st

from ddlab.decomposition import Border, grid_presets, times
from ddlab.experiment import Experiment, ExperimentError, ModelSettings, parse_experiment
from ddlab.home import LONGEST_PATH
from ddlab.layouts import FLAT, GRID, LAYOUTS, WINDOWS, lay_out, layout_of
from ddlab.problem import Problem, pose
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.words import UNITS
from pages.ui import held, selection, shell
from pages.ui.making import dataset, own
from pages.ui.words import explained

MOST_CELLS = 8  # along an axis; more subimages than 8×8 cannot be told apart on a screen
PRESETS = 6
SIZES = ("own", 16, 32, 48, 64, 96, 128, 180)
SHARES = (1, 0.75, 0.5, 0.25)  # of a volume's own voxels along every axis
FEWEST_VOXELS = 8  # along an axis
QUICK_VOXELS = 64**3  # volumes of this many are decoded within seconds
AXES = ("rows", "columns", "depth")
FIRST_GRID = (2, 2, 1)  # Klawonn, Lanser and Weber's for CT scans; rows and columns of it for images
OVERLAPS = {"same": "all axes alike", "own": "an axis each"}
WIDTHS = (0.25, 0.5, 1.0, 2.0)
BORDERS = {"clip": "clipped: sizes differ", "shift": "shifted inwards: equal sizes"}
REDUCTIONS = {"1/sqrt(N)": "channels / √N", "1/N": "channels / N", "1": "not smaller"}


def pick_dataset() -> dict[str, Any]:
    """The data set's settings; stops the page with a sentence where there are no such data."""
    titles = own.titles()
    choice = selection.pick("Data set", list(titles), "dataset", "shapes_local", format_func=titles.get)
    own.below(choice, partial(selection.choose, "dataset"), "decompose")
    settings = {key: value for key, value in own.settings_of(choice, {"name": choice}).items() if value is not None}
    fields = DATASETS[settings["name"]].load().relevant
    if "path" in fields and "path" not in settings:
        settings["path"] = (
            st.text_input(
                "A folder, archive or npz on the server", max_chars=LONGEST_PATH, key="path", bind="query-params"
            )
            or None
        )
        if own.awaits(settings):
            held.stop()  # nothing is wrong: nothing has been sent yet
    about = dataset.described(settings)
    if about is None:
        held.stop()
    if len(about.shape) == 3:
        return settings | {"volume": _pick_volume(about.shape)} if "volume" in fields else settings
    return settings | {"size": _pick_size()} if "size" in fields else settings


def _pick_size() -> int | None:
    size = selection.pick(
        "Image size (px)", SIZES, "size", help="“own” is the size that the data set comes with; not all can be resized."
    )
    return size if isinstance(size, int) else None


def _pick_volume(own: tuple[int, ...]) -> tuple[int, ...] | None:
    """The data set's own voxels or fewer; at first so few that the volumes are soon decoded."""
    sizes = [tuple(int(extent * share) for extent in own) for share in SHARES]
    texts = [_written(size) for size in sizes if min(size) >= FEWEST_VOXELS]
    quick = [text for text, size in zip(texts, sizes, strict=False) if math.prod(size) <= QUICK_VOXELS]
    text = selection.pick(
        "Volume (voxels)", texts, "volume", (quick or texts)[0], format_func=lambda text: text.replace("x", "×")
    )
    return None if text == texts[0] else tuple(map(int, text.split("x")))


def pick_decomposition(shape: tuple[int, ...]) -> dict[str, Any]:
    """A layout, and what it is made of: the cells of a grid with their overlap; windows are made of nothing else."""
    layouts = LAYOUTS | (WINDOWS if len(shape) == FLAT else {})
    layout = selection.pick("Layout", list(layouts), "layout", format_func=lambda name: layouts[name].title)
    if layout == GRID:
        return _pick_grid(shape)
    st.caption(layouts[layout].description)
    made_of = {"grid": (1,) * len(shape)} if layout in WINDOWS else _pick_grid(shape, axes_alike=True)
    try:
        return lay_out(layout, shape, **made_of).model_dump()
    except ValueError as error:
        shell.refuse(error)
        held.stop()


def _pick_grid(shape: tuple[int, ...], axes_alike: bool = False) -> dict[str, Any]:
    """Cells along every axis and overlap by sliders, the usual grids by one press."""
    above, numbers = st.container(), range(1, MOST_CELLS + 1)
    with st.container(horizontal=True, wrap=False):  # beside each other on a phone, too
        grid = tuple(
            selection.pick(axis.capitalize() if len(shape) > 1 else "Segments", numbers, axis, cells, st.select_slider)
            for axis, cells, _ in zip(AXES, FIRST_GRID, shape, strict=False)
        )
    with above, st.container(horizontal=True):
        for preset in _presets(shape):
            kind: Literal["primary", "secondary"] = "primary" if preset == grid else "secondary"
            st.button(times(preset), key=f"grid {preset}", type=kind, on_click=_set_grid, args=preset)
    overlap = _pick_overlap(shape, grid, axes_alike or len(shape) < 3)
    border = selection.pick("Border", get_args(Border), "border", format_func=BORDERS.get)
    return {"grid": grid, "overlap": overlap, "border": border}


def _presets(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Grids whose cells are not too long: of volumes, at most as many layers as rows, as in the paper."""
    found = [preset for preset in grid_presets(shape) if max(preset[:2]) <= 2 * min(preset[:2])]
    if len(shape) == 3:
        found = [preset for preset in found if preset[0] == preset[1] >= preset[2]]
    return found[:PRESETS]


def _set_grid(*grid: int) -> None:
    for axis, cells in zip(AXES, grid, strict=False):
        selection.choose(axis, cells)


def _pick_overlap(shape: tuple[int, ...], grid: tuple[int, ...], alike: bool) -> int | tuple[int, ...]:
    """One overlap for all axes; for volumes, whose voxels are rarely cubes, one an axis if wanted."""
    unit = UNITS[len(shape)]
    cells = [extent // number for extent, number in zip(shape, grid, strict=True)]
    divided = {axis: cell for axis, cell, number in zip(AXES, cells, grid, strict=False) if number > 1}
    slider, about = st.select_slider, explained("overlap", also=f"Neighbours share 2δ {unit}.")
    if alike or selection.pick_one_of(OVERLAPS, "Overlap", "overlap_of") == "same":
        return selection.pick(f"Overlap δ ({unit})", overlaps(shape, grid), "overlap", widget=slider, help=about)
    chosen = {
        axis: selection.pick(
            f"Overlap δ along {axis} ({unit})", _overlaps(cell), f"overlap_{axis}", widget=slider, help=about
        )
        for axis, cell in divided.items()
    }
    return tuple(chosen.get(axis, 0) for axis, _ in zip(AXES, shape, strict=False))


def overlaps(shape: tuple[int, ...], grid: tuple[int, ...]) -> range:
    """The overlaps that are offered where all axes have the same one; a few that do not fit say why."""
    divided = [extent // cells for extent, cells in zip(shape, grid, strict=True) if cells > 1]
    return _overlaps(min(divided, default=min(shape)))


def _overlaps(cell: int) -> range:
    return range(0, max(2, math.ceil(max(1, cell) / 2) + 2))


def pick_model() -> dict[str, Any]:
    """The networks and how much smaller the local ones are."""
    return pick_network() | {"reduction": pick_reduction()}


def pick_network(default: str = "") -> dict[str, Any]:
    """A network and its width; ``default`` is what is chosen at first."""
    name = selection.pick("Network", list(MODELS), "model", default, format_func=lambda name: MODELS[name].title)
    st.caption(MODELS[name].description)
    return {"name": name, "width": selection.pick("Width factor", WIDTHS, "width", 1.0, widget=st.select_slider)}


def pick_reduction() -> str:
    """The rule by which local networks are smaller than the global one."""
    reductions = get_args(ModelSettings.model_fields["reduction"].annotation)
    titles: dict[str, str] = {rule: REDUCTIONS[rule] for rule in reductions}
    about = explained("reduction")
    return selection.pick(
        "Local networks have", list(titles), "reduction", "1/sqrt(N)", format_func=titles.get, help=about
    )


def posed(**parts: dict[str, Any]) -> Problem | None:
    """The problem that the settings come to; where they do not fit together, say why and give None."""
    try:
        return pose(parse_experiment({"name": "decomposition", **parts}))
    except ExperimentError as error:
        shell.refuse(error)
        return None


def train_button(experiment: Experiment) -> None:
    """Hand these settings to the Train page."""
    data, cut, model = experiment.dataset, experiment.decomposition, experiment.model
    settings = {"dataset": data.name, "model": model.name, "width": model.width, "reduction": model.reduction}
    if (layout := layout_of(cut)) not in WINDOWS:
        overlap = cut.overlap if isinstance(cut.overlap, int) else _written(cut.overlap)
        settings |= {"grid": _written(cut.grid), "overlap": overlap, "border": cut.border}
    settings |= {} if layout == GRID else {"layout": layout}
    volume = data.volume and _written(data.volume)
    settings |= {
        name: value for name, value in {"size": data.size, "volume": volume, "path": data.path}.items() if value
    }
    selection.go("Train this", "pages/train.py", **settings)


def _written(numbers: tuple[int, ...]) -> str:
    return "x".join(map(str, numbers))
