"""The runs of a room, and its answers to a prediction."""

from collections.abc import Mapping

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import strategy_color
from ddlab.figures.layout import finish, percent_axis, room_for_names


def room_points(points: pd.DataFrame) -> go.Figure:
    """Validation accuracy against the work of training: a point for each strategy of each run.

    Parameters
    ----------
    points
        As :func:`ddlab.analyses.comparison.room.room_points` gives them.
    """
    figure = go.Figure()
    for (strategy, title), rows in points.groupby(["strategy", "title"], sort=False):
        figure.add_scatter(
            x=rows["work"],
            y=rows["validation"],
            name=title,
            mode="markers",
            marker={"color": strategy_color(str(strategy)), "size": 13, "opacity": 0.75},
            hovertemplate=f"{title}: %{{y:.1%}} for %{{x:.2f}} of the global network's work<extra></extra>",
        )
    title = f"What {points['run_id'].nunique()} runs of this room came to, and what they worked for it"
    x, y = "work of training (global network = 1)", "validation accuracy"
    figure.update_xaxes(rangemode="tozero")
    return finish(figure, title, x=x, y=y, height=440 + room_for_names(figure), **percent_axis("y"))


def answer_bars(counted: Mapping[str, int], prediction: str) -> go.Figure:
    """Answers to a prediction, a bar each.

    Parameters
    ----------
    counted
        As :func:`ddlab.classroom.answers.counted` gives them.
    """
    figure = go.Figure(
        go.Bar(x=list(counted.values()), y=list(counted), orientation="h", text=list(map(str, counted.values())))
    )
    figure.update_xaxes(dtick=max(1, max(counted.values(), default=0) // 6))  # there are no half answers
    figure.update_yaxes(type="category", autorange="reversed")
    title = f"What {sum(counted.values())} of the room expect: {prediction}"
    return finish(figure, title, x="answers", height=140 + 34 * len(counted))
