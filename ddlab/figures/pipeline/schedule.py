"""A schedule drawn in time: every action of every rank with its micro-batch, and the idle time between them."""

from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import CLASSES, OTHER, ink, pale, rgba
from ddlab.figures.layout import finish
from ddlab.pipeline.schedules import KINDS, Kind
from ddlab.pipeline.simulation import Simulation
from ddlab.written import percent

COLORS: dict[Kind, str] = {"F": CLASSES[2], "B": CLASSES[1], "W": CLASSES[4]}  # blue, yellow, violet
PALEST = 0.45  # of the colour that is left of a rank's last module, so that its first one stands out
ROW, AROUND = 44, 170  # screen pixels of a rank, and of title, axis and legend together
THICK = 0.86  # of a row


def gantt(simulation: Simulation, until: int | None = None, unit: str = "") -> go.Figure:
    """Draw every action of a schedule over time, a row a rank, with its micro-batch's number; idle time is hatched.

    Micro-batches and modules are counted from 0, as ranks are. Of a rank with several modules the later ones are paler.

    Parameters
    ----------
    until
        Draw only so many actions, those that begin first, so that a button can go through them; all if None. Axes
        and title stay as they are.
    unit
        Of the times, such as "ms".

    Raises
    ------
    ValueError
        If there are not so many actions.
    """
    schedule, table = simulation.schedule, simulation.action_table()
    if until is not None and not 0 <= until <= len(table):
        raise ValueError(f"until: must be from 0 to the {len(table)} actions, got {until}")
    shown = table if until is None else table.head(until)
    figure = go.Figure()
    for kind in KINDS if schedule.weights_apart else ("F", "B"):
        _add_actions(figure, shown[shown["kind"] == kind], simulation, kind, unit)
    now = simulation.makespan if until in (None, len(table)) else shown["end"].max()
    _add_idle(figure, simulation.idle_table(), now, unit)
    figure.update_xaxes(range=[0, simulation.makespan], showgrid=False)
    ranks = list(range(schedule.num_ranks))
    names = [f"rank {rank}" for rank in ranks]
    figure.update_yaxes(range=[schedule.num_ranks - 0.5, -0.5], tickvals=ranks, ticktext=names, showgrid=False)
    counts = f"{_count(schedule.num_ranks, 'rank')}, {_count(schedule.num_micro_batches, 'micro‑batch')}"
    title = f"{schedule.title}, {counts}: bubble {percent(simulation.bubble)}"
    look: dict[str, Any] = {"barmode": "overlay", "uniformtext": {"minsize": 7, "mode": "hide"}}
    height = AROUND + ROW * schedule.num_ranks
    return finish(figure, title, x=f"time in {unit}" if unit else "time", height=height, **look)


def _add_actions(figure: go.Figure, rows: pd.DataFrame, simulation: Simulation, kind: Kind, unit: str) -> None:
    """Bars of one kind."""
    schedule, color = simulation.schedule, COLORS[kind]
    chunks = [
        schedule.modules_of(rank).index(module) for rank, module in zip(rows["rank"], rows["module"], strict=True)
    ]
    fade = (1 - PALEST) / max(1, schedule.num_chunks - 1)
    _add_legend(figure, f"{kind}: {KINDS[kind]}", {"color": color})
    figure.add_bar(
        x=rows["end"] - rows["start"],
        base=rows["start"].to_list(),
        y=rows["rank"],
        orientation="h",
        width=THICK,
        name=kind,
        marker={
            "color": [pale(color, 1 - fade * chunk) for chunk in chunks],
            "line": {"color": ink(color), "width": 1},
        },
        text=rows["micro_batch"].astype(str),
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": ink(color)},
        customdata=rows[["module", "micro_batch", "start", "end"]],
        hovertemplate=f"{kind} of module %{{customdata[0]}}, micro-batch %{{customdata[1]}}<br>"
        f"%{{customdata[2]:.4g}} to %{{customdata[3]:.4g}} {unit}<extra></extra>",
        showlegend=False,
    )


def _add_idle(figure: go.Figure, gaps: pd.DataFrame, now: float, unit: str) -> None:
    """Hatched bars where a rank is idle, as far as time has come."""
    gaps = gaps[gaps["start"] < now]
    ends = gaps["end"].clip(upper=now)
    look: dict[str, Any] = {"color": rgba(OTHER, 0.12), "line": {"width": 0}}
    look["pattern"] = {"shape": "/", "fgcolor": rgba(OTHER, 0.6), "size": 6}
    _add_legend(figure, "idle", look)
    figure.add_bar(
        x=ends - gaps["start"],
        base=gaps["start"].to_list(),
        y=gaps["rank"],
        orientation="h",
        width=THICK,
        name="idle",
        marker=look,
        customdata=pd.concat([gaps["start"], ends], axis=1),
        hovertemplate=f"idle from %{{customdata[0]:.4g}} to %{{customdata[1]:.4g}} {unit}<extra></extra>",
        showlegend=False,
    )


def _add_legend(figure: go.Figure, name: str, look: dict[str, Any]) -> None:
    """Name a kind of bars, also where none of them is drawn yet, so that the legend stays as it is."""
    figure.add_bar(x=[None], y=[None], orientation="h", name=name, marker=look, showlegend=True)


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith('ch') else 's'}"
