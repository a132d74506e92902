"""Three ways to use n machines, drawn: time, bytes and memory of a step against the number of machines."""

import math
from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, strategy_color
from ddlab.figures.layout import finish
from ddlab.figures.pipeline.colors import schedule_color
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.written import si

PANELS = {"seconds": ("time a step", "s"), "bytes": ("sent a step", "B"), "memory": ("memory, a machine", "B")}
LOOKS = {"images": ("dot", "circle"), "data": ("dash", "square"), "layers": ("solid", "diamond")}
FEW_DECADES = 2
HEIGHT = 760


def ways_title(batch_size: int, bandwidth: float) -> str:
    """Title the three ways for steps of so many images and links of so many bytes a second."""
    links = f"links of {si(bandwidth, 'B/s')}" if math.isfinite(bandwidth) else "links that take no time"
    return f"A step with {batch_size} images on n machines and {links}: images, data or layers cut?"


def ways_panels(table: pd.DataFrame, chosen: int, title: str) -> go.Figure:
    """Draw time, bytes of all machines, and memory of the fullest, below each other over one axis of machines.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.pipeline.ways.ways_table` gives it.
    chosen
        The number of machines to mark.
    """
    figure = go.make_subplots(rows=len(PANELS), cols=1, shared_xaxes=True, vertical_spacing=0.04)
    for (way, strategy, name), rows in table.groupby(["way", "strategy", "title"], sort=False):
        color = schedule_color(str(strategy)) if strategy in SCHEDULES else strategy_color(str(strategy))
        dash, symbol = LOOKS[str(way)]
        first = strategy == table.loc[table["way"] == way, "strategy"].iloc[0]  # wider: others may lie on it
        for row, (quantity, (_, unit)) in enumerate(PANELS.items(), 1):
            values = rows[quantity].where(rows[quantity] > 0)  # a logarithmic axis has no place for 0
            figure.add_scatter(
                x=rows["machines"],
                y=values,
                row=row,
                col=1,
                name=f"{way}: {name}",
                legendgroup=f"{way} {strategy}",
                showlegend=row == 1,
                mode="lines+markers",
                line={"color": color, "width": 5 if first else 2, "dash": dash},
                marker={"color": color, "size": 11 if first else 6, "symbol": symbol},
                hovertemplate=f"{name}, n = %{{x}}: %{{y:.3s}}{unit}<extra></extra>",
            )
    for row, (quantity, (name, unit)) in enumerate(PANELS.items(), 1):
        figure.update_yaxes(row=row, col=1, type="log", title=f"{name}, log", **_ticks(table[quantity], unit))
    figure.add_vline(x=chosen, line={"color": OTHER, "width": 1, "dash": "dash"})
    machines = sorted(table["machines"].unique())
    figure.update_xaxes(tickvals=machines, showticklabels=True)
    figure.update_xaxes(title="machines n", row=len(PANELS), col=1)
    return finish(figure, title, height=HEIGHT)


def _ticks(values: pd.Series, unit: str) -> dict[str, Any]:
    """Ticks at powers of ten, and at 2 and 5 between them where the values span few, with SI prefixes."""
    positive = values[values > 0]
    if not len(positive):
        return {}
    low, high = math.floor(math.log10(positive.min())), math.ceil(math.log10(positive.max()))
    digits = (1, 2, 5) if high - low <= FEW_DECADES else (1,)
    ticks = [digit * 10.0**power for power in range(low, high + 1) for digit in digits]
    return {"tickvals": ticks, "ticktext": [_written(tick, unit) for tick in ticks]}


def _written(value: float, unit: str) -> str:
    for factor, prefix in ((1, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n")):
        if round(value * factor, 3) >= 1:
            return si(value, unit) if factor == 1 else f"{value * factor:.3g} {prefix}{unit}"
    return f"{value:.0e} {unit}"
