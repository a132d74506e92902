"""Bytes a step against the formulas, and against what a run wrote down."""

import math

import pytest

from ddlab.analyses.comparison.communication import DATA_PARALLEL, communication_table, measured_communication
from ddlab.experiment import Experiment
from ddlab.figures.comparison.cost import communication_bars
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.registry.strategies import COMPARED_BY_APTS, COMPARED_BY_KLAWONN, STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.execute import execute
from ddlab.strategies.global_network import gradient_bytes
from tests import made_trust_region
from tests.made_run import EPOCHS, made_experiment, made_run
from tests.made_trust_region import made_trust_region_run, step

TRAINING = {"epochs": EPOCHS, "batch_size": 20}  # of 96 images: 5 steps an epoch


def experiment(**training):
    return made_experiment(strategies=list(COMPARED_BY_KLAWONN), training=TRAINING | training)


@pytest.mark.parametrize(("precision", "number"), [("float32", 4), ("bfloat16", 4), ("float64", 8)])
def test_payloads_are_those_of_the_formulas(precision, number):
    problem = pose(experiment(precision=precision))
    table = communication_table(problem).set_index("strategy")["bytes"]
    assert table["coherent"] == table["transfer"] == 4 * 4 * 20 * number  # N, K, batch
    assert table["global"] == number * problem.global_network.parameters()
    parts = [*problem.local_networks, dnn(problem)]
    assert table[DATA_PARALLEL] == number * sum(network.parameters() for network in parts)
    assert (table[["average", "majority", "cnn_dnn"]] == 0).all()


@pytest.mark.parametrize("mode", ["paper", "released"])
@pytest.mark.parametrize("global_pass", [True, False])
def test_payloads_of_methods_with_a_trust_region_are_those_that_their_steps_count(home, mode, global_pass):
    """From the second epoch on: in its first step APTS cannot yet know a gradient. No trial is rejected."""
    settings = {"strategies": list(COMPARED_BY_APTS), "dataset.name": "digits", "dataset.train_images": 100}
    settings |= {"dataset.validation_images": 50, "model.name": "mlp", "model.width": 0.05, "training.batch_size": 50}
    settings |= {"training.epochs": 2, "trust_region.order": 1, "trust_region.radius": 0.001}
    run = RunFolder.create(Experiment().with_settings({**settings, "apts.mode": mode, "apts.global_pass": global_pass}))
    records = []
    execute(run, Ranks(), records.append, lambda: None)
    problem = pose(run.experiment)
    table = communication_table(problem).set_index("strategy")["bytes"]
    assert set(table.index) == set(COMPARED_BY_APTS) and (table > 0).all()
    for strategy, sent in table.items():
        first, second = (record for record in records if record["stage"] == strategy)
        vectors, steps = second["vectors"] - first["vectors"], 1 if strategy == "apts" else 2
        assert sent == vectors / steps * gradient_bytes(problem), strategy


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_of_every_strategy_it_is_said_what_ranks_send(strategy):
    """Nothing is said only of those whose ranks have nothing to tell each other."""
    settings = {"strategies": [strategy], "model": {"name": "cnn", "width": 1.0, "reduction": "1/N"}}
    settings["decomposition"] = {"grid": [2, 2]}
    table = communication_table(pose(made_experiment(**settings))).set_index("strategy")
    alone = {"average", "majority", "cnn_dnn", "composed_untrained"}
    assert (table.loc[strategy, "sends"] == "nothing") == (table.loc[strategy, "bytes"] == 0) == (strategy in alone)


def test_without_a_coherent_model_there_is_nothing_to_compare_it_with():
    assert DATA_PARALLEL not in set(communication_table(pose(made_experiment()))["strategy"])


def test_what_a_run_counted_is_told_a_step_and_only_where_there_were_several_ranks():
    run = made_run(experiment=experiment())
    assert measured_communication(run)["measured"].isna().all()
    for name, sent in (("coherent", 9000), ("cnn_dnn", 0)):
        result = run.stage(name, 0).result()
        run.stage(name, 0).write_result(result | {"flops_by_rank": [1.0, 1.0], "bytes_sent": sent})
    table = measured_communication(run).set_index("strategy")["measured"]
    assert table["coherent"] == 9000 / (EPOCHS * 5)
    assert table["cnn_dnn"] == 0 and math.isnan(table["global"])


def test_a_step_of_a_method_with_a_trust_region_is_one_that_it_took():
    """Minibatches of the training say nothing of APTS, which takes all images in every step."""
    run = made_trust_region_run(steps=[step(0.1)], training={"epochs": made_trust_region.EPOCHS, "batch_size": 48})
    any_result = made_run().stage("global", 0).result()
    for strategy in ("apts", "adam"):
        sent = {"flops_by_rank": [1.0, 1.0], "bytes_sent": 900 * made_trust_region.EPOCHS}
        run.stage(strategy, 0).write_result(any_result | {"stage": strategy, "seed": 0, **sent})
    measured = measured_communication(run).set_index("strategy")["measured"]
    assert measured["apts"] == 900 and measured["adam"] == 900 / 2  # 96 images


def test_bars_are_logarithmic_and_nothing_is_called_nothing():
    table = communication_table(pose(experiment())).assign(measured=float("nan"))
    _, labels, _ = communication_bars(table, "title").data
    text = {name: label.strip() for name, label in zip(table["strategy"], labels.text, strict=True)}
    assert text["majority"] == "nothing" and text["coherent"] == "1.28\u00a0kB"
    assert min(labels.x) > 0
    alone = communication_bars(table[table["bytes"] == 0], "title")
    assert {label.strip() for label in alone.data[1].text} == {"nothing"}
