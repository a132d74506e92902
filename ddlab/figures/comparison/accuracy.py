"""Accuracies: strategies as bars and against their cost, confusion of classes, and curves."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.figures import graph_objects as go
from ddlab.figures.axes import logarithmic_axis
from ddlab.figures.bands import add_band
from ddlab.figures.baseline import mark_baseline
from ddlab.figures.cells import add_cells, cell_layout, name_cells
from ddlab.figures.colors import COUNT, OTHER, PAPER, TRAIN, WHISKER, ink, rgba, strategy_color
from ddlab.figures.layout import ENTRY, finish, percent_axis, room_for_names, whole_epochs
from ddlab.registry.strategies import STRATEGIES

COSTS = {
    "rank_flops": "operations of the busiest rank",
    "seconds": "wall time (s)",
    "parameters": "parameters",
    "flops": "operations a forward pass",
}
PALE = "#b9c4d0"  # of validation images, where test images judge
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "hexagon")  # a run each
BESIDE = 380  # screen pixels of charts that stand side by side
CLICKABLE = 25  # up to this many classes the cells of a confusion matrix are large enough to click


def strategy_bars(
    table: pd.DataFrame, title: str, paper: pd.DataFrame | None = None, baseline: Baseline | None = None
) -> go.Figure:
    """Test, validation and training accuracy of every row of a strategy table, with the interval of what judges.

    Parameters
    ----------
    paper
        Rows ``strategy``, ``validation`` of published numbers to mark beside the bars, or None.
    baseline
        Of the images that judge, to mark it; None where the runs share none.
    """
    names = _row_names(table)
    full = [strategy_color(name) for name in table["strategy"]]
    bars = {"validation": ("validation", full), "train": ("training", [TRAIN] * len(table))}
    if table["test"].notna().any():
        pale = [PALE if judged else color for judged, color in zip(table["test"].notna(), full, strict=True)]
        bars = {"test": ("test", full), "validation": ("validation", pale), "train": bars["train"]}
    figure = go.Figure()
    for measure, (label, colors) in bars.items():
        figure.add_bar(
            x=table[measure],
            y=names,
            name=label,
            orientation="h",
            marker_color=colors,
            error_x=_whiskers(table, measure),
            text=["" if pd.isna(value) else f"{value:.1%}" for value in table[measure]],
            textposition="inside",
            insidetextanchor="start",
            insidetextfont={"color": [ink(color) for color in colors]},
            hovertemplate=f"%{{y}}: {label} %{{x:.2%}}<extra></extra>",
        )
    if paper is not None and len(paper):
        by_strategy = dict(zip(paper["strategy"], paper["validation"], strict=True))
        figure.add_scatter(
            x=[by_strategy.get(name) for name in table["strategy"]],
            y=names,
            mode="markers",
            name="the paper",
            marker={"symbol": "diamond", "size": 12, "color": PAPER, "line": {"color": "#ffffff", "width": 1.5}},
            hovertemplate="%{y}: the paper %{x:.2%}<extra></extra>",
        )
    mark_baseline(figure, baseline, axis="x")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    height = max(BESIDE, 150 + 26 * len(bars) * len(table))
    return finish(
        figure, title, x="accuracy", height=height, barmode="group", **percent_axis("x", range=[0, 1.01], dtick=0.25)
    )


def bars_of(table: pd.DataFrame) -> str:
    """Say what the coloured bars of :func:`strategy_bars` are, and the pale ones if there are any."""
    judged = table["test"].notna()
    if not judged.any():
        return "validation (colour)"
    return "test (colour), validation (pale)" if judged.all() else "test or else validation (colour)"


def judging(table: pd.DataFrame) -> pd.Series:
    """The accuracy that judges every row of a strategy table: on test images where there are some."""
    return table["test"].astype(float).fillna(table["validation"])


def _whiskers(table: pd.DataFrame, measure: str) -> dict[str, Any]:
    """Return error bars of the accuracy that judges; none of the others, and where the interval is not known."""
    judges = table["test"].notna() == (measure == "test") if measure != "train" else pd.Series(False, table.index)
    above, below = (table["high"] - table[measure]).where(judges), (table[measure] - table["low"]).where(judges)
    ends = {"array": above.clip(lower=0), "arrayminus": below.clip(lower=0)}
    return {"symmetric": False, **ends, "color": WHISKER, "thickness": 1.5, "width": 4}


def _row_names(table: pd.DataFrame) -> list[str]:
    """Name the rows by the strategies' titles, with the run where there are several."""
    if table["run_id"].nunique() == 1:
        return list(table["title"])
    return [f"{title}<br>{run}" for title, run in zip(table["title"], table["run"], strict=True)]


def accuracy_against_cost(table: pd.DataFrame, cost: str, title: str) -> go.Figure:
    """The accuracy that judges over one of ``COSTS``: a point a strategy, a symbol a run; up is better, left cheap."""
    figure = go.Figure()
    runs = dict(zip(table["run_id"], table["run"], strict=True))
    symbols = dict(zip(runs, cycle(SYMBOLS)))  # noqa: B905  (there are more runs than symbols, or fewer)
    known = table.dropna(subset=[cost])
    for strategy in known["strategy"].unique():
        rows = known[known["strategy"] == strategy]
        name = STRATEGIES[strategy].title if strategy in STRATEGIES else strategy
        figure.add_scatter(
            x=rows[cost],
            y=judging(rows),
            error_y={"array": rows["test_sd"].fillna(rows["validation_sd"]).fillna(0), "width": 4},
            mode="markers",
            text=rows["run"] if len(runs) > 1 else None,
            name=name,
            legendgroup=name,
            showlegend=len(runs) == 1,
            marker={"color": strategy_color(strategy), "size": 14, "symbol": list(rows["run_id"].map(symbols))},
            hovertemplate=f"{name}: %{{y:.2%}}, {COSTS[cost]} %{{x:.3s}}<extra>%{{text}}</extra>",
        )
        if len(runs) > 1:  # a circle for the strategy, whatever the run
            _name(figure, name, strategy_color(strategy), "circle")
    for id, run in runs.items() if len(runs) > 1 else ():
        _name(figure, run, OTHER, symbols[id])
    logarithmic_axis(figure, table[cost])
    judged = table["test"].notna()
    axis = "test accuracy" if judged.all() else "accuracy" if judged.any() else "validation accuracy"
    height = BESIDE + (ENTRY * len(runs) if len(runs) > 1 else room_for_names(figure))
    return finish(figure, title, x=f"{COSTS[cost]}, logarithmic", y=axis, height=height, **percent_axis("y"))


def _name(figure: go.Figure, name: str, color: str, symbol: str) -> None:
    """Name a kind of points in the legend, in place."""
    marker = {"color": color, "size": 10, "symbol": symbol}
    figure.add_scatter(x=[None], y=[None], mode="markers", name=name, legendgroup=name, marker=marker)


def confusion_matrix(counts: np.ndarray, classes: Sequence[str], title: str) -> go.Figure:
    """Images by true class (row) and decision (column), coloured by the share of the row.

    Every cell is a point as well, whose ``customdata`` is ``[true class, decided class]``, so that it can be clicked.
    """
    num_classes = len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heat = go.Heatmap(z=shares, colorscale=COUNT, zmin=0, zmax=1, showscale=False, hoverinfo="skip", xgap=1, ygap=1)
    figure = go.Figure(heat)
    rows, columns = np.indices(counts.shape).reshape(2, -1)
    written = num_classes <= CLICKABLE
    text = [str(count) if count and written else "" for count in counts.ravel()]
    add_cells(
        figure,
        zip(rows, columns, strict=True),
        200 / max(num_classes, 4),
        customdata=np.stack([rows, columns, counts.ravel()], axis=1).tolist(),
        hovertext=[f"{classes[row]} taken for {classes[column]}" for row, column in zip(rows, columns, strict=True)],
        hovertemplate="%{hovertext}: %{customdata[2]} images<extra></extra>",
    )
    notes = [
        {"x": column, "y": row, "text": label, "font": {"color": "#ffffff" if share > 0.5 else "#10243e", "size": 12}}
        for row, column, label, share in zip(rows, columns, text, shares.ravel(), strict=True)
        if label
    ]
    name_cells(figure, classes, classes)
    figure.update_xaxes(constrain="domain")
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    return finish(figure, title, x="decided class", y="true class", height=460, **cell_layout(notes))


# ---- curves

CURVES = {
    "validation_accuracy": "validation accuracy",
    "validation_loss": "validation loss (cross entropy)",
    "dead_units": "share of units that answer to no image",
    "one_class": "share of images that are given one class",
}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def strategy_curves(
    curves: pd.DataFrame, measure: str, title: str, window: int = 1, baseline: Baseline | None = None
) -> go.Figure:
    """One of ``CURVES`` over the epochs: a line a run and stage that trains, a dash pattern a run, a band of one sd.

    Parameters
    ----------
    curves
        As :func:`ddlab.analyses.comparison.accuracy.curves_of` gives them. Lines are means over the seeds, those of the
        local networks over the subdomains too.
    window
        Epochs whose mean is drawn in the middle of them; 1 for none. What is smoothed stays as a pale line.
    baseline
        Of the validation images, to mark it beside accuracies.
    """
    figure = go.Figure()
    runs = list(curves["run_id"].unique())
    order = [*STRATEGIES, *sorted(set(curves["stage"]) - set(STRATEGIES))]
    curves = curves.sort_values("stage", key=lambda stages: stages.map(order.index), kind="stable")
    for (run_id, run, stage), part in curves.groupby(["run_id", "run", "stage"], sort=False):
        by_epoch = part.groupby("epoch")[measure]
        raw, name, color = by_epoch.mean(), curve_name(str(stage)), strategy_color(str(stage))
        label = name if len(runs) == 1 else f"{name}, {run}"
        own = {"legendgroup": f"{stage} {run_id}", "mode": "lines"}
        line = {"color": color, "width": 2.5, "dash": DASHES[runs.index(run_id) % len(DASHES)]}
        if window > 1:
            pale = {"color": rgba(color, 0.3), "width": 1}
            figure.add_scatter(x=raw.index, y=raw, name=label, line=pale, showlegend=False, hoverinfo="skip", **own)
        mean, spread = _smooth(raw, window), _smooth(by_epoch.std(), window)
        figure.add_scatter(x=mean.index, y=mean, name=label, line=line, **own)
        add_band(figure, mean, spread, color, own["legendgroup"])
    if measure == "validation_accuracy":
        mark_baseline(figure, baseline)
    axis = {} if "loss" in measure else percent_axis("y")
    whole_epochs(figure, curves["epoch"])
    height = 400 + room_for_names(figure)
    return finish(figure, title, x="epoch", y=CURVES[measure], height=height, hovermode="x unified", **axis)


def curve_name(stage: str) -> str:
    """Name the curve of a stage."""
    return STRATEGIES[stage].title if stage in STRATEGIES else "Local networks (mean)"


def _smooth(values: pd.Series, window: int) -> pd.Series:
    """The mean of so many epochs in the middle of them, of fewer at the ends."""
    return values.rolling(window, center=True, min_periods=1).mean() if window > 1 else values
