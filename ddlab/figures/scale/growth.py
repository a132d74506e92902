"""Growth drawn: a curve a strategy against the number of ranks, both axes logarithmic."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, PAPER, strategy_color
from ddlab.figures.layout import finish, room_for_names
from ddlab.written import si

# What bounds a training, by the parts of its time (Tol 2021, "bright", as kinds of layers have them).
PART_COLORS = {
    "divided": "#4477AA",
    "repeated": "#66CCEE",
    "waiting": "#CCBB44",
    "latency": "#EE6677",
    "transfer": "#AA3377",
    "alone": "#7f7f7f",
}
HEIGHT = 460  # screen pixels
BAR, BEYOND = 34, 150  # a row, and around all rows
DASHES = ("solid", "dash", "dashdot", "longdash")  # of curves that lie on each other
STOP = {"symbol": "diamond", "size": 13, "line": {"color": "#ffffff", "width": 1.5}}


def time_lines(table: pd.DataFrame, stops: Mapping[str, int], column: str, title: str) -> go.Figure:
    """Time of every strategy against the ranks, with what the first would take were its work divided without loss.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.scale.table.scale_table` gives it.
    stops
        By strategy, the number of ranks that gets a mark: from there on nothing is gained.
    column
        ``seconds`` of the whole training, or ``step_seconds``; beside it stands that of the roofline, dotted.
    """
    figure = go.Figure()
    least = {"seconds": "least_seconds", "step_seconds": "least_step"}[column]
    for place, (strategy, rows) in enumerate(_by_strategy(table)):
        color, name = strategy_color(strategy), str(rows["title"].iloc[0])
        told = "%{x} ranks: %{customdata[0]}, %{customdata[1]:.3g} times as fast as one<extra>" + name + "</extra>"
        _line(figure, rows, column, name, color, place, hovertemplate=told, customdata=_told(rows, column))
        figure.add_scatter(
            x=rows["ranks"],
            y=rows[least],
            mode="lines",
            line={"color": color, "width": 1.2, "dash": "dot"},
            legendgroup=strategy,
            showlegend=False,
            hovertemplate="%{x} ranks: at least %{y:.3g} s (roofline)<extra>" + name + "</extra>",
        )
        stop = rows[rows["ranks"] == stops.get(strategy)]
        figure.add_scatter(
            x=stop["ranks"],
            y=stop[column],
            mode="markers",
            marker={**STOP, "color": color},
            legendgroup=strategy,
            showlegend=False,
            hovertemplate=f"{name} gains nothing beyond %{{x}} ranks<extra></extra>",
        )
    _ideal(figure, table, column)
    return _finished(figure, table, title, "time (s), logarithmic")


def weak_lines(table: pd.DataFrame, title: str) -> go.Figure:
    """Efficiency of weak scaling against the ranks: 1 is as many times the images a second as there are ranks."""
    figure = go.Figure()
    for place, (strategy, rows) in enumerate(_by_strategy(table)):
        name = str(rows["title"].iloc[0])
        told = "%{x} ranks: %{y:.1%} of as many times the images a second<extra>" + name + "</extra>"
        _line(figure, rows, "efficiency", name, strategy_color(strategy), place, hovertemplate=told)
    line = {"color": OTHER, "width": 2, "dash": "dot"}
    figure.add_hline(y=1, line=line)
    figure.update_yaxes(rangemode="tozero", tickformat=".0%")
    return _finished(figure, table, title, "images a second over those of one rank, a rank", linear=True)


def bytes_lines(table: pd.DataFrame, title: str) -> go.Figure:
    """Bytes that the busiest rank sends in the whole training, against the ranks; who sends nothing has no curve."""
    sends = table.assign(sent=table["sent"].where(table["sent"] > 0))
    return _amount_lines(sends, "sent", title, "sent by the busiest rank (bytes), logarithmic")


def memory_lines(table: pd.DataFrame, title: str) -> go.Figure:
    """Bytes that the fullest rank holds, against the ranks."""
    return _amount_lines(table, "memory", title, "held by the fullest rank (bytes), logarithmic")


def _amount_lines(table: pd.DataFrame, column: str, title: str, axis: str) -> go.Figure:
    figure = go.Figure()
    for place, (strategy, rows) in enumerate(_by_strategy(table)):
        name = str(rows["title"].iloc[0]) + (": nothing" if rows[column].isna().all() else "")
        told = "%{x} ranks: %{customdata}<extra>" + name + "</extra>"
        amounts = [si(value, "B") if value == value else "" for value in rows[column]]
        _line(figure, rows, column, name, strategy_color(strategy), place, hovertemplate=told, customdata=amounts)
    return _finished(figure, table, title, axis)


def part_bars(rows: pd.DataFrame, parts: Mapping[str, str], title: str) -> go.Figure:
    """Shares of the time of every strategy by what it goes to, a bar a strategy.

    Parameters
    ----------
    rows
        Those of :func:`ddlab.analyses.scale.table.scale_table` on one number of ranks.
    parts
        Columns, and what people call them.
    """
    figure = go.Figure()
    for part, name in parts.items():
        figure.add_bar(
            x=rows[part] / rows["seconds"],
            y=rows["title"],
            name=name,
            orientation="h",
            marker_color=PART_COLORS[part],
            customdata=rows[part],
            hovertemplate="%{y}, " + name + ": %{x:.1%}, %{customdata:.3g} s<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    height = BEYOND + BAR * len(rows)
    axis = "share of the time of the whole training"
    return finish(figure, title, x=axis, height=height, barmode="stack", bargap=0.25, legend_traceorder="normal")


def spread_bars(table: pd.DataFrame, causes: Mapping[Any, str], title: str) -> go.Figure:
    """Time that ranks of different speed add to all training steps, a pair of bars a strategy."""
    figure = go.Figure()
    for cause, color in zip(causes, (OTHER, PAPER), strict=True):
        figure.add_bar(
            x=table[f"{cause}_cost"],
            y=table["title"],
            name=causes[cause],
            orientation="h",
            marker={"color": color, "line": {"color": "#ffffff", "width": 1}},
            hovertemplate="%{y}: %{x:.1%} more time<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(tickformat=".0%")
    height = BEYOND + BAR * len(table)
    axis = "more time of all training steps"
    return finish(figure, title, x=axis, height=height, barmode="group", bargap=0.25)


# ---- parts


def _by_strategy(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    known = table[table["reason"] == ""]
    return [(str(strategy), rows) for strategy, rows in known.groupby("strategy", sort=False)]


def _line(
    figure: go.Figure, rows: pd.DataFrame, column: str, name: str, color: str, place: int, **settings: Any
) -> None:
    figure.add_scatter(
        x=rows["ranks"],
        y=rows[column],
        name=name,
        mode="lines+markers",
        line={"color": color, "width": 2.5, "dash": DASHES[place % len(DASHES)]},
        marker={"color": color, "size": 6},
        legendgroup=str(rows["strategy"].iloc[0]),
        **settings,
    )


def _told(rows: pd.DataFrame, column: str) -> list[list[Any]]:
    return [[_seconds(time), gain] for time, gain in zip(rows[column], rows["speed_up"], strict=True)]


def _seconds(time: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if time * factor >= 1:
            return f"{time * factor:.3g} {unit}"
    return f"{time * 1e9:.3g} ns"


def _ideal(figure: go.Figure, table: pd.DataFrame, column: str) -> None:
    """Draw the time of the slowest strategy on one rank, divided by the ranks."""
    one = table[(table["ranks"] == table["ranks"].min()) & (table["reason"] == "")]
    if one.empty:
        return
    ranks = sorted(table["ranks"].unique())
    slowest = float(one[column].max())
    figure.add_scatter(
        x=ranks,
        y=[slowest / count for count in ranks],
        name="ideal: divided by the ranks",
        mode="lines",
        line={"color": OTHER, "width": 2, "dash": "dot"},
        hoverinfo="skip",
    )


def _finished(figure: go.Figure, table: pd.DataFrame, title: str, y: str, *, linear: bool = False) -> go.Figure:
    ticks = [int(count) for count in sorted(table["ranks"].unique())]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{count:,}" for count in ticks])
    if not linear:
        figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return finish(figure, title, x="ranks, logarithmic", y=y, height=HEIGHT + room_for_names(figure))
