"""One way to show a chart: the figure, its table beside it, and both to take away."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.ui.literal import without_tags

PICTURES = ("SVG", "PNG")


def show(figure: go.Figure, table: pd.DataFrame | None, key: str, name: str, **settings: Any) -> Any:
    """Draw a figure and, in an expander, its table, which can be saved as CSV; the camera saves it as SVG or PNG.

    Parameters
    ----------
    table
        The numbers that the figure shows; None where a figure has none, as a picture.
    key
        Unique on the page and the same in every rerun: keeps zoom and hidden curves.
    name
        Of the files that are saved, without ending.
    settings
        Further arguments of ``st.plotly_chart``, such as ``on_select``.

    Returns
    -------
    Any
        What ``st.plotly_chart`` returns: the points that were selected, where ``on_select`` asks for them.
    """
    picture = st.session_state.get(f"{key} picture") or PICTURES[0]
    config = {
        "displaylogo": False,
        "toImageButtonOptions": {"format": picture.lower(), "filename": name, "scale": 2 if picture == "PNG" else 1},
    }
    title = figure.layout.title.text or name
    event = st.plotly_chart(without_tags(figure), key=key, config=config, alt=title, **settings)
    if table is not None:
        _table(table, key, name)
    return event


def on_click(key: str, act: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Settings of :func:`show` with which a click on a point of the chart ``key`` calls ``act(point)``."""

    def clicked() -> None:
        if points := st.session_state[key].selection.points:
            act(points[0])

    return {"on_select": clicked, "selection_mode": "points"}


def _table(table: pd.DataFrame, key: str, name: str) -> None:
    with st.expander("Table and files"):
        st.dataframe(table, hide_index=True, key=f"{key} table")
        left, right = st.columns(2, vertical_alignment="bottom")
        csv = table.to_csv(index=False).encode()
        left.download_button("Table as CSV", csv, f"{name}.csv", "text/csv", key=f"{key} csv", on_click="ignore")
        right.segmented_control(
            "The camera above the chart saves", PICTURES, default=PICTURES[0], required=True, key=f"{key} picture"
        )
