"""Levels that accuracies are compared with, such as the baseline: a line across the figure, named in the legend."""

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, WHISKER
from ddlab.written import percent


def mark_baseline(figure: go.Figure, baseline: Baseline | None, axis: str = "y") -> None:
    """Draw the accuracy of always naming the most frequent class, dotted, in place; nothing for None.

    Parameters
    ----------
    axis
        Along which accuracies are drawn: ``x`` or ``y``.
    """
    if baseline is not None:
        name = (
            f"baseline: {percent(baseline.share)}"  # its class may have a long name: Words and captions say what it is
        )
        _mark(figure, baseline.share, name, axis, {"color": WHISKER, "width": 2, "dash": "dot"})


def mark_target(figure: go.Figure, target: float) -> None:
    """Draw an accuracy that is to be reached, dashed, in place."""
    _mark(figure, target, f"to reach: {percent(target, 0)}", "y", {"color": OTHER, "width": 1.5, "dash": "dash"})


def _mark(figure: go.Figure, share: float, name: str, axis: str, line: dict[str, object]) -> None:
    """Draw a line across, and a trace without points that names it: text at the line would lie on curves and bars."""
    draw = figure.add_hline if axis == "y" else figure.add_vline
    draw(share, line=line)
    figure.add_scatter(x=[None], y=[None], mode="lines", name=name, line=line, showlegend=True, hoverinfo="skip")
