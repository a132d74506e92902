"""The history of a trust-region method: panels over one axis of steps, and rejected steps marked in all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.trust_region.history import additive, smallest_eigenvalue
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import TRAIN, class_color, strategy_color
from ddlab.figures.layout import finish, percent_axis, whole_axis
from ddlab.optim.radius import PAPER, RadiusRule

SHOWN_RATIOS = (-1.0, 2.0)  # what is beyond stands at the edge
REJECTED = "#e0452f"
PANEL, BETWEEN = 150, 44  # screen pixels of a panel, and between two
MOST_SUBDOMAINS = 8  # that have a line of their own
MANY = 3000  # steps from which on the browser draws on its graphics card
DECADES = 4  # of an axis around 0
FEW_TICKS = 3  # of powers of ten, with which the axis has ticks at 2 and 5, too
PLAIN = "step by step"  # what needs no legend
HALF = 0.5  # the global iteration stands between its step and the next one
LINE = {"color": "#7f7f7f", "width": 1.2, "dash": "dash"}


@dataclass(frozen=True)
class _Panels:
    """The panels of one strategy, and how a step stands in them: the additive one and the global iteration after it."""

    figure: go.Figure
    steps: pd.DataFrame
    strategy: str

    @property
    def x(self) -> pd.Series:
        return self.steps["step"]

    @property
    def is_additive(self) -> bool:
        return self.strategy in additive()

    @property
    def own(self) -> str:
        """The name of a step in the legend."""
        return "additive step" if self.is_additive else "step"

    def add(self, row: int, x: Any, y: Any, name: str, color: str, **settings: Any) -> None:
        """Draw a line or points; one entry of the legend for all panels."""
        kind = go.Scattergl if len(self.steps) > MANY else go.Scatter
        known = name in {trace.name for trace in self.figure.data if trace.showlegend}
        line = {"color": color, "width": 2, **settings.pop("line", {})}
        mode = settings.pop("mode", "lines+markers" if len(self.steps) < 60 else "lines")
        marker = {"color": color, "size": 5, **settings.pop("marker", {})}
        style = {
            "mode": mode,
            "line": line,
            "marker": marker,
            "legendgroup": name,
            "showlegend": not known and name != PLAIN,
        }
        self.figure.add_trace(kind(x=x, y=y, name=name, **style, **settings), row=row, col=1)

    def reject(self, row: int, own: pd.Series, globally: pd.Series) -> None:
        """Mark rejected steps, alike in every panel; with an open mark for the global iteration."""
        crossed = {"size": 10, "line": {"width": 2, "color": REJECTED}}
        where = ~self.steps["accepted"]
        if where.any():
            text = f"step %{{x}}: {self.own} rejected<extra></extra>"
            name, style = f"{self.own} rejected", {"marker": {"symbol": "x-thin", **crossed}, "hovertemplate": text}
            self.add(row, self.x[where], own[where], name, REJECTED, mode="markers", **style)
        where = self.steps["global_accepted"].eq(False).fillna(False).astype(bool)
        if where.any():
            text = "global iteration rejected<extra></extra>"
            style = {"marker": {"symbol": "circle-open", **crossed}, "hovertemplate": text}
            name = "global iteration rejected"
            self.add(row, self.x[where] + HALF, globally[where], name, REJECTED, mode="markers", **style)


def history_panels(
    steps: pd.DataFrame, epochs: pd.DataFrame, strategy: str, title: str, rule: RadiusRule = PAPER
) -> go.Figure:
    """Loss, accuracy, ratio, radius and decreases step by step, and the curvature where the model has one.

    The global iteration of step k stands at k + 1/2, the end of an epoch at that of its last step.

    Parameters
    ----------
    steps, epochs
        As :func:`ddlab.analyses.trust_region.history.step_table` and ``epoch_table`` give them.
    rule
        Whose thresholds and bounds are marked.
    """
    drawn = [_loss, _accuracy, _ratio, _radius, _decreases]
    names = ["loss of the step's images", "accuracy after the epoch", "ρ: actual over predicted decrease"]
    names += ["radius Δ, logarithmic", "decrease of the loss, log on both sides of 0"]
    if smallest_eigenvalue(steps).notna().any():
        drawn, names = (
            [*drawn, _curvature],
            [*names, "smallest eigenvalue, log on both sides of 0"],
        )
    height = PANEL * len(drawn) + BETWEEN * (len(drawn) - 1)
    gap = BETWEEN / height
    figure = go.make_subplots(len(drawn), 1, shared_xaxes=True, vertical_spacing=gap, subplot_titles=names)
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    panels = _Panels(figure, steps, strategy)
    for row, draw in enumerate(drawn, 1):
        draw(panels, row, epochs, rule)
    figure.update_xaxes(title="step", row=len(drawn), col=1)
    end = float(steps["step"].iloc[-1]) + 1 if len(steps) else 1.0
    figure.update_xaxes(range=[1 - 0.02 * end, end + 0.02 * end])
    whole_axis(figure, end)
    figure = finish(figure, title, height=height + 170, hovermode="x")
    return figure.update_layout(margin_t=64)  # the first panel has a title, too


def _loss(panels: _Panels, row: int, epochs: pd.DataFrame, rule: RadiusRule) -> None:
    """Draw the loss from where a step begins to where its parts lead."""
    steps = panels.steps
    x, y = _between(panels, steps["loss"], steps["global_loss"])
    panels.add(row, x, y, PLAIN, strategy_color(panels.strategy), hovertemplate="%{y:.4g}")
    grey = {"mode": "lines+markers", "line": {"width": 1.5, "dash": "dot"}, "hovertemplate": "%{y:.4g}"}
    panels.add(row, epochs["end_step"] + 1, epochs["loss"], "training images", TRAIN, **grey)
    panels.reject(row, steps["loss"], steps["global_loss"])


def _accuracy(panels: _Panels, row: int, epochs: pd.DataFrame, rule: RadiusRule) -> None:
    style = {"mode": "lines+markers", "hovertemplate": "%{y:.1%}"}
    color = strategy_color(panels.strategy)
    panels.add(row, epochs["end_step"] + 1, epochs["validation_accuracy"], "validation images", color, **style)
    grey = {**style, "line": {"width": 1.5, "dash": "dot"}}
    panels.add(row, epochs["end_step"] + 1, epochs["accuracy"], "training images", TRAIN, **grey)
    panels.reject(row, *_along(panels, epochs["end_step"] + 1, epochs["validation_accuracy"]))
    panels.figure.update_yaxes(**percent_axis()["yaxis"], row=row, col=1)


def _ratio(panels: _Panels, row: int, epochs: pd.DataFrame, rule: RadiusRule) -> None:
    low, high = SHOWN_RATIOS
    parts = [(panels.own, panels.x, panels.steps["ratio"], strategy_color(panels.strategy))]
    if panels.is_additive:
        parts.append(
            ("global iteration", panels.x + HALF, panels.steps["global_ratio"], strategy_color("trust_region"))
        )
    for name, x, ratio, color in parts:
        beyond = ratio.clip(low, high).where((ratio < low) | (ratio > high))
        symbols = np.select([ratio < low, ratio > high], ["triangle-down", "triangle-up"], "circle")
        marker = {"symbol": list(symbols), "size": list(5 + 4 * beyond.notna())}
        texts = list(ratio.map("{:.3g}".format))
        panels.add(row, x, ratio.clip(low, high), name, color, mode="lines+markers", line={"width": 1}, marker=marker)
        panels.figure.data[-1].update(text=texts, hovertemplate="ρ = %{text}")
    panels.reject(row, *(panels.steps[name].clip(low, high).fillna(low) for name in ("ratio", "global_ratio")))
    for level, label in ((rule.lower, "η<sub>1</sub>"), (rule.upper, "η<sub>2</sub>")):
        panels.figure.add_hline(y=level, line=LINE, annotation_text=label, row=row, col=1)
    panels.figure.update_yaxes(range=[low - 0.2, high + 0.2], tickvals=[-1, 0, 1, 2], row=row, col=1)


def _radius(panels: _Panels, row: int, epochs: pd.DataFrame, rule: RadiusRule) -> None:
    """Draw the radius at the beginning of a step, after its additive part, and in the last global trial."""
    steps = panels.steps
    columns = ["radius", "next_radius"] + ["global_radius"] * panels.is_additive
    places = [0, HALF / 2, HALF][: len(columns)]
    x = (steps[["step"]].to_numpy() + places).ravel()
    y = steps[columns].to_numpy().ravel()
    if len(steps):
        x, y = np.append(x, steps["step"].iloc[-1] + 1), np.append(y, steps["end_radius"].iloc[-1])
    color = strategy_color(panels.strategy)
    style: dict[str, Any] = {"line": {"shape": "hv"}, "mode": "lines", "connectgaps": True}
    panels.add(row, x, y, PLAIN, color, hovertemplate="Δ = %{y:.3g}", **style)
    panels.reject(row, steps["radius"], steps["global_radius"])
    for level, label, above in ((rule.least, "Δ<sub>min</sub>", "bottom"), (rule.most, "Δ<sub>max</sub>", "top")):
        panels.figure.add_hline(y=level, line=LINE, row=row, col=1)
        note: dict[str, Any] = {"x": 1, "xref": "x domain", "xanchor": "right", "yanchor": above, "showarrow": False}
        panels.figure.add_annotation(y=math.log10(level), text=label, row=row, col=1, **note)
    low, high = (math.log10(bound) for bound in (rule.least, rule.most))
    panels.figure.update_yaxes(range=[low - 0.3, high + 0.8], row=row, col=1)
    panels.figure.update_yaxes(type="log", dtick=1, exponentformat="power", row=row, col=1)


def _decreases(panels: _Panels, row: int, epochs: pd.DataFrame, rule: RadiusRule) -> None:
    """Draw the subdomains' predicted decrease (of ``trust_region``: its model's) against that of the whole loss."""
    steps = panels.steps
    own = [name for name in steps.columns if name.startswith("decrease_")]
    scale = _Around(np.concatenate([steps[name].to_numpy(float) for name in ("predicted", "decrease", *own)]))
    shown = own if len(own) <= MOST_SUBDOMAINS else []
    lines = [(name, f"subdomain {name.removeprefix('decrease_')}", class_color(i)) for i, name in enumerate(shown)]
    lines.append(("predicted", "sum of the local decreases" if own else "predicted by the model", TRAIN))
    lines.append(("decrease", "actual decrease", strategy_color(panels.strategy)))
    for name, title, color in lines:
        line = {"width": 2 if name == "decrease" else 1.2}
        text = steps[name].map("{:.3g}".format)
        panels.add(row, panels.x, scale(steps[name]), title, color, text=text, hovertemplate="%{text}", line=line)
    panels.reject(row, scale(steps["decrease"]), scale(steps["global_decrease"]))
    panels.figure.update_yaxes(**scale.axis, row=row, col=1)


def _curvature(panels: _Panels, row: int, epochs: pd.DataFrame, rule: RadiusRule) -> None:
    smallest = smallest_eigenvalue(panels.steps)
    scale = _Around(smallest.to_numpy(float))
    x = panels.x + (HALF if panels.is_additive else 0)
    name = "global iteration" if panels.is_additive else panels.own
    text = smallest.map("{:.3g}".format)
    color = strategy_color("trust_region")
    panels.add(row, x, scale(smallest), name, color, text=text, hovertemplate="%{text}", line={"width": 1.2})
    panels.figure.add_hline(y=0, line=LINE, row=row, col=1)
    panels.reject(row, *_along(panels, x, scale(smallest)))
    panels.figure.update_yaxes(**scale.axis, row=row, col=1)


def _along(panels: _Panels, x: pd.Series, y: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Interpolate a line at every step, and at its global iteration."""
    known = y.notna()
    own, after = (
        pd.Series(np.interp(at, x[known], y[known].astype(float), left=np.nan, right=np.nan), index=panels.steps.index)
        for at in (panels.x, panels.x + HALF)
    )
    return own, after


def _between(panels: _Panels, first: pd.Series, second: pd.Series) -> tuple[Any, Any]:
    """Return a line through the beginning of every step and of its global iteration."""
    if not panels.is_additive:
        return panels.x, first
    x = (panels.steps[["step"]].to_numpy() + [0, HALF]).ravel()
    return x, np.stack([first, second], axis=1).ravel()


class _Around:
    """An axis that shows orders of magnitude on both sides of 0: linear in between, as asinh is."""

    def __init__(self, values: Sequence[float] | np.ndarray) -> None:
        known = np.asarray(values, float)
        known = known[np.isfinite(known) & (known != 0)]
        self.sides = [sign for sign in (-1, 1) if (known * sign > 0).any()]
        sizes = np.abs(known)
        self.most = int(np.floor(np.log10(sizes.max()))) if len(sizes) else 0
        least = int(np.floor(np.log10(np.quantile(sizes, 0.1)))) if len(sizes) else -1
        self.least = min(max(least, self.most - DECADES), self.most - 1)

    def __call__(self, values: pd.Series) -> pd.Series:
        """Return the positions of values on the axis."""
        return values.astype(float).map(lambda value: math.asinh(value / 10.0**self.least))

    @property
    def axis(self) -> dict[str, Any]:
        """Tick positions and labels of the axis."""
        lowest = self.least + len(self.sides) - 1  # around 0 there is no room for more
        powers = range(self.most, lowest - 1, -1 if self.most - self.least < 3 else -2)
        digits = (1, 2, 5) if len(powers) * len(self.sides) < FEW_TICKS else (1,)
        sizes = [digit * 10.0**power for power in powers for digit in digits]
        ticks = [(0.0, "0")]
        for sign in self.sides:
            ticks += [(sign * size, f"{'−' * (sign < 0)}{size:g}") for size in sizes]
        return {
            "tickvals": [math.asinh(tick / 10.0**self.least) for tick, _ in ticks],
            "ticktext": [t for _, t in ticks],
        }
