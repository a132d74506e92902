"""Who chose and who judged: test accuracies with intervals in the table of strategies, and what choosing costs."""

import numpy as np
import pytest

from ddlab.analyses.comparison.accuracy import has_unequal_classes, strategy_table
from ddlab.analyses.comparison.choosing import chance, choosing, choosing_in_words
from ddlab.analyses.comparison.intervals import accuracy_interval, wilson
from ddlab.analyses.comparison.judged import decided_rightly, judge_of
from ddlab.data.cache import load
from ddlab.registry.strategies import COMPARED_BY_KLAWONN
from tests.made_run import EPOCHS, made_experiment, made_run


def judged_run(seeds=(0, 1), **settings):
    return made_run(experiment=made_experiment({"test": "official"}, seeds=list(seeds), **settings))


def test_test_images_judge_with_an_interval_and_without_them_the_validation_images():
    judged, papers = judged_run(), made_run()
    table = strategy_table([judged, papers]).set_index(["run_id", "strategy"])
    labels = np.asarray(load(judged.experiment.dataset).test.labels)
    correct = np.stack([judged.stage("cnn_dnn", seed).predictions()["test_decisions"] == labels for seed in (0, 1)])
    row, expected = table.loc[(judged.id, "cnn_dnn")], accuracy_interval(correct)
    assert (row["test"], row["low"], row["high"]) == pytest.approx((expected.value, expected.low, expected.high))
    row = table.loc[(papers.id, "cnn_dnn")]
    assert np.isnan(row["test"]) and np.isnan(row["last_test"])
    expected = wilson(row["validation"], len(load(papers.experiment.dataset).validation))
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


def test_top_five_and_balanced_are_those_of_the_images_that_judge():
    run = judged_run(seeds=(0,))
    stage = run.stage("global", 0)
    fives = {"validation_top5_accuracy": 0.7, "test_top5_accuracy": 0.8}
    stage.write_result({**stage.result(), **fives, "balanced_accuracy": 0.1, "test_balanced_accuracy": 0.2})
    row = strategy_table([run]).set_index("strategy").loc["global"]
    assert (row["top5"], row["balanced"]) == (0.8, 0.2)
    assert np.isnan(strategy_table([run]).set_index("strategy").loc["average", "top5"])


def test_equal_conditions_are_told():
    """Of six epochs each, transfer goes on from the third: 3 of the local networks, then its own."""
    settings = {"strategies": list(COMPARED_BY_KLAWONN), "transfer": {"start": 3}}
    table = strategy_table([judged_run(seeds=(0,), **settings)]).set_index("strategy")
    epochs = {name: tuple(row) for name, row in table[["epochs_as_one", "epochs"]].iterrows()}
    assert epochs["global"] == epochs["coherent"] == (EPOCHS, EPOCHS)
    assert epochs["average"] == epochs["majority"] == epochs["cnn_dnn"] == (0, EPOCHS)
    assert epochs["transfer"] == (EPOCHS, 3 + EPOCHS)


def test_work_is_the_share_of_the_global_networks():
    run = made_run()
    stage, data = run.stage("global", 0), load(run.experiment.dataset)
    images = 3 * len(data.train) + len(data.validation)
    whole = stage.result()["flops"] * EPOCHS * images
    stage.write_result({**stage.result(), "flops_by_rank": [whole / 4, whole / 4]})
    assert strategy_table([run]).set_index("strategy").loc["global", "work"] == pytest.approx(0.5)


def test_what_choosing_costs_is_a_mean_over_the_strategies():
    run = judged_run(seeds=(0,), strategies=["global", "average"])
    numbers = {"global": (0.90, 0.86, 0.85, 0.84), "average": (0.80, 0.78, 0.79, 0.78)}
    for name, (validation, test, last_validation, last_test) in numbers.items():
        stage = run.stage(name, 0)
        of_best = {"validation_accuracy": validation, "test_accuracy": test}
        of_last = {"last_validation_accuracy": last_validation, "last_test_accuracy": last_test}
        stage.write_result({**stage.result(), **of_best, **of_last})
    table = strategy_table([run])
    assert choosing(table) == pytest.approx((2, 0.03, 0.03, 0.01))
    sentence = choosing_in_words([run], table)
    sentence = sentence.replace("\u00a0", " ")
    assert "(2 strategies, mean)" in sentence
    assert "3.0 points better on the validation images, which chose it, than on the test images" in sentence
    assert "gains 3.0 points on validation images and gains 1.0 points on test images" in sentence
    assert "as in the papers" not in sentence


def test_what_may_be_chance_is_told_with_the_number_of_images():
    """Two independent binomials: drawn often, their distance stays below it in 95 of 100 cases."""
    rng = np.random.default_rng(0)
    apart = np.abs(rng.binomial(288, 0.95, 20_000) / 288 - rng.binomial(359, 0.95, 20_000) / 359)
    assert np.quantile(apart, 0.95) == pytest.approx(chance(0.95, 288, 359), rel=0.05)
    run = judged_run()
    sentence = choosing_in_words([run], strategy_table([run]))
    assert "Between 19 validation and 64 test images, a distance of" in sentence
    assert "Between" not in choosing_in_words([made_run()], strategy_table([made_run()]))


def test_where_those_that_chose_judge_it_is_told_with_what_to_set():
    papers, judged = made_run(), judged_run()
    assert "as in the papers" in choosing_in_words([papers], strategy_table([papers]))
    assert "Set dataset.test to official" in choosing_in_words([papers], strategy_table([papers]))
    papers.rename("as printed")
    both = choosing_in_words([judged, papers], strategy_table([judged, papers]))
    assert "What choosing costs" in both and "The validation images of as printed chose" in both


def test_who_keeps_the_last_epoch_has_chosen_nothing():
    run = made_run(experiment=made_experiment(training={"epochs": EPOCHS, "keep": "last"}))
    sentence = choosing_in_words([run], strategy_table([run]))
    assert sentence == "The last epoch counts, so that the validation images judge what they have not chosen."
    assert choosing_in_words([], strategy_table([])) == ""


def test_without_data_or_predictions_there_is_no_interval(tmp_path, monkeypatch):
    run = judged_run()
    (run.stage("average", 0).path / "predictions.npz").unlink()
    table = strategy_table([run]).set_index("strategy")
    assert np.isnan(table.loc["average", "low"]) and table.loc["average", "test"] > 0
    assert not np.isnan(table.loc["global", "low"])
    monkeypatch.setenv("DDLAB_HOME", str(tmp_path / "another"))
    assert judge_of(run).labels is None and decided_rightly(run, "global", [0], judge_of(run)) is None
    assert strategy_table([run])["low"].isna().all()


def test_decisions_about_other_images_are_not_compared():
    run = judged_run(seeds=(0,))
    stage = run.stage("global", 0)
    stage.write_predictions(test=np.zeros((5, 4)), test_decisions=np.zeros(5, int))
    assert decided_rightly(run, "global", [0], judge_of(run)) is None


def test_unequal_classes_are_those_of_the_images_that_judge():
    assert has_unequal_classes(made_experiment({"test": "official"}).dataset) is False  # nothing is decoded for it
    run = judged_run()
    counts = np.bincount(load(run.experiment.dataset).test.labels)
    assert has_unequal_classes(run.experiment.dataset) == (counts.max() > 1.5 * counts.min())
