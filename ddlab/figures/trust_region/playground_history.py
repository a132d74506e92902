"""All steps of a trust-region method in two dimensions at a glance: loss, radius and ρ."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ddlab.analyses.trust_region.plane_steps import METHODS, PlaneStep, history
from ddlab.figures import graph_objects as go
from ddlab.figures.layout import finish, whole_axis
from ddlab.figures.trust_region.history import SHOWN_RATIOS
from ddlab.figures.trust_region.playground import BALL, method_color, step_color
from ddlab.optim.radius import PAPER, RadiusRule

SHORT = 12  # steps that the timeline has room for at least, if any method takes so many


def timeline(
    paths: Mapping[str, Sequence[PlaneStep]], shown: int, title: str, wide: bool = False, rule: RadiusRule = PAPER
) -> go.Figure:
    """Loss of all methods, radius and ρ of the first one, step by step; the step that is looked at is marked.

    Parameters
    ----------
    wide
        The losses span decades.
    """
    method, first = next(iter(paths.items()))
    judged = first[0].main is not None  # gradient descent has neither radius nor ρ
    shares = [0.4, 0.25, 0.35] if judged else [1.0]
    figure = go.make_subplots(rows=len(shares), shared_xaxes=True, vertical_spacing=0.06, row_heights=shares)
    for name, steps in paths.items():
        line = {"color": method_color(name), "width": 2.5 if name == method else 1.5}
        line["dash"] = "solid" if name == method else "dot"
        losses = [step.here.loss for step in steps] + [steps[-1].there.loss]
        about = {"mode": "lines", "line": line, "name": METHODS[name]}
        figure.add_scatter(y=losses, **about, hovertemplate="%{y:.4g} after step %{x}<extra></extra>", row=1, col=1)
    kind = {"type": "log", "dtick": 1} if wide else {}
    figure.update_yaxes(title="loss f, log" if wide else "loss f", range=_losses(paths, wide), **kind, row=1, col=1)
    if judged:
        _judgements(figure, method, first, rule)
    figure.add_vrect(x0=shown - 1, x1=shown, fillcolor=BALL, opacity=0.2, line_width=0)
    longest = max(map(len, paths.values()))
    last = min(longest, max(SHORT, 2 * len(first)))
    figure.update_xaxes(range=[0, last])
    whole_axis(figure, last)
    figure.update_xaxes(title="step", row=len(shares), col=1)
    return finish(figure, title, height=520 if judged else 280)


def _judgements(figure: go.Figure, method: str, steps: Sequence[PlaneStep], rule: RadiusRule) -> None:
    """Radius and ρ, below the losses."""
    table = history(steps)
    radii = [*table["radius"], table["next_radius"].iloc[-1]]
    line = {"color": method_color(method), "shape": "hv", "width": 2.5}
    told = "Δ = %{y:.3g} after step %{x}<extra></extra>"
    figure.add_scatter(y=radii, mode="lines", line=line, showlegend=False, hovertemplate=told, row=2, col=1)
    own = "sum" if method == "apts" else "step"
    _ratios(figure, table, ("ratio", "accepted"), own, (method_color(method), "circle"))
    if method == "apts":
        look = (step_color(method), "diamond")
        _ratios(figure, table, ("global_ratio", "global_accepted"), "step on f", look)
    for value, text in ((rule.lower, "η₁"), (rule.upper, "η₂")):
        about = {"line": {"color": BALL, "width": 1.2, "dash": "dash"}, "annotation_text": text}
        figure.add_hline(y=value, **about, annotation_position="top right", row=3, col=1)
    figure.update_yaxes(title="radius Δ, log", type="log", row=2, col=1, dtick=1)
    figure.update_yaxes(title="ρ", range=[SHOWN_RATIOS[0] - 0.2, SHOWN_RATIOS[1] + 0.2], row=3, col=1)


def _losses(paths: Mapping[str, Sequence[PlaneStep]], wide: bool) -> list[float]:
    """Ends of the axis of losses: what rises far above where it began (gradient descent) leaves the picture."""
    losses = [step.there.loss for steps in paths.values() for step in steps]
    start = next(iter(paths.values()))[0].here.loss
    least, most = min(*losses, start), min(max(*losses, start), start + abs(start))
    if wide:
        return [float(np.log10(least)) - 0.1, float(np.log10(most)) + 0.1]
    return [least - 0.05 * (most - least), most + 0.05 * (most - least)]


def _ratios(figure: go.Figure, table: pd.DataFrame, columns: tuple[str, str], name: str, look: tuple[str, str]) -> None:
    """ρ of every step, filled where it is taken, open where it is rejected; ``look`` is colour and symbol."""
    ratio, accepted = columns
    color, symbol = look
    symbols = [symbol if taken else f"{symbol}-open" for taken in table[accepted]]
    figure.add_scatter(
        x=table["step"] - 0.5,  # within the step's band
        y=table[ratio].clip(*SHOWN_RATIOS),
        customdata=table[["step", ratio]],
        mode="markers",
        name=f"ρ of the {name}",
        marker={"symbol": symbols, "size": 9, "color": color, "line": {"width": 2, "color": color}},
        hovertemplate=f"{name}, step %{{customdata[0]}}: ρ = %{{customdata[1]:.3g}}<extra></extra>",
        row=3,
        col=1,
    )
