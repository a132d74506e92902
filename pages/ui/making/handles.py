"""An image whose grid and overlap are dragged, and which shows what each network sees; drawn in the browser.

The browser computes the boxes while a hand is at work, and on release asks for the rows, columns and overlap; these are
the choices of the controls, so controls, address and picture agree. A subdomain that is clicked is chosen for all
pages. Volumes and signals are shown as anywhere.
"""

from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import streamlit as st

from ddlab.analyses.decisions.visibility import evidence_share
from ddlab.decomposition import Border
from ddlab.experiment import DecompositionSettings
from ddlab.figures import images as pictures
from ddlab.figures.colors import CHOSEN, EVIDENCE, SUBDOMAIN
from ddlab.figures.volumes import Scene
from ddlab.layouts import FLAT, LAYOUTS, boxes, layout_of
from pages.ui import picture, selection
from pages.ui.making import cut

_HERE = Path(__file__).parent
_KEY = "handles"
_SCRIPTS = ("handles.js", "handles_boxes.js", "handles_draw.js")
_image = st.components.v2.component(
    "ddlab_cut",
    html='<div class="cut"></div>',
    css=(_HERE / "handles.css").read_text(encoding="utf-8"),
    js="".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def show(scene: Scene, settings: DecompositionSettings | None, title: str, name: str, key: str = "") -> None:
    """Draw an image and its subdomains; what is dragged, and the subdomain that is clicked, is chosen in the controls.

    Parameters
    ----------
    scene
        Its chosen subdomain stays in sight while no other is pointed at.
    settings
        That cut the image so; None where nothing is to be dragged.
    name
        Of the file that is saved, without ending.
    key
        Ends the keys of all but one of several pictures on a page.
    """
    if len(scene.decomposition.shape) != FLAT:
        picture.show(scene, title, name, key)
        return
    mask = scene.mask
    made_of, fitting = _dragged(settings, scene.decomposition.shape)
    data = {
        "title": title,
        "name": name,
        "image": pictures.image_source(scene.image),
        "shape": scene.decomposition.shape,
        "boxes": [list(zip(box.start, box.stop, strict=True)) for box in scene.decomposition],
        "settings": made_of,
        "fitting": {f"{rows}x{columns}": most for (rows, columns), most in fitting.items()},
        "evidence": "" if mask is None else pictures.outline_path(mask),
        "shares": None if mask is None else evidence_share(scene.decomposition, mask).tolist(),
        "chosen": -1 if scene.chosen is None else scene.chosen,
        "crowded": pictures.CROWDED,
        "line": SUBDOMAIN,
        "mark": CHOSEN,
        "pink": EVIDENCE,
    }
    keep = partial(_keep, f"{_KEY}{key}")
    _image(data=data, key=f"{_KEY}{key}", on_cut_change=_choose, on_subdomain_change=keep)
    drag = "Drag the round handles, or any inner edge, for the overlap, the square ones for the grid. " * bool(fitting)
    st.caption(f"{drag}Point at a subdomain: what its network sees. Press it: it is chosen.")


def _choose() -> None:
    """Choose what the browser asks for; what is no option of the controls is left aside."""
    asked = st.session_state[_KEY].get("cut")
    for name in ("rows", "columns", "overlap"):
        if isinstance(asked, dict) and type(value := asked.get(name)) is int:
            selection.choose(name, value)


def _keep(key: str) -> None:
    """Choose the subdomain that was pressed; pressed again, none is."""
    asked = st.session_state[key].get("subdomain")
    if type(asked) is int:
        selection.choose(selection.SUBDOMAIN, selection.ALL if asked < 0 else str(asked + 1))


def _dragged(
    settings: DecompositionSettings | None, shape: tuple[int, ...]
) -> tuple[dict[str, Any] | None, dict[tuple[int, ...], int]]:
    """Tell what the boxes are made of, and the largest overlap of every grid that fits; None for no dragging."""
    layout = None if settings is None else layout_of(settings)
    if settings is None or layout not in LAYOUTS:
        return None, {}
    fitting = largest_overlaps(layout, shape, settings.border)
    made_of = {"layout": layout, "grid": settings.grid, "overlap": settings.overlap, "border": settings.border}
    return (made_of if fitting else None), fitting


@lru_cache(maxsize=64)
def largest_overlaps(layout: str, shape: tuple[int, ...], border: Border) -> dict[tuple[int, ...], int]:
    """Return the largest overlap that the controls offer and that fits, for every grid that fits the image."""
    divisors = [[n for n in range(1, cut.MOST_CELLS + 1) if extent % n == 0] for extent in shape]
    found = {}
    for grid in product(*divisors):
        offered = reversed(cut.overlaps(shape, grid))
        most = next((overlap for overlap in offered if _fits(layout, shape, grid, overlap, border)), None)
        if most is not None:
            found[grid] = most
    return found


def _fits(layout: str, shape: tuple[int, ...], grid: tuple[int, ...], overlap: int, border: Border) -> bool:
    try:
        return bool(boxes(layout, shape, grid, overlap, border))
    except ValueError:
        return False
