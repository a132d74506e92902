"""The balance of the ranks of a run: how long each computed and waited, stage by stage."""

import pandas as pd

from ddlab.figures import graph_objects as go
from ddlab.figures.colors import OTHER, class_color, pale
from ddlab.figures.layout import finish

COMPUTES = class_color(0)
PARTS = {
    "computing": ("computes", COMPUTES),
    "waiting": ("waits", pale(COMPUTES, 0.4)),
    "without_core": ("other programs have its core", OTHER),
}
LITTLE = 0.01  # share of the time that other programs may have its core without a part of their own
A_RANK, BESIDE = 26, 130  # screen pixels of a bar, and of what is around all of them


def balance_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """A bar a rank: the seconds of a :func:`ddlab.analyses.runs.balance.balance_table`, part by part."""
    ranks = sorted(table["rank"].unique())
    figure = go.Figure()
    for measure, (name, color) in PARTS.items():
        if measure == "without_core" and table[measure].sum() < LITTLE * table["seconds"].sum():
            continue
        of_rank = table.groupby("rank")[measure].sum()
        parts = table[table[measure] > 0].groupby("rank")
        told = {
            rank: "<br>".join(f"{row['title']}: {row[measure]:.1f} s" for _, row in rows.iterrows())
            for rank, rows in parts
        }
        figure.add_bar(
            x=[of_rank[rank] for rank in ranks],
            y=[f"rank {rank}" for rank in ranks],
            name=name,
            orientation="h",
            marker_color=color,
            customdata=[told.get(rank, "") for rank in ranks],
            hovertemplate=f"%{{y}}, {name}: %{{x:.1f}} s<br>%{{customdata}}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return finish(figure, title, x="wall time (s)", height=BESIDE + A_RANK * len(ranks), barmode="stack")
