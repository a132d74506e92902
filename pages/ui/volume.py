"""The volume viewer: it gets all voxels once and draws in the browser, so that no slider waits for the server."""

from pathlib import Path

import streamlit as st

from ddlab.figures.volumes import Scene

_HERE = Path(__file__).parent
_viewer = st.components.v2.component(
    "ddlab_volume",
    html='<div class="volume"></div>',
    css=(_HERE / "volume.css").read_text(encoding="utf-8"),
    js=(_HERE / "volume.js").read_text(encoding="utf-8") + (_HERE / "volume_draw.js").read_text(encoding="utf-8"),
)


def show(scene: Scene, key: str = "volume") -> None:
    """Draw a volume: three linked slices, window and level, the subdomains in every slice and in space.

    The slices and the window are in the URL as ``at`` and ``window``, and so outlast reruns.

    Parameters
    ----------
    key
        Unique on the page and the same in every rerun.
    """
    _viewer(data=scene.pack(), key=key)
    st.caption(
        "Press in a picture to move the cross there; the wheel and the arrow keys go through the slices of the picture "
        "that was pressed last; with Shift or the right button, dragging sets level and width. Drag the boxes to turn "
        "them."
    )
