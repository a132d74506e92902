"""Stages: their titles, their order and what they came to."""

import pytest

from ddlab.analyses.comparison.accuracy import curves_of, learning_curves
from ddlab.analyses.comparison.stages import OUTCOME, in_order, outcome_table, stage_title
from tests.made_run import made_experiment, made_run


@pytest.mark.parametrize(
    ("stage", "title"), [("cnn_dnn", "CNN-DNN"), ("local", "Local networks"), ("of_a_fold", "Of a fold networks")]
)
def test_a_stage_that_is_no_strategy_is_of_networks(stage, title):
    assert stage_title(stage) == title


def test_strategies_come_first_in_their_order_then_local_networks_then_others():
    assert in_order(["folds", "local", "cnn_dnn", "local", "global", "also"]) == [
        "global",
        "cnn_dnn",
        "local",
        "also",
        "folds",
    ]


def test_the_outcome_is_of_one_seed_and_of_what_has_an_accuracy():
    run = made_run(seeds=(0, 1))
    stage = run.stage("global", 1)
    stage.write_result({**stage.result(), "validation_accuracy": 0.625, "best_epoch": 3})
    table = outcome_table(run, 1).set_index("Strategy")
    assert table.loc["Global network", ["Best", "At epoch"]].tolist() == [0.625, 3]
    assert "Local networks" not in table.index and len(table) == 4
    assert list(table.columns) == [name for name in OUTCOME if name != "Test"]
    assert outcome_table(made_run("queued"), 0).empty


def test_test_images_have_a_column_where_they_judge():
    assert "Test" in outcome_table(made_run(experiment=made_experiment({"test": "official"})), 0)


def test_curves_of_several_runs_name_the_run():
    first, second = made_run(), made_run(experiment=made_experiment(name="other"))
    table = curves_of([first, second])
    assert table["run"].value_counts().to_dict() == {"made": len(learning_curves(first)), "other": len(table) / 2}
