"""Accuracy against time and work, and what a given accuracy takes."""

import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.figures import graph_objects as go
from ddlab.figures.baseline import mark_baseline, mark_target
from ddlab.figures.colors import strategy_color
from ddlab.figures.layout import finish, percent_axis, room_for_names
from ddlab.written import si

HEIGHT = 400  # screen pixels of charts that stand side by side


def effort_lines(
    curves: pd.DataFrame, effort: str, target: float, titles: tuple[str, str], baseline: Baseline | None = None
) -> go.Figure:
    """Validation accuracy against one of the efforts: a line a strategy (mean of the seeds), a point where none trains.

    Parameters
    ----------
    curves
        As :func:`ddlab.analyses.comparison.effort.effort_curves` gives them.
    target
        An accuracy to mark.
    titles
        Of the figure, and of the axis of the effort.
    baseline
        Of the validation images, to mark it.
    """
    figure = go.Figure()
    for (strategy, name), curve in curves.groupby(["strategy", "title"], sort=False):
        mean = curve.groupby("epoch")[[effort, "validation_accuracy"]].mean()
        figure.add_scatter(
            x=mean[effort],
            y=mean["validation_accuracy"],
            name=name,
            mode="lines" if len(mean) > 1 else "markers",
            line={"color": strategy_color(str(strategy)), "width": 2.5},
            marker={"color": strategy_color(str(strategy)), "size": 14},
            hovertemplate=f"{name}: %{{y:.1%}} after %{{x:.3s}}<extra></extra>",
        )
    mark_target(figure, target)
    mark_baseline(figure, baseline)
    figure.update_xaxes(rangemode="tozero", exponentformat="SI")
    title, axis = titles
    return finish(
        figure, title, x=axis, y="validation accuracy", height=HEIGHT + room_for_names(figure), **percent_axis("y")
    )


def target_bars(table: pd.DataFrame, effort: str, titles: tuple[str, str]) -> go.Figure:
    """Draw what every strategy takes to reach an accuracy, a bar each; the bar of one that does not reach it says so.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.effort.time_to_accuracy` gives it.
    titles
        Of the figure, and of the axis of the effort.
    """
    longest = table[effort].max() if table[effort].notna().any() else 1.0
    missed = table["best"].map("never (best {:.1%})".format)
    takes = table[effort].map(si).where(table[effort].notna(), missed)
    figure = go.Figure(
        go.Bar(
            x=table[effort].fillna(0),
            y=table["title"],
            orientation="h",
            marker_color=[strategy_color(name) for name in table["strategy"]],
            text=list(takes),
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 1.3 * longest], exponentformat="SI", nticks=5)  # room for the numbers
    title, axis = titles
    return finish(figure, title, x=axis, height=HEIGHT, showlegend=False)
