"""Methods against each other, from records whose sweeps, vectors and accuracies are known."""

import numpy as np
import pytest

from ddlab.analyses.comparison.optimizers import passes_table, saving_in_words, what_it_takes
from ddlab.analyses.comparison.reaching import most_reached
from ddlab.figures.colors import strategy_color
from ddlab.figures.comparison.optimizers import passes_lines
from tests.made_run import made_run
from tests.made_trust_region import EPOCHS, NUMBER, PARAMETERS, made_trust_region_run


@pytest.fixture
def table():
    return passes_table([made_trust_region_run(strategies=["global", "adam", "apts"])])


def test_efforts_count_from_the_start(table):
    ends = table[table["seed"] == 0].groupby("strategy").last()
    assert ends["data_passes"].to_dict() == {"adam": 3, "apts": 21, "global": 3}
    assert ends.loc["apts", "bytes"] == 3 * 2 * EPOCHS * PARAMETERS * NUMBER
    assert np.isnan(ends.loc["global", "bytes"]) and set(ends["seconds"]) == {6.0}


def test_what_a_step_and_an_accuracy_take(table):
    takes = what_it_takes(table, 0.74).set_index("strategy")
    assert takes.loc["apts", ["vectors_a_step", "gradients_a_step"]].tolist() == [3, 7]
    assert takes.loc["adam", ["vectors_a_step", "gradients_a_step"]].tolist() == [1, 1]
    # seed 0 has 75 % after epoch 2, seed 1 has 73 % then
    assert takes.loc["apts", ["epoch", "data_passes", "reached"]].tolist() == [2.5, 17.5, 2]
    assert takes.loc["apts", "last"] == pytest.approx(0.865) and takes.loc["apts", "last_sd"] > 0
    assert most_reached(table) == pytest.approx(0.855)
    assert np.isnan(what_it_takes(table, 0.87).set_index("strategy").loc["apts", "data_passes"])  # one seed does not
    assert "sums 3.0 vectors" in saving_in_words(takes.reset_index()) and "7.0 for as much" in saving_in_words(
        takes.reset_index()
    )


def test_only_what_trains_the_global_network_from_the_start_is_compared():
    assert set(passes_table([made_run()])["strategy"]) == {"global"}
    assert passes_table([made_run("queued")]).empty


def test_a_line_a_strategy_and_run(table):
    other = made_trust_region_run(strategies=["apts"], seeds=(0,))
    both = passes_table([made_trust_region_run(), other])
    figure = passes_lines(both, "data_passes", "loss", "title")
    lines = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.line.dash for trace in lines] == ["solid", "solid", "solid", "dash"]
    assert lines[0].line.color == lines[3].line.color == strategy_color("apts")
    np.testing.assert_allclose(lines[0].x, [7, 14, 21])
    np.testing.assert_allclose(lines[0].y, [2, 1, 2 / 3])
    by_bytes = passes_lines(table, "bytes", "validation_accuracy", "title")
    assert {trace.name for trace in by_bytes.data if trace.name} == {"APTS", "Adam"}, "the global network tells none"
