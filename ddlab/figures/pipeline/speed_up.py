"""Speed-ups drawn: of schedules against the number of micro-batches, and those of the paper against its own limit."""

from typing import Any

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, PAPER, class_color
from ddlab.figures.layout import finish
from ddlab.figures.pipeline.colors import schedule_color
from ddlab.pipeline.theory import overlap_limit

DASHES = ("solid", "dash", "dot")


PAPER_TITLE = "Speed-ups of Akintoye et al., and the most that their model allows (dotted); ★ above n"


def speed_up_title(num_ranks: int) -> str:
    """Title the speed-ups of all schedules on so many machines."""
    machines = "1 machine" if num_ranks == 1 else f"{num_ranks} machines"
    return f"Speed-up of {machines} against micro-batches: the paper has one point, m = {num_ranks}"


def speed_up_lines(table: pd.DataFrame, num_ranks: int, chosen: int, title: str) -> go.Figure:
    """Speed-up of every schedule against m, with the limit n, what GPipe and 1F1B reach without transfers, and m = n.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.pipeline.methods.speed_ups` gives it.
    chosen
        The number of micro-batches to mark.
    """
    figure = go.Figure()
    for (schedule, name), rows in table.groupby(["schedule", "title"], sort=False):
        color = schedule_color(str(schedule))
        figure.add_scatter(
            x=rows["micro_batches"],
            y=rows["speed_up"],
            name=name,
            mode="lines+markers",
            line={"color": color, "width": 2.5},
            marker={"color": color, "size": 7},
            hovertemplate=f"{name}, m = %{{x}}: %{{y:.2f}} times as fast as one machine<extra></extra>",
        )
    ideal = table.drop_duplicates("micro_batches").sort_values("micro_batches")
    dotted = {"color": OTHER, "width": 2, "dash": "dot"}
    text = "n m/(m + n − 1)"
    figure.add_scatter(x=ideal["micro_batches"], y=ideal["ideal"], name=text, mode="lines", line=dotted)
    _limit(figure, num_ranks, f"n = {num_ranks}: never reached")
    figure.add_scatter(
        x=[num_ranks],
        y=[overlap_limit(num_ranks)],
        name="the paper: m = n, n²/(2n − 1)",
        mode="markers",
        marker={"color": PAPER, "size": 14, "symbol": "diamond", "line": {"color": "#ffffff", "width": 1.5}},
        hovertemplate="m = n = %{x}: at most %{y:.2f}<extra></extra>",
    )
    figure.add_vline(x=chosen, line={"color": OTHER, "width": 1, "dash": "dash"})
    counts = sorted(table["micro_batches"].unique())
    ticks = [count for count in counts if count & (count - 1) == 0]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    figure.update_yaxes(rangemode="tozero")
    return finish(figure, title, x="micro-batches m, logarithmic", y="speed-up over one machine", height=460)


def paper_lines(table: pd.DataFrame, title: str) -> go.Figure:
    """The paper's speed-ups against the number of GPUs, and what its model allows: n²/(2n - 1), and n in any case.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.pipeline.paper.training_table` gives it.
    """
    figure = go.Figure()
    gpus = sorted(table["gpus"].unique())
    for name, values, dash in (
        ("n", gpus, "dash"),
        ("n²/(2n − 1)", [overlap_limit(number) for number in gpus], "dot"),
    ):
        line = {"color": OTHER, "width": 2.5, "dash": dash}
        figure.add_scatter(x=gpus, y=values, name=name, mode="lines", line=line, hoverinfo="skip")
    models = list(table["model"].unique())
    seen: dict[str, int] = {}
    for (model, task), rows in table.groupby(["model", "task"], sort=False):
        color, dash = class_color(models.index(model)), DASHES[seen.get(str(model), 0)]
        seen[str(model)] = seen.get(str(model), 0) + 1
        beyond = list(rows["above_gpus"])
        marker: dict[str, Any] = {"color": color, "size": [12 if above else 6 for above in beyond], "opacity": 1}
        marker |= {"symbol": ["star" if above else "circle" for above in beyond]}
        figure.add_scatter(
            x=rows["gpus"],
            y=rows["speed_up"],
            name=str(model),
            legendgroup=str(model),
            showlegend=seen[str(model)] == 1,
            mode="lines+markers",
            line={"color": color, "width": 1.5, "dash": dash},
            marker=marker,
            hovertemplate=f"{model}, {task}: %{{y:.2f}} at %{{x}} GPUs<extra></extra>",
        )
    figure.update_xaxes(tickvals=gpus)
    return finish(figure, title, x="GPUs n", y="speed-up over one GPU", height=500)


def _limit(figure: go.Figure, value: float, text: str) -> None:
    line = {"color": OTHER, "width": 1.5, "dash": "dash"}
    figure.add_hline(y=value, line=line, annotation_text=text, annotation_position="top left")
