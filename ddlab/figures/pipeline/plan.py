"""A pipeline's plan drawn: the network's sub-layers with the cuts between modules, and the memory of every rank."""

import numpy as np
import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, ink
from ddlab.figures.comparison.cost import PARTS
from ddlab.figures.layout import finish
from ddlab.figures.pipeline.colors import rank_color
from ddlab.written import percent, si

MEMORY = {**PARTS, "old_weights": "#882255"}  # those of the Decompose page, and one more
LABELS = {"optimizer": "optimizer's state", "old_weights": "old weights"}
HEADROOM = 1.35  # of the largest bar: bytes stand above it
ROW, AROUND = 17, 150  # screen pixels of a rank in the figure of memory, and of title, axis and legend together


def partition_title(modules: int) -> str:
    """Title the sub-layers of a network in so many modules."""
    return "Work of every sub-layer" + (
        f", cut in {modules} modules; bytes an image over each cut" if modules > 1 else ": one module"
    )


def memory_title(batch_size: int) -> str:
    """Title the memory of ranks that train on batches of this size."""
    return f"Memory of every rank: the schedule, and training in whole batches of {batch_size}"


def partition_bars(sub_layers: pd.DataFrame, modules: pd.DataFrame, title: str) -> go.Figure:
    """The sub-layers in the order of the forward pass as bars of their cost, and the cuts with the bytes over each.

    Parameters
    ----------
    sub_layers, modules
        As :func:`ddlab.analyses.pipeline.plan.sub_layer_table` and ``module_table`` give them.
    """
    figure, places = go.Figure(), np.arange(len(sub_layers))
    module, flops = sub_layers["module"].to_numpy(), sub_layers["flops"].to_numpy()
    about = sub_layers[["sub_layer", "share", "layers"]].to_numpy(dtype=object)
    for row in modules.to_dict("records"):
        own, color = module == row["module"], rank_color(row["rank"])
        figure.add_bar(
            x=places[own],
            y=flops[own],
            name=f"module {row['module']}: {percent(row['share'])}",
            marker={"color": color, "line": {"color": ink(color), "width": 1}},
            customdata=about[own],
            hovertemplate=f"%{{customdata[0]}}: %{{y:.3s}}FLOP an image, %{{customdata[1]:.1%}}<br>module "
            f"{row['module']} on rank {row['rank']}<br>%{{customdata[2]}}<extra></extra>",
        )
    stops, top = modules["sub_layers"].cumsum(), HEADROOM * flops.max()
    cuts = [stop - 0.5 for stop in stops[:-1]]
    line = {"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "line": {"color": OTHER, "width": 2, "dash": "dash"}}
    beside = {"y": 1, "yref": "paper", "xanchor": "right", "yanchor": "top", "textangle": -90, "font": {"size": 11}}
    texts = [f" {si(sent, 'B')}" for sent in modules["sent_bytes"][: len(cuts)]]
    notes = [{"text": text, "x": x, "showarrow": False, **beside} for x, text in zip(cuts, texts, strict=True)]
    step = max(1, len(places) // 14)
    figure.update_xaxes(tickvals=places[::step], ticktext=sub_layers["sub_layer"][::step], tickangle=-60)
    figure.update_yaxes(exponentformat="SI", range=[0, top])
    lines = [{"x0": x, "x1": x, **line} for x in cuts]
    return finish(
        figure, title, y="operations, forward, an image", height=420, bargap=0.05, shapes=lines, annotations=notes
    )


def memory_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """Bytes that every rank holds, stacked by what they are for, the ranks of a method below its name.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.pipeline.plan.memory_table` gives it.
    """
    figure, at = go.Figure(), 0
    places: list[int] = []
    heads: list[tuple[int, str]] = []
    for head, rows in table.groupby("title", sort=False):
        heads.append((at, f"<b>{head}</b>: {si(rows['total'].max(), 'B')} at most"))
        places += range(at + 1, at + 1 + len(rows))
        at += len(rows) + 1
    unit, size = ("GB", 1e9) if table["total"].max() >= 1e9 else ("MB", 1e6)
    for part, color in MEMORY.items():
        label = LABELS.get(part, part)
        hover = f"rank %{{customdata}}: {label} %{{x:.3g}} {unit}<extra></extra>"
        bar = {"orientation": "h", "name": label, "marker_color": color, "customdata": table["rank"]}
        figure.add_bar(x=table[part] / size, y=places, hovertemplate=hover, **bar)
    for place, text in heads:
        at_left = {"x": 0, "xanchor": "left", "yanchor": "middle", "showarrow": False}
        figure.add_annotation(text=text, y=place, font={"size": 12}, **at_left)
    names = [f"rank {rank}" for rank in table["rank"]]
    figure.update_yaxes(range=[at - 0.4, -0.6], tickvals=places, ticktext=names, showgrid=False)
    height = AROUND + ROW * at
    return finish(figure, title, x=f"memory ({unit})", height=height, barmode="stack", bargap=0.15)
