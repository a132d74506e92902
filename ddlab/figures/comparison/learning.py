"""Learning curves of one stage: every network a line, validation drawn through, training dotted."""

import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.figures import graph_objects as go
from ddlab.figures.baseline import mark_baseline
from ddlab.figures.colors import class_color, strategy_color
from ddlab.figures.layout import finish, percent_axis, whole_epochs

MEASURES = {"accuracy": "Accuracy", "loss": "Loss (cross entropy)", "rate": "Learning rate"}
MOST_NAMED = 9  # networks that a legend names; more would fill a phone


def stage_curves(
    curves: pd.DataFrame, stage: str, title: str, measure: str, baseline: Baseline | None = None
) -> go.Figure:
    """One stage of one seed while it learns.

    Parameters
    ----------
    curves
        As :func:`ddlab.analyses.comparison.accuracy.learning_curves` gives them.
    measure
        One of ``MEASURES``.
    baseline
        Of the validation images, to mark it beside accuracies.
    """
    figure = go.Figure()
    shown = curves[curves["stage"] == stage]
    subdomains = sorted(shown["subdomain"].unique())
    for subdomain in subdomains:
        line = shown[shown["subdomain"] == subdomain]
        color = class_color(subdomain - 1) if subdomain else strategy_color(stage)
        name = f"subdomain {subdomain}" if subdomain else title
        mode = "lines" if len(line) > 1 else "lines+markers"  # a line of one point is not seen
        style = {"x": line["epoch"], "mode": mode, "legendgroup": name}
        if measure != "rate":
            dotted = {"color": color, "width": 1.5, "dash": "dot"}
            figure.add_scatter(y=line[measure], name=f"{name}, training", line=dotted, showlegend=False, **style)
        solid = {"color": color, "width": 2.5}
        column = measure if measure == "rate" else f"validation_{measure}"
        figure.add_scatter(y=line[column], name=name, line=solid, showlegend=len(subdomains) <= MOST_NAMED, **style)
    if measure == "accuracy":
        mark_baseline(figure, baseline)
    whole_epochs(figure, shown["epoch"])
    layout = {"legend": {"y": -0.3}} | (percent_axis() if measure == "accuracy" else {})
    told = " (dotted: training)" if measure != "rate" else ""
    y = MEASURES[measure].lower()
    return finish(figure, f"{title}: {y}{told}", "epoch", y, 300, **layout)
