"""Figures of the Pipeline page: what is drawn is what the tables say, the paper's point included."""

import math

import numpy as np

from ddlab.analyses.pipeline.methods import micro_batch_counts, speed_ups
from ddlab.analyses.pipeline.paper import training_table
from ddlab.analyses.pipeline.plan import memory_table, module_table, sub_layer_table
from ddlab.analyses.pipeline.ways import ways_table
from ddlab.figures.pipeline import plan as figures
from ddlab.figures.pipeline.colors import RANKS, rank_color, schedule_color
from ddlab.figures.pipeline.schedule import COLORS
from ddlab.figures.pipeline.speed_up import paper_lines, speed_up_lines
from ddlab.figures.pipeline.ways import PANELS, ways_panels
from ddlab.pipeline.schedules import SCHEDULES
from pages.ui.pipeline import choices
from tests.analyses.pipeline.counted import FLOPS, MODEL, plan


def texts(figure):
    return [note.text.strip() for note in figure.layout.annotations]


def test_sub_layers_stand_in_order_with_the_bytes_over_every_cut():
    figure = figures.partition_bars(sub_layer_table(plan()), module_table(plan()), "cut")
    assert [list(bar.y) for bar in figure.data] == [[flops] for flops in FLOPS]
    assert [list(bar.x) for bar in figure.data] == [[0], [1], [2]]
    assert [bar.name for bar in figure.data] == [
        f"module {k}: {100 * flops / sum(FLOPS):.1f}\u00a0%" for k, flops in enumerate(FLOPS)
    ]
    assert [line.x0 for line in figure.layout.shapes] == [0.5, 1.5] and texts(figure) == ["32\u00a0B", "16\u00a0B"]
    assert list(figure.layout.xaxis.ticktext) == ["hidden", "hidden2", "classifier"]


def test_all_bytes_of_all_ranks_are_stacked():
    table = memory_table(plan())
    figure = figures.memory_bars(table, "memory")
    np.testing.assert_allclose(sum(np.array(bar.x) for bar in figure.data) * 1e6, table["total"])
    places = list(figure.data[0].y)
    assert len(set(places)) == len(table) and all(list(bar.y) == places for bar in figure.data)
    heads = {note.y for note in figure.layout.annotations}
    assert len(heads) == table["title"].nunique() and not heads & set(places)


def test_the_point_that_the_paper_has_and_the_limit_are_marked():
    table = speed_ups(plan(), micro_batch_counts(3, 6))
    figure = speed_up_lines(table, 3, 6, "speed-up")
    lines = {trace.name: trace for trace in figure.data}
    for schedule, rows in table.groupby("schedule"):
        line = lines[SCHEDULES[schedule].title]
        np.testing.assert_allclose(line.y, rows["speed_up"])
        assert line.line.color == schedule_color(schedule)
    point = lines["the paper: m = n, n²/(2n − 1)"]
    assert list(point.x) == [3] and list(point.y) == [9 / 5]
    assert {shape.y0 for shape in figure.layout.shapes} >= {3} and {shape.x0 for shape in figure.layout.shapes} >= {6}
    ideal = lines["n m/(m + n − 1)"]
    assert dict(zip(ideal.x, ideal.y, strict=True))[3] == 9 / 5 and list(ideal.x) == sorted(ideal.x)


def test_the_papers_speed_ups_above_n_are_stars():
    table = training_table()
    figure = paper_lines(table, "paper")
    stars = sum(list(trace.marker.symbol).count("star") for trace in figure.data if trace.marker.symbol)
    assert stars == table["above_gpus"].sum() > 0
    assert sum(trace.showlegend is not False for trace in figure.data) == 2 + table["model"].nunique()


def test_three_panels_show_all_ways():
    table = ways_table(MODEL, plan(), [1, 2, 3])
    figure = ways_panels(table, 2, "ways")
    assert len(figure.data) == 5 * len(PANELS)
    for trace in figure.data:
        (quantity,) = [name for name, axis in zip(PANELS, ("y", "y2", "y3"), strict=True) if trace.yaxis == axis]
        title = trace.name.partition(": ")[2]
        expected = table.loc[table["title"] == title, quantity]
        np.testing.assert_array_equal(trace.y, expected.where(expected > 0))
    ticks = figure.layout.yaxis.ticktext
    assert ticks and all(text.endswith("s") for text in ticks)


def test_nothing_sent_at_all_is_no_fault():
    figure = ways_panels(ways_table(MODEL, plan(bandwidth=math.inf), [1]), 1, "ways")
    assert figure.layout.yaxis2.ticktext is None


def test_neighbours_never_share_a_colour():
    """Neighbouring modules are on neighbouring ranks, or on the last one and the first."""
    assert len(set(RANKS)) == len(RANKS) == 8
    for number in choices.RANKS[1:]:
        colors = [rank_color(rank) for rank in range(number)]
        assert all(one != other for one, other in zip(colors, [*colors[1:], colors[0]], strict=True)), number
    assert not set(RANKS) & set(COLORS.values())
    assert len({schedule_color(name) for name in SCHEDULES}) == len(SCHEDULES)
