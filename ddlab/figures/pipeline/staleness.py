"""Accuracy against the age of gradients."""

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import strategy_color
from ddlab.figures.layout import finish, percent_axis

AROUND = 0.05  # of the accuracies that are shown, below and above


def accuracy_against_age(table: pd.DataFrame, title: str) -> go.Figure:
    """Draw every strategy of :func:`ddlab.analyses.pipeline.staleness.staleness_table` at the age of its gradients.

    Bars are the standard deviation over the seeds; two strategies of one age stand beside each other, in their order.
    """
    figure = go.Figure()
    places = table.groupby("mean_age").cumcount() - (table.groupby("mean_age")["mean_age"].transform("size") - 1) / 2
    step = max(table["mean_age"].max(), 1) * 0.03
    judged = table["test"].where(table["test"].notna(), table["validation"])
    spread = table["test_sd"].where(table["test"].notna(), table["validation_sd"])
    for row, place, mean, deviation in zip(table.itertuples(), places, judged, spread, strict=True):
        color = strategy_color(str(row.strategy))
        figure.add_scatter(
            x=[row.mean_age + step * place],
            y=[mean],
            error_y={"type": "data", "array": [deviation], "visible": bool(pd.notna(deviation)), "color": color},
            mode="markers",
            marker={"size": 11, "color": color},
            name=row.title,
            customdata=[[row.mean_age, row.oldest, row.seeds]],
            hovertemplate=f"{row.title}: %{{y:.1%}}, %{{customdata[2]}} seeds<br>"
            "gradients %{customdata[0]:.3g} steps old on average, %{customdata[1]} at most<extra></extra>",
        )
    ends = pd.concat([judged - spread.fillna(0), judged + spread.fillna(0)])
    least, most = ends.min() - AROUND, ends.max() + AROUND
    axis = percent_axis("y", range=[max(0.0, least), min(1 + AROUND / 2, most)])
    x, y = "age of gradients (steps, mean over the modules)", "accuracy (share of images)"
    return finish(figure, title, x, y, **axis)
