"""The baseline in a figure of accuracies: a dotted line that says what it is."""

from typing import Any

import plotly.graph_objects as go

from ddlab.figures.colors import WHISKER

LINE = {"color": WHISKER, "width": 1.5, "dash": "dot"}


def mark_baseline(figure: go.Figure, share: float, text: str, axis: str = "y", **where: Any) -> None:
    """Draw a dotted line at an accuracy that needs no network, in place, with what it is written beside it.

    Parameters
    ----------
    share
        The accuracy.
    text
        Written at the line.
    axis
        Along which accuracies are drawn: ``x`` or ``y``.
    where
        ``row`` and ``col``, of several panels.
    """
    label: dict[str, Any] = {"annotation_text": text, "annotation_font_size": 11, "line": LINE, **where}
    if axis == "y":
        figure.add_hline(y=share, annotation_position="bottom right", **label)
    else:
        figure.add_vline(x=share, annotation_position="bottom right", annotation_yshift=-2, **label)
