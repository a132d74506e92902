"""Local probabilities of one image, and the decisions made from them. N subdomains, K classes."""

from collections.abc import Sequence

import numpy as np

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import PROBABILITY, SIGNED, SUBDOMAIN, TRAIN, class_color, strategy_color
from ddlab.figures.layout import finish, percent_axis

ROW = 30  # screen pixels of a row of a heat map
WRITTEN = 12  # up to this many classes the cells hold their numbers


def _rows_height(rows: int) -> int:
    return 130 + max(3, rows) * ROW


def _subdomains(count: int) -> list[str]:
    return [f"subdomain {number}" for number in range(1, count + 1)]


def local_heat_map(local_NK: np.ndarray, classes: Sequence[str], truth: int, title: str) -> go.Figure:
    """All N·K local probabilities, a row a subdomain; what each names is framed, the true class marked on the axis."""
    count, num_classes = local_NK.shape
    figure = go.Figure(
        go.Heatmap(
            z=local_NK,
            x=_marked(classes, truth),
            y=_subdomains(count),
            colorscale=PROBABILITY,
            zmin=0,
            zmax=1,
            texttemplate="%{z:.0%}" if num_classes <= WRITTEN else None,
            colorbar={"title": {"text": "probability", "side": "right"}, "tickformat": ".0%", "thickness": 12},
            hovertemplate="%{y}, %{x}: %{z:.1%}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    frames = [
        {"x0": column - 0.46, "x1": column + 0.46, "y0": row - 0.42, "y1": row + 0.42, "line": line}
        for row, column in enumerate(local_NK.argmax(axis=1))
        for line in ({"color": "#000000", "width": 5}, {"color": SUBDOMAIN, "width": 2.5})  # shows on every colour
    ]
    figure.update_layout(shapes=[{"type": "rect"} | frame for frame in frames])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return finish(figure, title, x="class (▲ the true one)", height=_rows_height(count) + 40)


def _marked(classes: Sequence[str], truth: int) -> list[str]:
    return [f"▲ {name}" if index == truth else name for index, name in enumerate(classes)]


def local_bars(local_NK: np.ndarray, classes: Sequence[str], truth: int, title: str) -> go.Figure:
    """Bars of the local probabilities, a small chart a subdomain, stacked so that a class stays in its column."""
    count = len(local_NK)
    figure = go.make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=min(0.08, 0.5 / count))
    names, colors = _marked(classes, truth), [class_color(index) for index in range(len(classes))]
    for row, values in enumerate(local_NK, 1):
        hover = f"subdomain {row}, %{{x}}: %{{y:.1%}}<extra></extra>"
        figure.add_bar(x=names, y=values, marker_color=colors, hovertemplate=hover, row=row, col=1)
        figure.update_yaxes(title=str(row), range=[0, 1.02], tickformat=".0%", nticks=3, row=row, col=1)
    figure = finish(figure, title, height=max(240, 80 + 78 * count), showlegend=False, bargap=0.25)
    return figure.update_xaxes(title="class (▲ the true one)", row=count, col=1)


def decision_bars(
    values_K: np.ndarray, classes: Sequence[str], decided: int, truth: int, title: str, unit: str = "probability"
) -> go.Figure:
    """Draw what one aggregator weighs: a bar a class, its decision in full colour; ``unit`` names the numbers."""
    whole = unit == "votes"
    figure = go.Figure(
        go.Bar(
            x=values_K,
            y=_marked(classes, truth),
            orientation="h",
            marker={
                "color": [class_color(index) for index in range(len(classes))],
                "opacity": [1.0 if index == decided else 0.45 for index in range(len(classes))],
            },
            text=[f"{value:.0f}" if whole else f"{value:.0%}" for value in values_K],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x}<extra></extra>" if whole else "%{y}: %{x:.1%}<extra></extra>",
        )
    )
    axis = percent_axis("x", range=[0, 1.12], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    if whole:
        total = float(sum(values_K))
        axis = {"xaxis": {"range": [0, 1.12 * total], "dtick": max(1, int(total) // 4)}}
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return finish(figure, title, x=unit, height=110 + 24 * len(classes), showlegend=False, **axis)


def attribution_map(attributions_NK: np.ndarray, classes: Sequence[str], title: str) -> go.Figure:
    """Draw what every local probability adds to the log-probability of the DNN's decision: blue for it, red against."""
    limit = max(float(np.abs(attributions_NK).max()), 1e-9)
    figure = go.Figure(
        go.Heatmap(
            z=attributions_NK,
            x=list(classes),
            y=_subdomains(len(attributions_NK)),
            colorscale=SIGNED,
            zmin=-limit,
            zmax=limit,
            texttemplate="%{z:.2f}" if len(classes) <= WRITTEN else None,
            colorbar={"title": {"text": "effect", "side": "right"}, "thickness": 12},
            hovertemplate="%{y}, %{x}: %{z:+.3f}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return finish(figure, title, x="class", height=_rows_height(len(attributions_NK)) + 40)


def sight_bars(evidence_N: np.ndarray, confidence_N: np.ndarray, title: str) -> go.Figure:
    """Draw how much every subdomain sees of the evidence, beside the confidence of its local network."""
    names = [str(number) for number in range(1, len(evidence_N) + 1)]
    figure = go.Figure()
    for name, values, color in (("evidence seen", evidence_N, "#7f7f7f"), ("confidence", confidence_N, "#3f90da")):
        hover = f"subdomain %{{x}}: {name} %{{y:.0%}}<extra></extra>"
        figure.add_bar(name=name, x=names, y=values, marker_color=color, hovertemplate=hover)
    axis = percent_axis("y", range=[0, 1.02])
    return finish(figure, title, x="subdomain", y="share", height=300, barmode="group", **axis)


def change_bars(before_N: np.ndarray, after_N: np.ndarray, strategy: str, title: str) -> go.Figure:
    """Accuracy of every local network on its own (grey), and as a part of a strategy's model (its colour)."""
    names = [str(number) for number in range(1, len(before_N) + 1)]
    figure = go.Figure()
    for name, values, color in (("on its own", before_N, TRAIN), ("as one model", after_N, strategy_color(strategy))):
        hover = f"subdomain %{{x}}, {name}: %{{y:.1%}}<extra></extra>"
        figure.add_bar(name=name, x=names, y=values, marker_color=color, hovertemplate=hover)
    axis = percent_axis("y", range=[0, 1.02])
    return finish(figure, title, x="subdomain", y="accuracy", height=300, barmode="group", **axis)
