"""What is worth noticing of a comparison and of a run, against tables written by hand."""

import pandas as pd

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.comparison.notice import of_outcome, of_strategies
from ddlab.analyses.comparison.stages import outcome_table
from tests.made_run import made_run

BASELINE = Baseline(0.4, "ring", "validation")


def table(*rows):
    columns = ["title", "validation", "work", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(run_id="1", run="made", test=None)


def test_one_that_is_as_good_for_less_work_is_named():
    said = of_strategies(
        table(
            ("Global network", 0.99, 1.0, 0.97, 0.995),
            ("CNN-DNN", 0.98, 0.3, 0.96, 0.99),
            ("CNN-DNN coherent", 0.985, 0.6, 0.96, 0.99),
            ("Majority vote", 0.42, 0.29, 0.3, 0.5),
        ),
        BASELINE,
    )
    assert said == (
        "CNN-DNN (98.0\u00a0%) is 1.0 points behind Global network (99.0\u00a0%) with 30\u00a0% of its work, and their "
        "intervals overlap: these images do not tell the two apart. Majority vote (42.0\u00a0%) is hardly better than "
        "always naming “ring” (40.0\u00a0%), which needs no network."
    )


def test_without_a_cheap_one_the_lead_of_the_best_is_told():
    rows = [("Global network", 0.99, 1.0, 0.98, 0.995), ("CNN-DNN", 0.9, 0.3, 0.87, 0.93)]
    assert of_strategies(table(*rows)) == "Global network is the best with 99.0\u00a0%, 9.0 points ahead of CNN-DNN."
    assert of_strategies(table(*rows[:1])) == "" and of_strategies(strategy_table([])) == ""
    level = of_strategies(table(("A", 0.9, 0.5, 0.8, 1.0), ("B", 0.9, None, 0.8, 1.0)))
    assert level == "A and B are equally good (90.0\u00a0%)."


def test_test_images_judge_where_there_are_some_and_runs_are_named_where_there_are_several():
    rows = table(("A", 0.5, 1.0, 0.4, 0.6), ("A", 0.9, 1.0, 0.8, 1.0)).assign(test=[0.95, 0.7], run_id=["1", "2"])
    assert of_strategies(rows.assign(run=["first", "second"])).startswith(
        "A of “first” is the best with 95.0\u00a0%, 25.0 "
    )


def test_a_made_run_has_something_to_notice():
    assert of_strategies(strategy_table([made_run()])).endswith(".")


def outcome(**changes):
    row = {"Strategy": "Majority vote", "Kept": 0.43, "Whose epoch": "each local network's best, 2 to 6", "Last": 0.43}
    return pd.DataFrame([row | {"Training images": 0.45, "Seconds": 1.0} | changes])


def test_kept_epochs_that_are_worse_than_the_last_are_named_with_whose_they_are():
    assert of_outcome(outcome(Last=0.546)) == (
        "Majority vote is 11.6 points better with the last epochs (54.6\u00a0%) than with the kept ones "
        "(43.0\u00a0%). Kept by the validation images: each local network's best, 2 to 6."
    )
    assert of_outcome(outcome(Last=0.45)) == "" and of_outcome(pd.DataFrame()) == ""
    assert isinstance(of_outcome(outcome_table(made_run(), 0)), str)


def test_learning_by_heart_is_named():
    said = of_outcome(outcome(**{"Training images": 0.9}))
    assert said.startswith("Majority vote decides training images 47.0 points better than new ones")
    assert of_outcome(outcome(**{"Training images": 0.9}).assign(Test=0.85)) == ""
