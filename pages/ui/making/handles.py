"""An image whose grid and overlap are dragged, and which shows what each network sees; drawn in the browser.

The browser computes the boxes while a hand is at work, and on release asks for the rows, columns and overlap; these are
the choices of the controls, so controls, address and picture agree. Volumes and signals are shown as anywhere.
"""

from functools import lru_cache
from itertools import product
from pathlib import Path

import streamlit as st

from ddlab.analyses.decisions.visibility import evidence_share
from ddlab.decomposition import Border
from ddlab.experiment import DecompositionSettings
from ddlab.figures import images as pictures
from ddlab.figures.colors import EVIDENCE, SUBDOMAIN
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


def show(scene: Scene, settings: DecompositionSettings, title: str, name: str) -> None:
    """Draw an image and its subdomains, cut by these settings; what is dragged is chosen in the controls, too.

    Parameters
    ----------
    name
        Of the file that is saved, without ending.
    """
    if len(scene.decomposition.shape) != FLAT:
        picture.show(scene, title, name)
        return
    layout, mask = layout_of(settings), scene.mask
    fitting = largest_overlaps(layout, scene.decomposition.shape, settings.border) if layout in LAYOUTS else {}
    made_of = {"layout": layout, "grid": settings.grid, "overlap": settings.overlap, "border": settings.border}
    data = {
        "title": title,
        "name": name,
        "image": pictures.image_source(scene.image),
        "shape": scene.decomposition.shape,
        "boxes": [list(zip(box.start, box.stop, strict=True)) for box in scene.decomposition],
        "settings": made_of if fitting else None,
        "fitting": {f"{rows}x{columns}": most for (rows, columns), most in fitting.items()},
        "evidence": "" if mask is None else pictures.outline_path(mask),
        "shares": None if mask is None else evidence_share(scene.decomposition, mask).tolist(),
        "crowded": pictures.CROWDED,
        "line": SUBDOMAIN,
        "pink": EVIDENCE,
    }
    _image(data=data, key=_KEY, on_cut_change=_choose)
    drag = "Drag the round handles, or any inner edge, for the overlap, the square ones for the grid. " * bool(fitting)
    st.caption(f"{drag}Point at a subdomain, or tap it: what its network sees.")


def _choose() -> None:
    """Choose what the browser asks for; what is no option of the controls is left aside."""
    asked = st.session_state[_KEY].get("cut")
    for name in ("rows", "columns", "overlap"):
        if isinstance(asked, dict) and type(value := asked.get(name)) is int:
            selection.choose(name, value)


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
