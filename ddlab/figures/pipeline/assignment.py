"""Modules on devices, the generations of the genetic search for them, and replicas beside devices."""

from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import CLASSES, OTHER, WHISKER, class_color, ink
from ddlab.figures.layout import finish, whole_axis
from ddlab.pipeline.assignment import Assignment
from ddlab.pipeline.assignment_problem import ROUNDING
from ddlab.written import percent

PARTS = {  # of the time of a step: name and colour
    "compute": ("work of the busiest device", CLASSES[7]),
    "transfer": ("transfers between devices", CLASSES[0]),
    "all_reduce": ("all-reduce of the gradients", CLASSES[3]),
}
SEARCH = CLASSES[4]  # violet: the best of a generation
ROW, AROUND = 46, 190  # screen pixels of an assignment, and of title, axis and legend together


def device_color(device: int) -> str:
    """The colour of a device; from the eleventh on they repeat, so that its number stands beside."""
    return class_color(device)


def placement(table: pd.DataFrame, unit: str = "") -> go.Figure:
    """Draw the network as a strip an assignment: a cell a module, as wide as its cost, in the colour of its device.

    The number in a cell is that of the device, and the time of a step stands beside the assignment. Where neighbours
    differ in colour, a hop crosses devices.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.pipeline.assignment.placement_table` gives it, of one assignment or more.
    unit
        Of the costs, such as "ms".

    Raises
    ------
    ValueError
        If there is no assignment.
    """
    if table.empty:
        raise ValueError("table: must have at least 1 assignment, got 0")
    starts = table.groupby("assignment", sort=False)["cost"].cumsum() - table["cost"]
    labels = table["title"] + [f"<br>{time:.4g} {unit}".rstrip() for time in table["time"]]
    figure = go.Figure()
    for device in sorted(set(table["device"])):
        rows, color = table[table["device"] == device], device_color(device)
        figure.add_bar(
            x=rows["cost"],
            base=starts[rows.index].to_list(),
            y=labels[rows.index],
            orientation="h",
            width=0.8,
            name=f"device {device}",
            marker={"color": color, "line": {"color": ink(color), "width": 1}},
            text=rows["device"].astype(str),
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": ink(color)},
            customdata=rows["module"],
            hovertemplate=f"module %{{customdata}} on device {device}: %{{x:.4g}} {unit}<extra></extra>",
        )
    names = list(dict.fromkeys(labels))
    figure.update_yaxes(categoryorder="array", categoryarray=names, autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    modules = _count(table["module"].nunique(), "module")
    title = f"{modules} on devices: the shortest step takes {table['time'].min():.4g} {unit}".rstrip()
    x = f"work of the modules, first to last{f', in {unit}' if unit else ''}"
    look: dict[str, Any] = {"barmode": "overlay", "uniformtext": {"minsize": 7, "mode": "hide"}}
    return finish(figure, title, x=x, height=AROUND + ROW * len(names), **look)


def evolution(found: Assignment, exact: Assignment | None = None, unit: str = "") -> go.Figure:
    """Draw the best and the mean time of a step over the generations, and the line that none goes below.

    Parameters
    ----------
    found
        Of the genetic search.
    exact
        The best of all assignments, whose time the line is; the problem's lower bound if None.
    unit
        Of the costs, such as "ms".

    Raises
    ------
    ValueError
        If the search has no generations, or ``exact`` is of another problem.
    """
    if not found.history:
        raise ValueError(f"found: must be of a search with generations, got {found.title!r}; choices: genetic")
    if exact is not None and exact.problem != found.problem:
        raise ValueError("exact: must be of the same problem as the genetic search, got another one")
    least = found.problem.lower_bound if exact is None else exact.time
    numbers = list(range(len(found.history)))
    figure = go.Figure()
    for name, times, line in (
        ("mean of the generation", [each.mean for each in found.history], {"color": OTHER, "dash": "dot"}),
        ("best of the generation", [each.best for each in found.history], {"color": SEARCH, "width": 2.5}),
    ):
        hover = f"generation %{{x}}: %{{y:.4g}} {unit}<extra>{name}</extra>"
        figure.add_scatter(x=numbers, y=times, mode="lines", name=name, line=line, hovertemplate=hover)
    label = "lower bound, without transfers" if exact is None else "exact optimum"
    text = f"{label}: {least:.4g} {unit}".rstrip()
    line = {"color": WHISKER, "width": 1.5, "dash": "dash"}
    figure.add_hline(y=least, line=line, annotation_text=text, annotation_position="bottom right")
    top = max(each.mean for each in found.history)
    figure.update_yaxes(range=[least - 0.18 * (top - least or least), top + 0.05 * (top - least or least)])
    whole_axis(figure, len(numbers) - 1)
    y = f"time of a step{f' in {unit}' if unit else ''}"
    return finish(figure, _verdict(found, least, exact is not None), x="generation", y=y, height=380)


def _verdict(found: Assignment, least: float, exact: bool) -> str:
    """Say how good the result of the genetic search is."""
    best = found.history[-1].best
    if best <= least * (1 + ROUNDING):
        first = next(number for number, each in enumerate(found.history) if each.best <= least * (1 + ROUNDING))
        return f"The genetic search finds a best assignment in generation {first}"
    slower = percent(best / least - 1)
    if exact:
        return f"The genetic search ends {slower} above the best of all assignments"
    return f"The genetic search ends {slower} above a bound that no assignment goes below"


def replicas(table: pd.DataFrame) -> go.Figure:
    """Draw the time of a step of every way to use the machines, stacked by what it is spent on.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.pipeline.assignment.replica_table` gives it; ways that cannot be are left out.
    """
    shown = table[table["reason"] == ""]
    names = [f"{row.replicas} × {row.devices}" for row in shown.itertuples()]
    figure = go.Figure()
    for part, (name, color) in PARTS.items():
        hover = f"%{{x}}: {name} %{{y:.4s}}s<extra></extra>"
        figure.add_bar(x=names, y=shown[part], name=name, marker_color=color, hovertemplate=hover)
    best = shown[shown["fastest"]].iloc[0]
    machines = _count(int(best["replicas"] * best["devices"]), "machine")
    way = f"{_count(int(best['replicas']), 'replica')} on {_count(int(best['devices']), 'device')} each"
    title = f"{machines}: fastest as {way}, {best['speed_up']:.2f} times as fast as one machine"
    figure.update_xaxes(type="category")
    figure.update_yaxes(tickformat="~s", ticksuffix="s")
    return finish(figure, title, x="replicas × devices of each", y="time of a step", height=400, barmode="stack")


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
