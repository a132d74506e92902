"""One way to show a chart: the figure, and a menu in its corner with its table and files."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ddlab.figures.layout import below_title, title_of
from ddlab.written import as_csv
from pages.ui import held
from pages.ui.literal import cleaned, literal, without_tags

Table = pd.DataFrame | Callable[[], pd.DataFrame]

_files = st.components.v2.component(
    "ddlab_chart_files",
    html='<div class="ddlab-files"></div>',
    css=(Path(__file__).parent / "charts.css").read_text(encoding="utf-8"),
    js=(Path(__file__).parent / "charts.js").read_text(encoding="utf-8"),
)


def show(figure: go.Figure, table: Table | None, key: str, name: str, **settings: Any) -> Any:
    """Draw a figure with a menu in its corner: its table, the table as CSV, the picture as SVG or PNG, full screen.

    The title stands above the figure, so that the browser breaks it where the screen ends; ``charts.js`` puts it into
    pictures that are saved.

    Parameters
    ----------
    table
        The numbers that the figure shows, or what makes them when somebody asks; None where a figure has none, as a
        picture.
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
    title = title_of(figure)
    with st.container(key=f"chart-{key}", gap=None):
        _menu(table, key, name, title or name)
        if title:
            st.html(f'<div class="ddlab-title">{cleaned(title)}</div>')
        config = {"displaylogo": False, "toImageButtonOptions": {"filename": name}}
        shown = without_tags(below_title(figure))
        return st.plotly_chart(shown, key=key, config=config, alt=title or name, **settings)


def on_click(key: str, act: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Settings of :func:`show` with which a click on a point of the chart ``key`` calls ``act(point)``."""

    def clicked() -> None:
        if points := st.session_state[key].selection.points:
            act(points[0])

    return {"on_select": clicked, "selection_mode": "points"}


@held.fragment
def _menu(table: Table | None, key: str, name: str, title: str) -> None:
    """Draw the button of the menu, and what is in it once it is open."""
    settings: dict[str, Any] = {"help": "Table and files", "key": f"{key} menu", "on_change": "rerun"}
    menu = st.popover(f"Table and files: {literal(title)}", icon=":material/more_vert:", type="tertiary", **settings)
    if not menu.open:
        return
    with menu:
        st.markdown(f"**{literal(title)}**")
        _files(data={"chart": _css_class(key), "name": name}, key=f"{key} files")
        if table is not None:
            rows = table() if callable(table) else table
            csv = as_csv(rows)
            st.download_button("Table as CSV", csv, f"{name}.csv", "text/csv", key=f"{key} csv", on_click="ignore")
            st.dataframe(rows, hide_index=True, key=f"{key} table")


@held.fragment
def offer_table(table: Callable[[], pd.DataFrame], key: str, name: str, title: str) -> None:
    """Draw the menu of what is a table already: all of its rows as CSV, made when somebody asks.

    Parameters
    ----------
    key, name
        As in :func:`show`.
    title
        Says what the table holds.
    """
    settings: dict[str, Any] = {"help": "Table as a file", "key": f"{key} menu", "on_change": "rerun"}
    menu = st.popover(f"Files: {literal(title)}", icon=":material/more_vert:", type="tertiary", **settings)
    if menu.open:
        with menu:
            st.markdown(f"**{literal(title)}**")
            csv = as_csv(table())
            st.download_button("Table as CSV", csv, f"{name}.csv", "text/csv", key=f"{key} csv", on_click="ignore")


def _css_class(key: str) -> str:
    """The class of the element with a key, as Streamlit makes it."""
    return "st-key-" + re.sub(r"[^\w-]", "-", key.strip(), flags=re.ASCII)
