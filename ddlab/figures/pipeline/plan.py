"""A pipeline's plan drawn: the network's sub-layers with the cuts between modules, and the memory of every rank."""

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, ink
from ddlab.figures.comparison.cost import PARTS
from ddlab.figures.layout import finish, si
from ddlab.figures.pipeline.colors import rank_color
from ddlab.written import percent

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
    figure, places = go.Figure(), pd.Series(range(len(sub_layers)))
    for row in modules.to_dict("records"):
        own = sub_layers["module"] == row["module"]
        color = rank_color(row["rank"])
        figure.add_bar(
            x=places[own.to_numpy()],
            y=sub_layers.loc[own, "flops"],
            name=f"module {row['module']}: {percent(row['share'])}",
            marker={"color": color, "line": {"color": ink(color), "width": 1}},
            customdata=sub_layers.loc[own, ["sub_layer", "share", "layers"]],
            hovertemplate=f"%{{customdata[0]}}: %{{y:.3s}}FLOP an image, %{{customdata[1]:.1%}}<br>module "
            f"{row['module']} on rank {row['rank']}<br>%{{customdata[2]}}<extra></extra>",
        )
    stops, top = modules["sub_layers"].cumsum(), HEADROOM * sub_layers["flops"].max()
    for stop, sent in zip(stops[:-1], modules["sent_bytes"], strict=False):
        figure.add_vline(x=stop - 0.5, line={"color": OTHER, "width": 2, "dash": "dash"})
        figure.add_annotation(
            text=f" {si(sent, 'B')}", x=stop - 0.5, y=1, yref="paper", textangle=-90, showarrow=False
        ).update_annotations(xanchor="right", yanchor="top", font={"size": 11})
    step = max(1, len(places) // 14)
    figure.update_xaxes(tickvals=places[::step], ticktext=sub_layers["sub_layer"][::step], tickangle=-60)
    figure.update_yaxes(exponentformat="SI", range=[0, top])
    return finish(figure, title, y="operations, forward, an image", height=420, bargap=0.05)


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
