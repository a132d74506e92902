"""Charts: what is drawn are the numbers that were given, in the fixed colours, in the common look."""

import time

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from ddlab.analyses.comparison.accuracy import curves_of, strategy_table
from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.comparison.cost import cost_table
from ddlab.analyses.comparison.paper import compared_table
from ddlab.figures.axes import logarithmic_axis
from ddlab.figures.colors import CLASSES, class_color, ink, rgba, strategy_color
from ddlab.figures.comparison import accuracy, cost
from ddlab.figures.decisions import probabilities
from ddlab.figures.layout import CLEAR, below_title, title_of, whole_epochs
from ddlab.problem import pose
from ddlab.registry.strategies import STRATEGIES
from tests.made_run import made_experiment, made_run

NAMES = ("disc", "cross", "ring")
LOCAL = np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])


@pytest.fixture
def table():
    return strategy_table([made_run(seeds=(0, 1))])


def test_colours_are_distinct_and_repeat_after_the_last():
    assert len({strategy_color(name) for name in STRATEGIES}) == len(STRATEGIES)
    assert len(set(CLASSES)) == len(CLASSES)
    assert class_color(len(CLASSES)) == class_color(0)
    assert rgba("#102030", 0.5) == "rgba(16,32,48,0.5)"
    assert ink("#000000") == "#ffffff" and ink("#ffffff") != "#ffffff"


def test_bars_show_means_and_intervals_in_the_colours_of_the_strategies(table):
    figure = accuracy.strategy_bars(table, "title", compared_table()[:6])
    validation, train, paper = figure.data
    np.testing.assert_allclose(validation.x, table["validation"])
    np.testing.assert_allclose(train.x, table["train"])
    np.testing.assert_allclose(validation.x + validation.error_x.array, table["high"])
    np.testing.assert_allclose(validation.x - validation.error_x.arrayminus, table["low"])
    assert list(validation.marker.color) == [strategy_color(name) for name in table["strategy"]]
    assert dict(zip(paper.y, paper.x, strict=True))["Majority vote"] == 0.6237


def test_where_test_images_judge_they_have_the_colour_and_the_whiskers():
    judged = strategy_table([made_run(experiment=made_experiment({"test": "official"}))])
    table = pd.concat([judged, strategy_table([made_run()])], ignore_index=True)
    test, validation, _ = accuracy.strategy_bars(table, "title").data
    half = len(judged)
    np.testing.assert_allclose((test.x + test.error_x.array)[:half], table["high"][:half])
    np.testing.assert_allclose((validation.x + validation.error_x.array)[half:], table["high"][half:])
    assert np.isnan(validation.error_x.array[:half]).all() and np.isnan(test.x[half:].astype(float)).all()
    colors = [strategy_color(name) for name in table["strategy"]]
    assert list(test.marker.color) == colors and list(validation.marker.color)[half:] == colors[half:]
    assert not set(validation.marker.color[:half]) & set(colors)
    points = accuracy.accuracy_against_cost(judged, "parameters", "title").data
    assert {trace.name: trace.y[0] for trace in points} == dict(zip(judged["title"], judged["test"], strict=True))


@pytest.mark.parametrize("quantity", accuracy.COSTS)
def test_accuracy_against_cost_has_a_point_a_strategy(table, quantity):
    figure = accuracy.accuracy_against_cost(table, quantity, "title")
    shown = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data}
    for row in table.itertuples():
        assert shown[row.title] == pytest.approx((getattr(row, quantity), row.validation))


def test_confusion_shows_shares_of_rows_and_its_cells_can_be_clicked():
    counts = np.array([[3, 1, 0], [0, 0, 0], [1, 1, 2]])
    figure = accuracy.confusion_matrix(counts, NAMES, "title")
    heat, cells = figure.data
    np.testing.assert_allclose(heat.z, [[0.75, 0.25, 0], [0, 0, 0], [0.25, 0.25, 0.5]])
    clicked = {(y, x): tuple(data) for x, y, data in zip(cells.x, cells.y, cells.customdata, strict=True)}
    assert clicked[(2, 1)] == (2, 1, 1)
    assert {note.text for note in figure.layout.annotations} == {"3", "1", "2"}


def test_charts_of_many_cells_are_drawn_at_once():
    began = time.process_time()
    accuracy.confusion_matrix(np.ones((25, 25), dtype=int), [str(index) for index in range(25)], "title")
    probabilities.local_heat_map(np.full((64, 10), 0.1), [str(index) for index in range(10)], 0, "title")
    assert time.process_time() - began < 5  # seconds; half a minute where each cell is added on its own


def test_curves_are_means_over_seeds_and_subdomains():
    curves = curves_of([made_run(seeds=(0, 1))])
    figure = accuracy.strategy_curves(curves, "validation_accuracy", "title")
    by_name = {trace.name: trace for trace in figure.data if trace.name}
    assert list(by_name) == ["Global network", "CNN-DNN", "Local networks (mean)"]
    expected = curves[curves["stage"] == "local"].groupby("epoch")["validation_accuracy"].mean()
    np.testing.assert_allclose(by_name["Local networks (mean)"].y, expected)


def test_the_heat_map_frames_what_each_local_network_names_and_marks_the_truth():
    figure = probabilities.local_heat_map(LOCAL, NAMES, 1, "title")
    np.testing.assert_array_equal(figure.data[0].z, LOCAL)
    assert figure.data[0].x[1] == "▲ cross"
    framed = {(round(shape.y0 + 0.5), round(shape.x0 + 0.5)) for shape in figure.layout.shapes}
    assert framed == {(0, 0), (1, 1)}


def test_bars_are_a_chart_a_subdomain():
    figure = probabilities.local_bars(LOCAL, NAMES, 1, "title")
    assert [list(trace.y) for trace in figure.data] == LOCAL.tolist()


@pytest.mark.parametrize(
    ("values", "unit", "text"), [([2, 1, 0], "votes", "2"), ([0.5, 0.3, 0.2], "probability", "50%")]
)
def test_decision_bars_put_the_decision_forward(values, unit, text):
    bars = probabilities.decision_bars(np.array(values), NAMES, 0, 1, "title", unit).data[0]
    assert list(bars.x) == values
    assert bars.text[0] == text
    assert bars.marker.opacity[0] > max(bars.marker.opacity[1:])


def test_attributions_are_shown_around_zero():
    heat = probabilities.attribution_map(np.array([[0.5, -2.0, 0.0]]), NAMES, "title").data[0]
    assert (heat.zmin, heat.zmax) == (-2.0, 2.0)


def test_change_bars_are_in_the_colour_of_the_strategy():
    before, after = probabilities.change_bars(np.array([0.5, 0.6]), np.array([0.7, 0.2]), "transfer", "title").data
    assert (tuple(before.y), tuple(after.y)) == ((0.5, 0.6), (0.7, 0.2))
    assert after.marker.color == strategy_color("transfer")


def test_cost_bars_show_the_table():
    table = cost_table(pose(made_experiment()))
    np.testing.assert_array_equal(cost.cost_bars(table, "flops", "title").data[0].y, table["flops"])
    stacked = sum(np.array(trace.y) for trace in cost.memory_bars(table, "title").data)
    np.testing.assert_allclose(stacked, table["memory"] / 1e6)


def test_class_balance_shows_both_splits():
    table = pd.DataFrame({"class": NAMES, "train": [5, 6, 7], "validation": [1, 2, 3]})
    train, validation = cost.class_balance(table, "title").data
    assert (tuple(train.y), tuple(validation.y)) == ((5, 6, 7), (1, 2, 3))


def test_all_figures_have_one_look(table):
    sights = probabilities.sight_bars(np.array([1.0, 0.0]), np.array([0.9, 0.4]), "a title " * 11)
    for figure in (
        sights,
        accuracy.strategy_bars(table, "a title"),
        cost.memory_bars(pd.DataFrame(_bytes()), "a title"),
    ):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == CLEAR
        assert figure.layout.uirevision == "keep"
        assert figure.layout.title.text.startswith("a title")
    assert sights.layout.title.text.count("<br>") == 0, "87 characters: one line where there is room for them"


def test_a_title_stands_above_its_figure_without_the_room_that_it_had_within(table):
    for words in ("a title", "a title " * 20):
        within = accuracy.strategy_bars(table, words)
        above = below_title(within).to_dict()["layout"]
        lines = within.layout.title.text.count("<br>") + 1
        assert title_of(within) == words.strip()
        assert within.layout.height - above["height"] == 8 + 20 * lines
        assert within.layout.margin.t - above["margin"]["t"] == 8 + 20 * lines
    assert lines == 2 and above["margin"]["t"] == 14
    strange = go.Figure()
    assert below_title(strange) is strange, "nothing is known of a figure that somebody else has made"


def _bytes():
    return {"network": ["global"], "weights": [1], "gradients": [1], "optimizer": [2], "activations": [3]}


def test_no_tick_stands_between_two_epochs():
    for count, apart in ((1, 1), (10, 1), (11, 2), (50, 5), (1000, 100)):
        figure = go.Figure()
        whole_epochs(figure, pd.Series(range(1, count + 1)))
        assert (figure.layout.xaxis.tick0, figure.layout.xaxis.dtick) == (0, apart)
    whole_epochs(figure := go.Figure(), pd.Series(dtype=int))
    assert figure.layout.xaxis.dtick is None


def test_runs_of_one_name_have_bars_and_curves_of_their_own():
    """Three runs that differ in nothing but their ids: bars of one category would be stacked to 100 % and beyond."""
    runs = [made_run() for _ in range(3)]
    bars = accuracy.strategy_bars(strategy_table(runs), "title").data[0]
    assert len(set(bars.y)) == len(bars.y) == 3 * 4
    lines = [trace for trace in accuracy.strategy_curves(curves_of(runs), "validation_accuracy", "title").data]
    drawn = [trace for trace in lines if trace.showlegend is not False]
    assert len({trace.name for trace in drawn}) == len({trace.legendgroup for trace in drawn}) == 3 * 3
    assert {trace.line.dash for trace in drawn if trace.name.startswith("Global")} == {"solid", "dash", "dot"}


def test_what_is_smoothed_stays_as_a_pale_line():
    table = pd.DataFrame({"epoch": range(1, 6), "validation_accuracy": [0.0, 0.3, 0.0, 0.3, 0.6]})
    curves = table.assign(run_id="1", run="made", stage="global")
    pale, line = accuracy.strategy_curves(curves, "validation_accuracy", "title", 3).data
    np.testing.assert_allclose(line.y, [0.15, 0.1, 0.2, 0.3, 0.45])
    np.testing.assert_allclose(pale.y, table["validation_accuracy"])
    assert not pale.showlegend and pale.legendgroup == line.legendgroup


def test_the_baseline_says_what_it_is():
    baseline = Baseline(0.4, "ring", "validation")
    curves = curves_of([made_run()])
    drawn = accuracy.strategy_curves(curves, "validation_accuracy", "title", baseline=baseline)
    assert [shape.y0 for shape in drawn.layout.shapes] == [0.4]
    assert drawn.data[-1].name == "baseline: 40.0\u00a0%" and drawn.data[-1].line.dash == "dot"
    loss = accuracy.strategy_curves(curves, "validation_loss", "title", baseline=baseline)
    assert not loss.layout.shapes, "it is an accuracy"


@pytest.mark.parametrize("values", [[2e6, 2.1e6], [1.0, 1.0], [3.0, 40.0], [1e3, 1e9], [0.02, 0.09]])
def test_a_logarithmic_axis_has_several_ticks_that_are_written_in_full(values):
    figure = go.Figure()
    logarithmic_axis(figure, pd.Series(values), "B")
    axis = figure.layout.xaxis
    assert axis.type == "log" and 3 <= len(axis.tickvals) <= 9 and len(set(axis.ticktext)) == len(axis.ticktext)
    assert all(10 ** axis.range[0] <= value <= 10 ** axis.range[1] for value in [*values, *axis.tickvals])
    assert all(text.endswith("B") for text in axis.ticktext)
