"""Three ways to use machines against counts by hand, and in their limits: one machine, and free transfers."""

import math

import numpy as np
import pytest

from ddlab.analyses.pipeline.assumed import assumed
from ddlab.analyses.pipeline.ways import WAYS, busiest_rank, ring_share, way_of, ways_table
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.cnn_dnn import dnn
from tests.analyses.pipeline.counted import BANDWIDTH, BATCH, CLASSES, FLOPS, MODEL, PARAMETERS, RATE, SAMPLE, plan

WORK = 3 * BATCH * sum(FLOPS)  # of a step: a backward pass is two forward passes
LOCAL = 2 * (8 * 8 + 8 * 4 + 4 * 2)  # forward, of a network on half of the image, not reduced
LOCAL_PARAMETERS = 8 * 8 + 8 + 36 + 10
NUMBER = 4  # bytes


def ways(number=2, **changes):
    return ways_table(MODEL, plan(**changes), [number]).set_index("strategy")


def test_cutting_the_images_by_hand():
    table = ways()
    average, coherent = table.loc["average"], table.loc["coherent"]
    assert average["seconds"] == pytest.approx(3 * BATCH * LOCAL / RATE) and average["bytes"] == 0
    payload = NUMBER * 2 * CLASSES * BATCH  # N·K outputs of every image, of which each of two machines has a half
    assert coherent["busiest_bytes"] == payload / 2 and coherent["bytes"] == payload
    assert coherent["seconds"] == pytest.approx(average["seconds"] + payload / 2 / BANDWIDTH)
    kept = NUMBER * (8 + 8 + 4 + 2)
    assert average["memory"] == 4 * NUMBER * LOCAL_PARAMETERS + BATCH * kept
    common = dnn(assumed({"model": MODEL}, SAMPLE, CLASSES, 2))
    shared = 4 * NUMBER * common.parameters() + BATCH * NUMBER * common.activations()
    assert coherent["memory"] == average["memory"] + shared


def test_cutting_the_data_by_hand():
    gradient = NUMBER * sum(PARAMETERS)
    for number, images in ((2, 3), (4, 2), (5, 2)):  # of a batch of 6 the busiest machine has so many
        row = ways(number).loc["global"]
        sent = 2 * (number - 1) / number * gradient
        assert row["busiest_bytes"] == pytest.approx(sent) and row["bytes"] == pytest.approx(number * sent)
        assert row["seconds"] == pytest.approx(WORK * images / BATCH / RATE + sent / BANDWIDTH)
        assert row["memory"] == 4 * gradient + images * NUMBER * (16 + 8 + 4 + 2)


def test_apts_sums_more_and_works_more():
    table = ways(bandwidth=math.inf)
    whole, apts = table.loc["global"], table.loc["apts"]
    assert apts["bytes"] == 3 * whole["bytes"] and apts["seconds"] > 2 * whole["seconds"]


def test_cutting_the_layers_is_the_plan():
    row = ways(3).loc["1f1b"]
    assert row["seconds"] == plan().simulation.makespan and row["bytes"] == 2 * BATCH * NUMBER * (8 + 4)
    assert row["busiest_bytes"] == busiest_rank(plan()) == BATCH * NUMBER * (8 + 4)  # the one in the middle
    assert row["way"] == "layers" and row["title"] == "Pipeline, 1F1B"


def test_one_machine_is_the_same_machine_whichever_way():
    table = ways(1)
    assert (table["bytes"] == 0).all() and (table["busiest_bytes"] == 0).all()
    np.testing.assert_allclose(table["seconds"].drop("apts"), WORK / RATE)


@pytest.mark.parametrize("number", [2, 3])
def test_free_transfers_leave_the_work_alone(number):
    table, dear = ways(number, bandwidth=math.inf), ways(number)
    assert table["seconds"]["global"] == WORK / number / RATE
    assert table["seconds"]["coherent"] == table["seconds"]["average"] == dear["seconds"]["average"]
    assert (dear["bytes"] == table["bytes"]).all()
    slower = ["coherent", "global", "apts", "1f1b"]
    assert (dear["seconds"] > table["seconds"])[slower].all()


def test_what_cannot_be_says_why():
    table = ways(4)
    assert table["reason"]["1f1b"].startswith("modules: must be at most the model's 3 sub-layers, got 4")
    assert np.isnan(table["seconds"]["1f1b"]) and (table["reason"].drop("1f1b") == "").all()
    many = ways(32)
    assert many["reason"]["average"].startswith("machines: must be at most 4 along an axis of 4 px")
    assert list(many["way"]) == ["images", "images", "data", "data", "layers"]
    assert many["seconds"]["global"] > 0  # whose images are not cut


def test_every_strategy_says_which_way_it_is():
    assert {way_of(name) for name in STRATEGIES} == set(WAYS)


def test_shares_of_a_ring():
    assert [ring_share(number, both_ways=True) for number in (1, 2, 4)] == [0, 1, 1.5]
    assert [ring_share(number, both_ways=False) for number in (1, 2, 4)] == [0, 0.5, 0.75]
