"""Sensitivity's table: what is done, what diverged, and how wide a line is flat."""

import numpy as np
import pandas as pd
import pytest

from ddlab.analyses.sweeps.sensitivity import (
    in_words,
    plan_of_sensitivity,
    plateaus,
    sensitivity_table,
    without_training,
)
from ddlab.data.cache import load
from ddlab.sweeps.sensitivity import plan_sensitivity, planned_runs
from tests.tuned_run import KEPT, tuned_base, tuned_run


def line(accuracies, strategy="adam"):
    values = [10.0 ** (power - len(accuracies)) for power in range(len(accuracies))]
    rows = {"strategy": strategy, "value": values, "last": accuracies, "kept": accuracies}
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("accuracies", "low", "high", "reaches_an_end"),
    [
        ([0.2, 0.9, 0.895, 0.9, 0.1], 1e-4, 1e-2, False),
        ([0.2, 0.9, 0.1], 1e-2, 1e-2, False),
        ([0.9, 0.89, 0.1], 1e-3, 1e-2, True),  # a point less still is as good
        ([0.9, 0.1, 0.895, 0.895, 0.5], 1e-3, 1e-2, False),  # the widest, wherever the best is
        ([0.5, 0.9, np.nan, 0.9, 0.5], 1e-4, 1e-4, False),  # what is not done yet parts a line
    ],
)
def test_the_plateau_is_the_widest_stretch_within_a_point_of_the_best(accuracies, low, high, reaches_an_end):
    (found,) = plateaus(line(accuracies)).to_dict("records")
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert found["decades"] == pytest.approx(np.log10(high / low)) and found["open"] == reaches_an_end
    assert found["best"] == 0.9


def test_plateaus_in_words_the_widest_first():
    both = pd.concat([line([0.2, 0.9, 0.1]), line([0.9, 0.9, 0.905], "sapts")])
    assert in_words(plateaus(both)) == (
        "Within 1 point of its own best: SAPTS (90.5\u00a0%) over at least 2.0 decades of its initial radius, "
        "0.001 to 0.1; Adam (90.0\u00a0%) at 0.01 alone."
    )
    assert in_words(plateaus(line([np.nan]))) == "" and plateaus(line([np.nan])).empty


def test_a_row_a_run_by_strategy_and_rising_values():
    gone = tuned_run("sgd", 1.0, [0.8], "diverged")
    runs = [
        gone,
        tuned_run("adam", 0.1, [0.9, 0.8]),
        tuned_run("adam", 0.01, [0.7]),
        tuned_run("sapts", 0.1, state="running"),
    ]
    table = sensitivity_table(runs)
    assert list(table["title"]) == ["SAPTS", "Adam", "Adam", "SGD"]
    assert list(table["value"]) == [0.1, 0.01, 0.1, 1.0]
    assert list(table["quantity"]) == ["initial radius"] + 3 * ["learning rate"]
    assert list(table["state"]) == ["running", "finished", "finished", "diverged"]
    assert table["last"][1:].tolist() == pytest.approx([0.7, 0.85, without_training(gone)]) and np.isnan(
        table["last"][0]
    )
    assert table["kept"][1:3].tolist() == pytest.approx([0.7 + KEPT, 0.85 + KEPT])
    assert table["last_sd"][2] == pytest.approx(np.std([0.9, 0.8], ddof=1)) and table["last_sd"].notna().sum() == 1
    assert table["run_id"][3] == gone.id and "infinite" in table["message"][3]


def test_what_cannot_be_read_is_left_out():
    run = tuned_run("adam", 0.1, [0.9])
    (run.path / "experiment.json").write_text("{}")
    assert sensitivity_table([run]).empty and sensitivity_table([]).empty


def test_who_learned_nothing_names_the_most_frequent_class(monkeypatch):
    run = tuned_run("adam", 0.1)
    counts = np.bincount(load(run.experiment.dataset).validation.labels)
    assert counts.max() > counts.min(), "classes of one size would not tell it from guessing"
    assert without_training(run) == counts.max() / counts.sum()
    monkeypatch.setattr("ddlab.analyses.comparison.baseline.is_ready", lambda settings: False)
    assert without_training(run) == pytest.approx(1 / 4)


def test_the_plan_goes_by_the_time_that_runs_of_the_same_strategy_took():
    base = tuned_base()
    took = tuned_run("adam", 0.1, [0.9])
    took.update_status(started=100.0, ended=142.0)
    todo = planned_runs(base, plan_sensitivity(base, ["adam", "sapts"], [0.1, 1.0]), [took])
    table = plan_of_sensitivity(todo, rate=1e7)
    assert list(table["open"]) == [False, True, True, True] and list(table["state"]) == ["finished", "", "", ""]
    adam, sapts = (table[table["strategy"] == name] for name in ("adam", "sapts"))
    assert adam["seconds"].tolist() == [42, 42]
    assert sapts["flops"].iloc[0] > 3 * adam["flops"].iloc[0]
    assert (sapts["seconds"] > 7).all() and sapts["seconds"].nunique() == 1
