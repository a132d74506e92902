"""A sweep drawn: the accuracy of every decomposition as a heat map, and against the work of its local networks."""

from typing import Any

import numpy as np
import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.cells import add_cells, cell_layout, name_cells
from ddlab.figures.colors import PROBABILITY, class_color, strategy_color
from ddlab.figures.layout import finish, percent_axis

GLOBAL = "global"
ROW, LEAST = 40, 260  # screen pixels of a row of the heat map, and of a whole figure
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "star", "hexagon", "cross")
WORDS = {"queued": "waits", "running": "works", "not run": "not run"}  # of a cell without a number; else the state


def heat_map(table: pd.DataFrame, strategy: str, title: str) -> go.Figure:
    """The accuracy of one strategy: a row a layout, a column an overlap; a cell without one says why.

    All strategies of the sweep share one scale, so that they can be compared. Every cell with a run is a point as well,
    whose ``customdata`` is ``[run_id]``, so that it can be clicked.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.sweeps.decompositions.sweep_table` gives it.
    """
    local = table[table["strategy"] != GLOBAL]
    rows, columns = list(dict.fromkeys(local["title"])), sorted(local["overlap"].unique())
    shown = local[local["strategy"] == strategy]
    values = np.full((len(rows), len(columns)), np.nan)
    places = [(rows.index(t), columns.index(o)) for t, o in zip(shown["title"], shown["overlap"], strict=True)]
    for place, value in zip(places, shown["validation"], strict=True):
        values[place] = np.nan if value is None else value
    low, high = _scale(local["validation"])
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=low,
            zmax=high,
            colorscale=PROBABILITY,
            hoverinfo="skip",
            xgap=3,
            ygap=3,
            colorbar={"title": {"text": "accuracy", "side": "right"}, **percent_axis()["yaxis"], "thickness": 14},
        )
    )
    add_cells(
        figure,
        places,
        ROW,
        customdata=[[run_id] for run_id in shown["run_id"]],
        hovertext=[_hover(row) for row in shown.itertuples()],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    notes = [_note(row, place, low, high) for row, place in zip(shown.itertuples(), places, strict=True)]
    name_cells(figure, rows, list(map(str, columns)))
    height = max(LEAST, 120 + ROW * len(rows))
    return finish(figure, title, x="overlap δ (px)", height=height, **cell_layout(notes))


def _scale(values: pd.Series) -> tuple[float, float]:
    """Lowest and highest accuracy of all strategies, a point apart at least."""
    known = values.astype(float).dropna()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    return float(low), float(max(high, low + 0.01))


def _hover(row: Any) -> str:
    head = f"<b>{row.title}, overlap {row.overlap} px</b>"
    if not row.run_id:
        return f"{head}<br>{row.state}: {row.message}"
    about = f"{row.subdomains:.0f} subdomains, at most {row.size}; work {row.work:.0%} of the global network's"
    return f"{head}<br>{about}<br>{row.message or 'Click to open the run.'}"


def _note(row: Any, place: tuple[int, int], low: float, high: float) -> dict[str, object]:
    """Return the annotation of a cell: the accuracy, or why there is none."""
    note = {"x": place[1], "y": place[0]}
    if row.validation is None or np.isnan(row.validation):
        text = WORDS.get(row.state, row.state)
        return note | {"text": f"<i>{text}</i>", "opacity": 0.75, "font": {"size": 11}}
    text = f"{row.validation:.1%}"
    if row.seeds and row.seeds > 1 and not np.isnan(row.validation_sd):
        text += f"<br>± {100 * row.validation_sd:.1f}"
    bright = (row.validation - low) / (high - low) > 0.5
    return note | {"text": text, "font": {"size": 12, "color": "#101820" if bright else "#ffffff"}}


def _sizes(overlaps: pd.Series) -> dict[int, float]:
    """Screen pixels of the points of every overlap: words beside them would lie on each other."""
    known = sorted(overlaps.unique())
    return {overlap: float(size) for overlap, size in zip(known, np.linspace(8, 16, len(known)), strict=True)}


def accuracy_against_work(table: pd.DataFrame, strategy: str, title: str) -> go.Figure:
    """The accuracy of one strategy over the work of its local networks: a line a layout, points that grow with overlap.

    The global network is a star at its own work.
    """
    figure = go.Figure()
    known = table.dropna(subset=["validation", "work"])
    shown = known[known["strategy"] == strategy].sort_values("overlap")
    sizes = _sizes(shown["overlap"])
    for index, name in enumerate(dict.fromkeys(table.loc[table["strategy"] == strategy, "title"])):
        rows = shown[shown["title"] == name]
        color = class_color(index)
        figure.add_scatter(
            x=rows["work"],
            y=rows["validation"],
            error_y={"array": rows["validation_sd"].astype(float).fillna(0), "width": 3, "thickness": 1},
            mode="lines+markers",
            text=[f"δ {overlap}" for overlap in rows["overlap"]],
            name=name,
            line={"color": color, "width": 1.5},
            marker={"color": color, "symbol": SYMBOLS[index % len(SYMBOLS)], "size": list(rows["overlap"].map(sizes))},
            hovertemplate=f"{name}, %{{text}}: %{{y:.1%}} for %{{x:.0%}} of the work<extra></extra>",
        )
    whole = known[known["strategy"] == GLOBAL]
    if len(whole):
        marker = {"color": strategy_color(GLOBAL), "symbol": "star", "size": 15}
        hover = "Global network: %{y:.1%}<extra></extra>"
        figure.add_scatter(
            x=whole["work"], y=whole["validation"], mode="markers", name="global", marker=marker, hovertemplate=hover
        )
    work = "work of all local networks (global network: 100%)"
    settings = percent_axis("x", rangemode="tozero") | percent_axis("y")
    return finish(figure, title, x=work, y="validation accuracy", height=460, **settings)
