"""Tables that are drawn as heat maps and can be clicked: a heat map has no points, so every cell is given one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ddlab.figures import graph_objects as go


def add_cells(figure: go.Figure, places: Iterable[tuple[int, int]], size: float, **told: Any) -> None:
    """Lay a point over each of the cells, in place.

    Parameters
    ----------
    places
        Row and column of every cell.
    size
        Of a point, in screen pixels.
    told
        What a point tells: ``customdata``, ``hovertext`` and ``hovertemplate``. Data of several values are a list of
        lists: Streamlit hands typed arrays of two axes back in the wrong order.
    """
    rows, columns = np.array(list(places), dtype=int).reshape(-1, 2).T
    seen = {"opacity": 0.004}  # there to be clicked, not to be seen
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={"symbol": "square", "size": size, "color": "#000000", **seen},
        selected={"marker": seen},
        unselected={"marker": seen},
        **told,
    )


def name_cells(figure: go.Figure, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Write the names of rows and columns beside them, in place; the first row is on top."""
    for axes, names in ((figure.update_xaxes, columns), (figure.update_yaxes, rows)):
        axes(tickvals=list(range(len(names))), ticktext=list(names), showgrid=False)
    figure.update_yaxes(autorange="reversed")


def cell_layout(notes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The layout of such a table: a click selects a cell, also where one of ``notes`` is written on it.

    The notes are handed over at once, as plotly copies all of them with each that is added.
    """
    still = {"showarrow": False, "captureevents": False}
    written = [{**note, **still} for note in notes]
    return {"showlegend": False, "clickmode": "event+select", "dragmode": False, "annotations": written}
