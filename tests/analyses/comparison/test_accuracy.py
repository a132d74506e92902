"""Strategy tables against numbers written by hand into run folders."""

import numpy as np
import pytest

from ddlab import files
from ddlab.analyses.comparison.accuracy import learning_curves, strategy_table
from ddlab.analyses.comparison.effort import effort_curves
from ddlab.analyses.comparison.identity import differing_settings
from ddlab.records import ANYTHING
from ddlab.registry.strategies import COMPARED_BY_KLAWONN
from ddlab.runs import RunFolder
from tests.made_run import EPOCHS, made_experiment, made_run


def test_means_and_standard_deviations_over_the_seeds():
    run = made_run(seeds=(0, 1, 2))
    values = (0.5, 0.6, 0.9)
    for seed, value in zip((0, 1, 2), values, strict=True):
        stage = run.stage("average", seed)
        stage.write_result({**stage.result(), "validation_accuracy": value})
    row = strategy_table([run]).set_index("strategy").loc["average"]
    assert row["seeds"] == 3
    assert row["validation"] == pytest.approx(2 / 3)
    assert row["validation_sd"] == pytest.approx(0.2081666)  # divided by n - 1


def test_wall_time_and_work_are_those_of_all_stages_that_a_strategy_needs():
    run = made_run()
    stages = {result["stage"]: result for result in run.results()}
    for name, flops in (("local", [7.0, 5.0]), ("cnn_dnn", [2.0, 0.0])):
        run.stage(name, 0).write_result({**stages[name], "flops_by_rank": flops})
    table = strategy_table([run]).set_index("strategy")
    assert table.loc["cnn_dnn", "seconds"] == pytest.approx(6.0 + 3.0)
    assert table.loc["global", "seconds"] == pytest.approx(20.0)
    assert table.loc["cnn_dnn", "rank_flops"] == 7.0 + 2.0


def test_table_and_effort_charts_agree_on_what_a_strategy_takes():
    """Transfer takes half of the local networks' epochs where it starts halfway, here as there."""
    run = made_run(experiment=made_experiment(strategies=list(COMPARED_BY_KLAWONN), transfer={"start": EPOCHS // 2}))
    table = strategy_table([run]).set_index("strategy")
    assert table.loc["transfer", "seconds"] == pytest.approx(6.0 / 2 + 8.0)
    charts = effort_curves(run).groupby("strategy")["rank_flops"].max()
    np.testing.assert_allclose(table["rank_flops"], charts[table.index])


def test_one_seed_has_no_standard_deviation_and_a_running_run_no_row_for_what_is_not_done():
    table = strategy_table([made_run("running")]).set_index("strategy")
    assert "cnn_dnn" not in table.index
    assert np.isnan(table.loc["average", "validation_sd"])


def test_run_of_a_newer_ddlab_keeps_its_place_beside_another():
    runs = [made_run(), made_run()]
    path = runs[1].path / "experiment.json"
    files.write_sealed(path, {**ANYTHING.read(path), "schema": 99})
    table = strategy_table([runs[0], RunFolder(runs[1].path)]).set_index(["run_id", "strategy"])
    old, new = (table.loc[(run.id, "average")] for run in runs)
    assert old["validation"] == new["validation"] and np.isnan(new["seconds"]) and not np.isnan(old["seconds"])


def test_no_run_and_a_queued_run_give_an_empty_table():
    assert strategy_table([]).empty
    assert strategy_table([made_run("queued")]).empty


def test_settings_that_differ_become_columns():
    first = made_run("queued", made_experiment())
    second = made_run("queued", made_experiment(decomposition={"grid": [4, 4]}, seeds=[3]))
    differing = differing_settings([first, second])
    assert list(differing.columns) == ["decomposition.grid"]
    assert list(differing["decomposition.grid"]) == ["2×2", "4×4"]
    assert differing_settings([first]).columns.empty


def test_differing_settings_stand_in_the_strategy_table():
    runs = [made_run(experiment=made_experiment(training={"epochs": epochs})) for epochs in (6, 7)]
    table = strategy_table(runs)
    assert set(table["training.epochs"]) == {6, 7}
    assert len(table) == 8


def test_curves_count_subdomains_from_one():
    curves = learning_curves(made_run(seeds=(0, 1)))
    assert len(curves) == 2 * EPOCHS * (1 + 4 + 1)
    assert set(curves.loc[curves["stage"] == "local", "subdomain"]) == {1, 2, 3, 4}
    assert set(curves.loc[curves["stage"] == "global", "subdomain"]) == {0}
    assert learning_curves(made_run("queued")).empty


def test_what_an_older_ddlab_did_not_know_of_is_no_difference():
    runs = [made_run("queued") for _ in range(2)]
    path = runs[0].path / "experiment.json"
    tree = ANYTHING.read(path)
    del tree["experiment"]["dataset"]["test"]
    files.write_sealed(path, tree)
    assert differing_settings([RunFolder(runs[0].path), runs[1]]).columns.empty
