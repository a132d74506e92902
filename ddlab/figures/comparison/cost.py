"""Costs of networks and contents of a data set, as bars."""

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.axes import logarithmic_axis
from ddlab.figures.colors import PAPER, class_color, strategy_color
from ddlab.figures.layout import finish
from ddlab.models.counting import WAYS
from ddlab.registry.strategies import STRATEGIES
from ddlab.written import si

GLOBAL, LOCAL = "#0072B2", "#56B4E9"  # the global network's colour and a lighter one of the same family
PARTS = {"weights": "#0072B2", "gradients": "#56B4E9", "optimizer": "#E69F00", "activations": "#009E73"}
BESIDE = "\u2003"  # a wide space, in which a diamond fits
QUANTITIES = {"parameters": "parameters", "flops": "operations a forward pass of one image"}


def cost_title(quantity: str, way: str) -> str:
    """Title one of ``QUANTITIES``, counted in one of the ways of :mod:`ddlab.models.counting`."""
    return f"{QUANTITIES[quantity].capitalize()}, counted {WAYS[quantity][way].title}"


def cost_bars(table: pd.DataFrame, quantity: str, title: str) -> go.Figure:
    """One of ``QUANTITIES`` of the global network beside the local ones."""
    figure = go.Figure(
        go.Bar(
            x=table["network"],
            y=table[quantity],
            marker_color=[LOCAL if number else GLOBAL for number in table["subdomain"]],
            hovertemplate="%{x}: %{y:,}<extra></extra>",
            texttemplate="%{y:.3s}" if len(table) <= 17 else None,
            textposition="outside",
            cliponaxis=False,
        )
    )
    figure.update_yaxes(exponentformat="SI")
    figure.update_xaxes(type="category")
    return finish(figure, title, y=QUANTITIES[quantity], height=340, showlegend=False)


def memory_title(optimizer: str, batch_size: int) -> str:
    """Title the memory that training with an optimizer and batches of that size holds."""
    return f"Memory that training holds, with {STRATEGIES[optimizer].title} and {batch_size} images a batch"


def memory_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """Bytes that training a network holds, stacked by what they are for."""
    figure = go.Figure()
    for part, color in PARTS.items():
        label = "optimizer's state" if part == "optimizer" else part
        hover = f"%{{x}}: {label} %{{y:.2f}} MB<extra></extra>"
        figure.add_bar(x=table["network"], y=table[part] / 1e6, name=label, marker_color=color, hovertemplate=hover)
    figure.update_xaxes(type="category")
    return finish(figure, title, y="memory (MB)", height=340, barmode="stack")


def communication_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """Bytes that ranks exchange in a training step, on a logarithmic axis, and diamonds where a run measured them.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.comparison.communication.measured_communication` gives it; before there is a run, as
        ``communication_table`` does.
    """
    sent = table["bytes"].where(table["bytes"] > 0)
    least, most = (sent.min(), sent.max()) if sent.notna().any() else (1.0, 1.0)
    left = least / 10  # a logarithmic axis has no place for 0
    figure = go.Figure(
        go.Bar(
            x=sent,
            y=table["title"],
            orientation="h",
            marker_color=[strategy_color(name) for name in table["strategy"]],
            customdata=table["sends"],
            hovertemplate="%{y}: %{x:.4s}B a step, %{customdata}<extra></extra>",
        )
    )
    text = [BESIDE + (si(number, "B") if number else "nothing") for number in table["bytes"]]
    labels = {"text": text, "textposition": "middle right", "cliponaxis": False, "hoverinfo": "skip"}
    figure.add_scatter(x=sent.fillna(left), y=table["title"], mode="text", **labels)
    if "measured" in table:
        mark = {"symbol": "diamond", "size": 11, "color": PAPER, "line": {"color": "#ffffff", "width": 1.5}}
        hover = "%{y}: %{x:.4s}B a step in this run<extra></extra>"
        measured = table["measured"].where(table["measured"] > 0)
        figure.add_scatter(x=measured, y=table["title"], mode="markers", marker=mark, hovertemplate=hover)
    room = (most / left) ** 0.3  # for the numbers beside the bars
    logarithmic_axis(figure, sent, "B", (0.98 * left, most * room))  # plotly hides what a rounding puts beyond an end
    figure.update_yaxes(autorange="reversed", showgrid=False)
    axis = "payload of a training step, logarithmic"
    return finish(figure, title, x=axis, height=130 + 40 * len(table), showlegend=False)


def balance_title(table: pd.DataFrame) -> str:
    """Title the bars of :func:`class_balance`; test images are in the table alone."""
    title = "Images of every class: training (full) and validation (pale)"
    return title + ("; test images are in the table" if "test" in table else "")


def class_balance(table: pd.DataFrame, title: str) -> go.Figure:
    """Images of every class, in the training and the validation split.

    Parameters
    ----------
    table
        As :func:`ddlab.data.overview.class_balance` gives it.
    """
    figure = go.Figure()
    for name, split, opacity in (("training", "train", 1.0), ("validation", "validation", 0.5)):
        figure.add_bar(
            x=table["class"],
            y=table[split],
            name=name,
            marker={"color": [class_color(index) for index in range(len(table))], "opacity": opacity},
            hovertemplate=f"%{{x}}: %{{y:,}} {name} images<extra></extra>",
        )
    figure.update_xaxes(type="category")
    return finish(figure, title, y="images", height=300, barmode="group", showlegend=False)
