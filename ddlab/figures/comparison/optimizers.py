"""Methods against each other: accuracy or loss over epochs, passes over the data, bytes or time."""

import pandas as pd

from ddlab.analyses.comparison.optimizers import EFFORTS, MEASURES
from ddlab.figures import graph_objects as go
from ddlab.figures.axes import logarithmic_axis
from ddlab.figures.bands import add_band
from ddlab.figures.colors import strategy_color
from ddlab.figures.comparison.accuracy import DASHES
from ddlab.figures.layout import finish, percent_axis, whole_epochs

HEIGHT = 470


def passes_lines(table: pd.DataFrame, effort: str, measure: str, title: str) -> go.Figure:
    """One of ``MEASURES`` over one of ``EFFORTS``: a line a strategy, a dash pattern a run, bands of one sd over seeds.

    Efforts other than epochs differ by orders of magnitude between the methods, so that their axis is logarithmic.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.optimizers.passes_table` gives it.
    """
    figure = go.Figure()
    runs = list(dict.fromkeys(table["run_id"]))
    known = table.dropna(subset=[effort, measure])
    for (run_id, run, strategy, name), part in known.groupby(["run_id", "run", "strategy", "title"], sort=False):
        by_epoch = part.astype({effort: float, measure: float}).groupby("epoch")
        x, mean = by_epoch[effort].mean(), by_epoch[measure].mean()
        color, label = strategy_color(str(strategy)), str(name) if len(runs) == 1 else f"{name}, {run}"
        group = f"{strategy} {run_id}"
        add_band(figure, mean.set_axis(x), by_epoch[measure].std().set_axis(x), color, group)
        figure.add_scatter(
            x=x,
            y=mean,
            name=label,
            legendgroup=group,
            mode="lines+markers",
            line={"color": color, "width": 2.5, "dash": DASHES[runs.index(run_id) % len(DASHES)]},
            marker={"color": color, "size": 5},
            customdata=list(mean.index),
            hovertemplate=f"{label}, epoch %{{customdata}}: %{{y:{_format(measure)}}} after %{{x:.3s}}<extra></extra>",
        )
    if effort == "epoch":
        whole_epochs(figure, known["epoch"])
    else:
        logarithmic_axis(figure, known[effort].astype(float), "B" if effort == "bytes" else "")
    axis = percent_axis("y") if "accuracy" in measure else {}
    along = EFFORTS[effort] if effort == "epoch" else f"{EFFORTS[effort]}, logarithmic"
    return finish(figure, title, x=along, y=MEASURES[measure], height=HEIGHT, **axis)


def _format(measure: str) -> str:
    return ".1%" if "accuracy" in measure else ".3g"
