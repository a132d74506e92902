"""Decisions and local probabilities before and after edits of an image. S strategies, N subdomains, K classes."""

from collections.abc import Collection, Sequence

import numpy as np

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import class_color, ink, pale
from ddlab.figures.decisions.probabilities import local_heat_map
from ddlab.figures.layout import finish, percent_axis

BAR = 17  # screen pixels of a bar
PALE = 0.45  # share of the class's colour in the bar of before
WRITTEN = 26  # letters of a decision that stand beside its bar


def decisions_figure(
    titles: Sequence[str], classes: Sequence[str], decisions_S2: np.ndarray, scores_S2: np.ndarray, title: str
) -> go.Figure:
    """Draw every strategy's decision before (pale) and after (full): its probability, in the colour of its class.

    Parameters
    ----------
    decisions_S2, scores_S2
        The class that each strategy decides for before and after, and the probability that it gives this class.
    """
    figure = go.Figure()
    turned = decisions_S2[:, 0] != decisions_S2[:, 1]
    names = [f"<b>{name} ↻</b>" if turns else name for name, turns in zip(titles, turned, strict=True)]
    for column, (when, share) in enumerate((("before", PALE), ("after", 1.0))):
        named = [classes[index] for index in decisions_S2[:, column]]
        colors = [class_color(int(index)) for index in decisions_S2[:, column]]
        filled = [pale(color, share) for color in colors]
        figure.add_bar(
            name=when,
            y=names,
            x=scores_S2[:, column],
            orientation="h",
            marker={"color": filled, "line": {"color": colors, "width": 1}},
            text=[f"{_short(name)} {score:.0%}" for name, score in zip(named, scores_S2[:, column], strict=True)],
            textposition="inside",
            insidetextanchor="start",
            constraintext="none",
            insidetextfont={"size": 12, "color": [ink(color) for color in filled]},
            customdata=named,
            hovertemplate=f"%{{y}}, {when}: %{{customdata}} %{{x:.1%}}<extra></extra>",
        )
    height = 120 + len(titles) * (2 * BAR + 7)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(barmode="group", bargap=0.16, showlegend=False)
    axis = percent_axis("x", range=[0, 1.02])
    return finish(figure, title, x="probability of the decided class", height=height, **axis)


def local_figure(
    local_NK: np.ndarray, classes: Sequence[str], truth: int, changed: Collection[int], title: str
) -> go.Figure:
    """Draw all local probabilities; what each network names is framed, and who got another subimage is marked.

    Parameters
    ----------
    truth
        The true class; below 0 where it is not known.
    changed
        Subdomains, from 1, whose subimages were changed.
    """
    figure = local_heat_map(local_NK, classes, truth, title)
    numbers = range(1, len(local_NK) + 1)
    marked = [f"<b>subdomain {number} ↻</b>" if number in changed else f"subdomain {number}" for number in numbers]
    return figure.update_traces(y=marked)


def _short(name: str) -> str:
    return name if len(name) <= WRITTEN else f"{name[: WRITTEN - 1]}…"
