"""Bytes a step against the formulas, and against what a run wrote down."""

import math

import pytest

from ddlab.analyses.communication import DATA_PARALLEL, communication_table, measured_communication
from ddlab.figures.cost import communication_bars
from ddlab.problem import pose
from ddlab.strategies import COMPARED_BY_KLAWONN
from ddlab.strategies.cnn_dnn import dnn
from tests.made_run import EPOCHS, made_experiment, made_run

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


def test_bars_are_logarithmic_and_nothing_is_called_nothing():
    table = communication_table(pose(experiment())).assign(measured=float("nan"))
    _, labels, _ = communication_bars(table, "title").data
    text = {name: label.strip() for name, label in zip(table["strategy"], labels.text, strict=True)}
    assert text["majority"] == "nothing" and text["coherent"] == "1.28 kB"
    assert min(labels.x) > 0
    alone = communication_bars(table[table["bytes"] == 0], "title")
    assert {label.strip() for label in alone.data[1].text} == {"nothing"}
