"""Sensitivity drawn: a line a strategy, its plateau, its band, and a cross where a training diverged."""

import numpy as np
import pytest

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.sweeps.sensitivity import plateaus, sensitivity_table
from ddlab.figures.colors import rgba, strategy_color
from ddlab.figures.sweeps.sensitivity import MARGIN, sensitivity_lines
from tests.tuned_run import tuned_run


@pytest.fixture
def table():
    runs = [tuned_run("adam", value, [accuracy]) for value, accuracy in ((1e-3, 0.9), (1e-2, 0.905))]
    runs += [tuned_run("adam", 1.0, state="diverged"), tuned_run("sapts", 10.0, state="running")]
    return sensitivity_table([*runs, *(tuned_run("sapts", value, [0.9, 0.92]) for value in (1e-3, 1.0))])


def test_lines_plateaus_bands_and_crosses(table):
    figure = sensitivity_lines(table, plateaus(table), "last", Baseline(0.4, "ring", "validation"))
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert list(named)[:2] == ["SAPTS · initial radius", "Adam · learning rate"]
    adam = named["Adam · learning rate"]
    assert list(adam.x) == [1e-3, 1e-2, 1.0] and list(adam.y) == pytest.approx([0.9, 0.905, table["last"].iloc[-1]])
    assert list(adam.marker.symbol) == ["circle", "circle", "x"] and list(adam.text) == [
        "0.001: 90.0%",
        "0.01: 90.5%",
        "1: diverged",
    ]
    assert adam.line.color == strategy_color("adam")
    assert [ids[0] for ids in adam.customdata] == list(table.loc[table["strategy"] == "adam", "run_id"])
    by_color = {trace.line.color: trace for trace in figure.data if trace.line.width == 12}
    assert list(by_color[rgba(strategy_color("adam"), 0.3)].x) == [1e-3, 1e-2]
    (band,) = [trace for trace in figure.data if trace.fill]
    spread = np.std([0.9, 0.92], ddof=1)
    assert list(band.y) == pytest.approx([0.91 + spread] * 2 + [0.91 - spread] * 2)
    assert figure.layout.shapes[0].y0 == 0.4 and "baseline: 40.0\u00a0%" in named


def test_the_axis_is_logarithmic_and_has_room_for_what_is_not_done_yet(table):
    axis = sensitivity_lines(table, plateaus(table, "kept"), "kept").layout.xaxis
    assert axis.type == "log" and list(axis.range) == pytest.approx([-3 - MARGIN, 1 + MARGIN])


def test_where_the_data_are_gone_there_is_no_baseline(table):
    assert not sensitivity_lines(table, plateaus(table), "last").layout.shapes
