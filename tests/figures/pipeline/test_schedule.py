"""A schedule drawn: every action at its time with its micro-batch, idle time between, and the first ones alone."""

import numpy as np
import pytest

from ddlab.figures.colors import pale
from ddlab.figures.pipeline.schedule import COLORS, gantt
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import SCHEDULES, make_schedule
from ddlab.pipeline.simulation import simulate


def simulated(name, ranks=3, rounds=2):
    chunks = SCHEDULES[name].least_chunks
    return simulate(make_schedule(name, ranks, ranks * rounds, chunks), Costs.uniform(ranks * chunks, 1, 2, 0.25))


def bars(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name == name and not trace.showlegend]
    return trace


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_action_and_all_idle_time_are_drawn(name):
    found = simulated(name)
    figure, table, gaps = gantt(found, unit="ms"), found.action_table(), found.idle_table()
    for kind, rows in table.groupby("kind"):
        drawn = bars(figure, kind)
        np.testing.assert_allclose(drawn.base, rows["start"])
        np.testing.assert_allclose(np.add(drawn.base, drawn.x), rows["end"])
        assert list(drawn.y) == list(rows["rank"]) and list(drawn.text) == [str(batch) for batch in rows["micro_batch"]]
        assert set(drawn.marker.color) >= {COLORS[kind]}
    idle = bars(figure, "idle")
    np.testing.assert_allclose(np.add(idle.base, idle.x), gaps["end"])
    assert list(idle.y) == list(gaps["rank"])
    drawn = sum(sum(trace.x) for trace in figure.data if not trace.showlegend)
    assert drawn == pytest.approx(found.makespan * 3)  # nothing is left out, and nothing covered
    title = figure.layout.title.text.replace("<br>", " ")
    assert title == f"{SCHEDULES[name].title}, 3 ranks, 6 micro\u2011batches: bubble {100 * found.bubble:.1f}\u00a0%"
    assert figure.layout.xaxis.title.text == "time in ms" and list(figure.layout.xaxis.range) == [0, found.makespan]


def test_modules_of_a_rank_differ():
    colors = bars(gantt(simulated("interleaved")), "F").marker.color
    assert set(colors) == {COLORS["F"], pale(COLORS["F"], 0.45)}


def test_the_first_actions_alone():
    found = simulated("zero_bubble")
    table, whole = found.action_table(), gantt(found)
    for until in (0, 1, 7, len(table)):
        figure = gantt(found, until)
        drawn = [trace for trace in figure.data if not trace.showlegend and trace.name != "idle"]
        assert sum(len(trace.x) for trace in drawn) == until
        idle = bars(figure, "idle")
        if 0 < until < len(table):
            assert all(np.add(idle.base, idle.x) <= table["end"][:until].max() + 1e-12)
        assert [t.name for t in figure.data if t.showlegend] == [t.name for t in whole.data if t.showlegend]
        assert figure.layout.xaxis.range == whole.layout.xaxis.range and figure.layout.title == whole.layout.title
    assert not len(bars(gantt(found, 0), "idle").x) and gantt(found, len(table)) == whole


@pytest.mark.parametrize("until", [-1, 55])
def test_there_are_only_so_many_actions(until):
    with pytest.raises(ValueError, match=f"until: must be from 0 to the 54 actions, got {until}"):
        gantt(simulated("zero_bubble"), until)


def test_one_is_no_plural():
    figure = gantt(simulate(make_schedule("gpipe", 1, 1), Costs.uniform(1, 1, 1)))
    assert figure.layout.title.text.replace("<br>", " ") == "GPipe, 1 rank, 1 micro\u2011batch: bubble 0.0\u00a0%"
