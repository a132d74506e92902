"""Split against shared data of APTS: a measure over the number of subdomains."""

import pandas as pd

from ddlab.analyses.trust_region.split_or_shared import CASE, MEASURES
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import class_color
from ddlab.figures.layout import finish, percent_axis
from ddlab.registry.datasets import DATASETS

KINDS = {"split": (class_color(2), "solid", "circle"), "shared": (class_color(0), "dash", "diamond")}
PANEL, COLUMNS = 260, 2


def split_or_shared_lines(table: pd.DataFrame, measure: str, title: str) -> go.Figure:
    """One of ``MEASURES`` over N, a panel a data set, mode and order; bars are one standard deviation over seeds.

    Parameters
    ----------
    table
        As :func:`ddlab.analyses.trust_region.split_or_shared.summarize` gives it.
    """
    panels = list(table.groupby(list(CASE[:3]), sort=False))
    names = [f"{DATASETS[str(dataset)].title}, {mode}, order {order}" for (dataset, mode, order), _ in panels]
    rows = -(-len(panels) // COLUMNS)
    cells: list[dict[str, int] | None] = [
        {} if place < len(panels) else None for place in range(rows * COLUMNS)
    ]  # None: no axes there
    specs = [cells[row * COLUMNS : (row + 1) * COLUMNS] for row in range(rows)]
    figure = go.make_subplots(rows, COLUMNS, specs=specs, subplot_titles=names, vertical_spacing=0.36 / max(rows, 1))
    for place, (_, panel) in enumerate(panels):
        where = {"row": place // COLUMNS + 1, "col": place % COLUMNS + 1}
        for kind, (color, dash, symbol) in KINDS.items():
            mine = panel[panel["data"] == kind].sort_values("subdomains")
            spread = mine[f"{measure}_sd"] if f"{measure}_sd" in mine else None
            figure.add_scatter(
                x=mine["subdomains"],
                y=mine[measure],
                error_y={"array": spread, "thickness": 1.2} if spread is not None else None,
                name=f"{kind} data",
                legendgroup=kind,
                showlegend=place == 0,
                mode="lines+markers",
                line={"color": color, "dash": dash, "width": 2.5},
                marker={"color": color, "symbol": symbol, "size": 8},
                hovertemplate=f"{kind}, N = %{{x}}: %{{y:{_format(measure)}}}<extra></extra>",
                **where,
            )
        figure.update_xaxes(title="N subdomains", tickvals=sorted(panel["subdomains"].unique()), **where)
    figure.update_annotations(font_size=13)
    if measure in ("accuracy", "rejected"):
        figure.update_yaxes(**percent_axis()["yaxis"])
    return finish(figure, f"{title}: {MEASURES[measure]}", height=PANEL * rows + 110)


def _format(measure: str) -> str:
    return {"accuracy": ".1%", "rejected": ".0%", "loss": ".3f"}.get(measure, ".1f")
