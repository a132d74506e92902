"""Sensitivity drawn: accuracy against the first radius or the learning rate, a line a strategy."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.sweeps.sensitivity import DIVERGED, EPOCHS
from ddlab.figures import graph_objects as go
from ddlab.figures.bands import add_band
from ddlab.figures.baseline import mark_baseline
from ddlab.figures.colors import rgba, strategy_color
from ddlab.figures.layout import finish, percent_axis

HEIGHT = 470
SHARES = (0.0, 1.0)  # accuracies lie between
MARGIN = 0.2  # decades beside the outermost values


def sensitivity_lines(
    table: pd.DataFrame, plateaus: pd.DataFrame, epoch: str, baseline: Baseline | None = None
) -> go.Figure:
    """Validation accuracy over the number that a strategy begins with; what diverged is a cross at the baseline.

    The wide pale part of a line is its plateau; thin bands are one standard deviation over seeds. Every point's
    ``customdata`` is ``[run_id]``.

    Parameters
    ----------
    table, plateaus
        As :func:`ddlab.analyses.sweeps.sensitivity.sensitivity_table` and ``plateaus`` give them.
    epoch
        One of ``EPOCHS``.
    baseline
        Of the validation images, to mark it.
    """
    figure = go.Figure()
    flat = {row["strategy"]: row for row in plateaus.to_dict("records")}
    known = table.dropna(subset=[epoch])
    for strategy, rows in known.groupby("strategy", sort=False):
        points, color = rows.set_index("value"), strategy_color(str(strategy))
        add_band(figure, points[epoch], points[f"{epoch}_sd"], color, color, SHARES)
        _add_plateau(figure, rows, epoch, flat[strategy])
        _add_line(figure, rows, epoch, flat[strategy])
    mark_baseline(figure, baseline)
    ends = [math.log10(table["value"].min()) - MARGIN, math.log10(table["value"].max()) + MARGIN]
    figure.update_xaxes(type="log", range=ends, dtick=1, exponentformat="power")
    title = f"Validation accuracy against initial radius or learning rate ({EPOCHS[epoch]})"
    axis = "initial radius, or learning rate, logarithmic"
    return finish(figure, title, x=axis, y="validation accuracy", height=HEIGHT, **percent_axis("y"))


def _add_plateau(figure: go.Figure, rows: pd.DataFrame, epoch: str, plateau: Mapping[Hashable, Any]) -> None:
    color = strategy_color(plateau["strategy"])
    flat = rows[rows["value"].between(plateau["low"], plateau["high"])]
    settings: dict[str, Any] = {"hoverinfo": "skip", "showlegend": False, "legendgroup": color, "mode": "lines"}
    figure.add_scatter(x=flat["value"], y=flat[epoch], line={"color": rgba(color, 0.3), "width": 12}, **settings)


def _add_line(figure: go.Figure, rows: pd.DataFrame, epoch: str, plateau: Mapping[Hashable, Any]) -> None:
    color, name = strategy_color(plateau["strategy"]), plateau["title"]
    gone = rows["state"].eq(DIVERGED)
    figure.add_scatter(
        x=rows["value"],
        y=rows[epoch],
        name=f"{name} · {plateau['quantity']}",
        mode="lines+markers",
        legendgroup=color,
        line={"color": color, "width": 2.5},
        marker={"color": color, "symbol": list(gone.map({True: "x", False: "circle"})), "size": list(7 + 6 * gone)}
        | {"opacity": 1},  # plotly lets points of several sizes shine through
        customdata=[[run_id] for run_id in rows["run_id"]],
        text=list(rows["value"].map("{:g}: ".format) + rows[epoch].map("{:.1%}".format).where(~gone, "diverged")),
        hovertemplate=f"{name}, {plateau['quantity']} %{{text}}<extra></extra>",
    )
