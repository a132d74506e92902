"""All predictions in a table with thumbnails, so many at a time; a click on a row chooses the image."""

import math
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ddlab.analyses.decisions import predictions as analysis
from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.data.source import Dataset
from ddlab.figures.images import thumbnail
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from pages.ui import charts, held, results, selection

AT_ONCE = 50  # images on a page of the table: a thumbnail each is made and sent
SIDE = 48  # pixels of a thumbnail
HEIGHT = 420  # screen pixels of the table
CLOSED, OPEN = "closed", "open"
PICTURE = "picture"
VERDICTS = {True: "✓", False: "✗"}
KEY, BOX = "predictions", "predictions box"


@held.fragment
def show(run: RunFolder, seed: int, outcomes: Outcomes, found: np.ndarray, strategy: str, index: int) -> None:
    """Draw the table of the images that pass the filters, closed at first: nothing is made for it before it is open.

    Parameters
    ----------
    found
        Their indices, ascending.
    index
        The image on screen, whose row is marked.
    """
    if "image wanted" in st.session_state:  # a click on a row, which ran this part alone
        st.rerun()
    is_open = selection.pick("Table", [CLOSED, OPEN], "table", widget=_kept) == OPEN
    if st.session_state.get(BOX, False) != is_open:  # a link, or the browser's back button
        st.session_state[BOX] = is_open
    settings: dict[str, Any] = {"key": BOX, "icon": ":material/table_rows:", "on_change": _note}
    with st.expander("All predictions in a table", **settings):
        if is_open:
            order, first = _place(found, strategy)
            changed = (seed, run.results_stamp())
            indices = _ordered(str(run.path), changed, outcomes, found, strategy, order)
            _rows(run, outcomes, indices, indices[first : first + AT_ONCE], strategy, index)


def _kept(label: str, options: list[str], key: str) -> str:
    return str(st.session_state[key])


def _note() -> None:
    selection.choose("table", OPEN if st.session_state[BOX] else CLOSED)


def _place(found: np.ndarray, strategy: str) -> tuple[str, int]:
    """Let an order and a page of the table be chosen; the order, and the place of the page's first image in it."""
    order = selection.pick("Order by", list(analysis.ORDERS), "order", format_func=analysis.ORDERS.get)
    pages = range(1, math.ceil(len(found) / AT_ONCE) + 1)
    if len(pages) == 1:
        return order, 0
    of = (order, strategy, len(found), *found[[0, -1]].tolist())
    if st.session_state.setdefault("table_page of", of) != of:  # other rows are read from their beginning
        st.session_state["table_page of"] = of
        selection.choose("table_page", 1, is_noted=False)
    page = selection.pick("Rows", pages, "table_page", widget=partial(_stepper, num_images=len(found)))
    return order, AT_ONCE * (page - 1)


def _stepper(label: str, options: range, key: str, num_images: int) -> int:
    page = int(st.session_state[key])
    with st.container(horizontal=True, vertical_alignment="center"):
        for icon, text, step in (("chevron_left", "The rows before", -1), ("chevron_right", "The next rows", 1)):
            settings: dict[str, Any] = {"icon": f":material/{icon}:", "key": f"{key} {icon}"}
            is_end = page + step not in options
            st.button(text, on_click=selection.choose, args=("table_page", page + step), disabled=is_end, **settings)
        last = min(AT_ONCE * page, num_images)
        st.caption(f"{label} {AT_ONCE * (page - 1) + 1:,} to {last:,} of {num_images:,}")
    return page


def _rows(
    run: RunFolder, outcomes: Outcomes, indices: np.ndarray, listed: np.ndarray, strategy: str, index: int
) -> None:
    """Draw the rows of the images that are ``listed``, with a menu that has those of all ``indices``."""
    data, _ = results.images(run)
    table = analysis.prediction_table(outcomes, listed, strategy)
    pictures = _thumbnails(run.experiment.dataset.model_dump_json(), tuple(listed.tolist()), data)
    title = f"Predictions of {len(indices):,} validation image{'s' * (len(indices) > 1)}"
    with st.container(key=f"chart-{KEY}", gap=None):
        every = partial(analysis.prediction_table, outcomes, indices, strategy)
        charts.offer_table(every, KEY, f"{run.id}-predictions-{strategy}", title)
        st.markdown(f"**{title}**")
        _draw(table, pictures, strategy, index)
    st.caption(
        "Choose a row to see its image below; a heading sorts these rows; the menu in the corner saves all of them."
    )


def _draw(table: pd.DataFrame, pictures: list[str], strategy: str, index: int) -> None:
    """Draw the rows; the one of the image on screen is marked, also when it was chosen elsewhere."""
    listed = table[analysis.IMAGE].tolist()
    key = f"{KEY} {listed[0]} {listed[-1]} {len(listed)}"  # other rows begin with none selected

    def choose() -> None:
        chosen = st.session_state[key].selection
        rows = [row for row in (*(row for row, _ in chosen.cells), *chosen.rows) if listed[row] != index]
        if rows:
            selection.choose("image", listed[rows[0]])

    marked = {"rows": [listed.index(index)] if index in listed else [], "columns": [], "cells": []}
    if key not in st.session_state or st.session_state[key]["selection"]["rows"] != marked["rows"]:
        st.session_state[key] = {"selection": marked}
    st.dataframe(
        _written(table, pictures),
        hide_index=True,
        column_config=_columns(strategy),
        row_height=SIDE + 4,
        height=min(40 + (SIDE + 4) * len(listed), HEIGHT),
        key=key,
        on_select=choose,
        selection_mode=["single-row", "single-cell"],
    )


def _written(table: pd.DataFrame, pictures: list[str]) -> pd.DataFrame:
    """The table as it is read: pictures first, shares in percent, a verdict before every decision."""
    written = table.copy()
    for title in [str(name) for name in table if analysis.is_right(str(name)) in table]:
        verdicts = written.pop(analysis.is_right(title)).map(VERDICTS)
        written[title] = verdicts + " " + written.pop(title)  # to the right of the numbers
    written[analysis.PROBABILITY] *= 100
    written.insert(0, PICTURE, pictures)
    return written


def _columns(strategy: str) -> dict[str, Any]:
    title, column = STRATEGIES[strategy].title, st.column_config
    probability = f"The probability that {title} gives to the true class; of a vote, its share of the votes."
    margin = (
        f"What {title} gives to the true class, less the most that it gives to another one: 0 in a tie, below 0 where "
        "it is wrong."
    )
    return {
        PICTURE: column.ImageColumn(width="small"),
        analysis.IMAGE: column.NumberColumn(width="small"),
        analysis.PROBABILITY: column.NumberColumn("it gets", format="%.1f %%", help=probability),
        analysis.MARGIN: column.NumberColumn(format="%.3f", help=margin),
        analysis.NUM_RIGHT: column.NumberColumn("local right", help="So many local networks name the true class."),
    }


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _ordered(
    path: str, changed: tuple[int, int], _outcomes: Outcomes, found: np.ndarray, strategy: str, order: str
) -> np.ndarray:
    return analysis.in_order(_outcomes, found, strategy, order)


@st.cache_data(max_entries=2 * results.KEPT, show_spinner=False)
def _thumbnails(settings: str, indices: tuple[int, ...], _data: Dataset) -> list[str]:
    return [thumbnail(_data.validation.images[index], SIDE) for index in indices]
