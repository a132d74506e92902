"""The speed-up that a machine allows at most: a bar a layer, and where the time of a step goes at best."""

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, PAPER
from ddlab.figures.layout import finish, percent_axis

BOUND = {"operations": "#009E73", "bytes": "#D55E00"}  # what bounds most of a layer's time
WORDS = {"operations": "operations", "bytes": "memory"}
# Tol 2021, "bright": the kinds of layers of :data:`ddlab.models.work.KINDS`; others are grey.
KIND_COLORS = {
    "convolution": "#4477AA",
    "batch normalisation": "#EE6677",
    "rectifier": "#CCBB44",
    "pooling": "#66CCEE",
    "fully connected": "#228833",
    "residual sum": "#AA3377",
}
SAME = 0.02  # of a ratio: nearer ones are not told apart
COUNTED = "counted: operations"
BAR, BEYOND = 40, 160  # screen pixels a row, and around all rows
ROOM = 1.25  # of the longest bar, for the numbers behind it


def ratio_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """Times fewer operations beside times less time at least, a pair of bars a row.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.roofline.roofline_table` gives it.
    """
    figure = go.Figure()
    figure.add_bar(
        x=table["counted"],
        y=table["row"],
        name=COUNTED,
        orientation="h",
        offsetgroup="counted",
        marker={"color": OTHER, "opacity": 0.45},
        hovertemplate="%{y}: %{x:.1f} times fewer operations<extra></extra>",
    )
    for bound, color in BOUND.items():
        of_bound = table["local_bound"] == bound
        figure.add_bar(
            x=table["allowed"].where(of_bound),
            y=table["row"],
            name=f"least time, bound by {WORDS[bound]}",
            orientation="h",
            offsetgroup="allowed",
            marker_color=color,
            text=[f"{share:.0%}" for share in table["local_share"]],
            textposition="outside",
            textfont_size=12,
            constraintext="none",
            cliponaxis=False,
            customdata=table[["moved", "local_share"]],
            hovertemplate="%{y}: at most %{x:.1f} times less time, %{customdata[0]:.1f} times fewer bytes; "
            "%{customdata[1]:.1%} of the local networks' time<extra></extra>",
        )
    differs = table["best"].where((table["best"] - table["allowed"]).abs() > SAME * table["allowed"])
    figure.add_scatter(
        x=differs,
        y=table["row"],
        name="best of PyTorch's operations",
        mode="markers",
        marker={"symbol": "diamond", "size": 10, "color": PAPER, "line": {"color": "#ffffff", "width": 1.5}},
        hovertemplate="%{y}: %{x:.1f} times less time with PyTorch's operations as they are<extra></extra>",
        visible=bool(differs.notna().any()),
    )
    longest = table[["counted", "allowed"]].max().max()
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(range=[0, ROOM * longest] if longest == longest else None)
    axis = "times faster (% of the local time)"
    return finish(figure, title, x=axis, height=BEYOND + BAR * len(table), barmode="group", bargap=0.25)


def time_bars(kinds: pd.DataFrame, title: str) -> go.Figure:
    """Shares of the time of a step at best by kind of layer, of the global network and of all local ones.

    Parameters
    ----------
    kinds
        As :func:`ddlab.analyses.comparison.roofline.roofline_table` gives it by kind.
    """
    figure = go.Figure()
    parts = {"local": "local networks", "global": "global network"}
    for row in kinds.to_dict("records"):
        milliseconds = [1e3 * row[f"{part}_best"] for part in parts]
        figure.add_bar(
            x=[row[f"{part}_share"] for part in parts],
            y=list(parts.values()),
            name=row["row"],
            orientation="h",
            marker_color=KIND_COLORS.get(row["row"], OTHER),
            customdata=milliseconds,
            hovertemplate="%{y}, " + row["row"] + ": %{x:.1%}, %{customdata:.3g} ms a step<extra></extra>",
        )
    axis = percent_axis("x", range=[0, 1])
    return finish(
        figure,
        title,
        x="share of the time of a step",
        height=300,
        barmode="stack",
        legend_traceorder="normal",
        **axis,
    )


def bars_title(allowed: float, counted: float, machine: str) -> str:
    """Title of :func:`ratio_bars`: the whole ratio, counted and allowed."""
    return f"At most {allowed:.1f} times faster, {counted:.1f} by operations: {machine}"


def time_title(kinds: pd.DataFrame) -> str:
    """Title of :func:`time_bars`: the time of a step of both."""
    whole, local = (1e3 * kinds[f"{part}_best"].sum() for part in ("global", "local"))
    return f"Where a step's time goes at best: {whole:.3g} ms global, {local:.3g} ms local"
