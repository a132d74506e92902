"""Stages: their titles, their order and what they came to."""

import pytest

from ddlab.analyses.comparison.accuracy import curves_of, learning_curves
from ddlab.analyses.comparison.stages import OUTCOME, in_order, outcome_table, stage_title, whose_epoch
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
    assert table.loc["Global network", ["Kept", "Whose epoch"]].tolist() == [0.625, "its own, 3"]
    assert "Local networks" not in table.index and len(table) == 4
    assert list(table.columns) == [name for name in OUTCOME if name != "Test"]
    assert outcome_table(made_run("queued"), 0).empty


def test_the_words_say_whose_best_epoch_was_kept():
    run = made_run()
    local, vote = run.stage("local", 0), run.stage("majority", 0)
    epochs = (4, 5, 4, 6)
    networks = [
        network | {"best_epoch": epoch} for network, epoch in zip(local.result()["networks"], epochs, strict=True)
    ]
    local.write_result({**local.result(), "networks": networks})
    vote.write_result({**vote.result(), "best_epoch": None})
    told = outcome_table(run, 0).set_index("Strategy")["Whose epoch"]
    assert told["Majority vote"] == "each local network's best, 4 to 6"
    assert told["CNN-DNN"] == "the DNN's, 4; each local network's best, 4 to 6"
    assert told["Global network"] == "its own, 4"
    whole = vote.result() | {"kind": "collective", "best_epoch": 7}
    assert whose_epoch(whole, local.result()) == whose_epoch(whole, None) == "its own, 7"
    last = made_run(experiment=made_experiment(training={"epochs": 6, "keep": "last"}))
    assert set(outcome_table(last, 0)["Whose epoch"]) == {"the last"}


def test_test_images_have_a_column_where_they_judge():
    assert "Test" in outcome_table(made_run(experiment=made_experiment({"test": "official"})), 0)


def test_curves_of_several_runs_name_the_run():
    first, second = made_run(), made_run(experiment=made_experiment(name="other"))
    table = curves_of([first, second])
    assert table["run"].value_counts().to_dict() == {"made": len(learning_curves(first)), "other": len(table) / 2}
