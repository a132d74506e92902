"""A plan against counts by hand: costs, cuts, memory; and the sentence where there is no such pipeline."""

import math

import numpy as np
import pytest

from ddlab.analyses.pipeline.assumed import assumed, even_boxes
from ddlab.analyses.pipeline.plan import (
    Machines,
    bandwidth_of_ratio,
    memory_table,
    module_table,
    sub_layer_table,
    time_unit,
)
from ddlab.pipeline.methods import METHODS
from ddlab.pipeline.schedules import SCHEDULES
from tests.analyses.pipeline.counted import BANDWIDTH, BATCH, FLOPS, PARAMETERS, RATE, plan

NUMBERS = 4  # bytes of a number; with Adam a parameter has four of them


def test_costs_are_operations_over_the_rate_and_bytes_over_the_bandwidth():
    costs, images = plan().costs, BATCH / 3
    np.testing.assert_allclose(costs.forward, [images * flops / RATE for flops in FLOPS])
    np.testing.assert_allclose(costs.backward, np.multiply(2, costs.forward))
    np.testing.assert_allclose(costs.weight, costs.forward)
    np.testing.assert_allclose(costs.transfer, [images * NUMBERS * 8 / BANDWIDTH, images * NUMBERS * 4 / BANDWIDTH])
    assert plan().alone == pytest.approx(BATCH * 3 * sum(FLOPS) / RATE)
    np.testing.assert_allclose(plan().batch_costs.forward, np.multiply(3, costs.forward))
    assert plan(bandwidth=math.inf).costs.transfer == (0, 0) and plan(bandwidth=math.inf).ratio == 0


def test_every_sub_layer_and_every_module_has_a_row():
    rows, modules = sub_layer_table(plan()), module_table(plan())
    assert list(rows["sub_layer"]) == ["hidden", "hidden2", "classifier"] and list(rows["flops"]) == list(FLOPS)
    assert list(rows["module"]) == [0, 1, 2] and rows["share"].sum() == pytest.approx(1)
    assert list(modules["parameters"]) == list(PARAMETERS)
    assert list(modules["sent_bytes"]) == [NUMBERS * 8, NUMBERS * 4, 0]
    assert list(modules["activation_bytes"]) == [NUMBERS * kept for kept in (16 + 8, 8 + 4, 4 + 2)]


def test_modules_of_a_machine_are_dealt_in_turn():
    found = plan(1, schedule="interleaved", num_chunks=3)
    assert list(module_table(found)["rank"]) == [0, 0, 0] and found.num_modules == 3


def test_a_machine_holds_all_of_its_modules():
    rows = memory_table(plan(1, schedule="interleaved", num_chunks=3)).set_index("method")
    assert rows["weights"]["interleaved"] == NUMBERS * sum(PARAMETERS)


@pytest.mark.parametrize("schedule", ["1f1b", "zero_bubble"])
def test_another_unit_of_time_changes_nothing_else(schedule):
    asked = plan(schedule=schedule)
    seconds, thousandths = asked.simulation, asked.simulated_in(1000)
    assert thousandths.makespan == pytest.approx(1000 * seconds.makespan) and thousandths.costs.transfer[0] > 0
    assert thousandths.bubble == pytest.approx(seconds.bubble) and thousandths.kept_bytes == seconds.kept_bytes
    assert thousandths.sent_bytes == seconds.sent_bytes


def test_memory_is_counted_by_hand():
    """1F1B on three machines keeps 3, 2 and 1 micro-batches of 2 images; DDG whole batches and their weights."""
    table = memory_table(plan()).set_index(["method", "rank"])
    kept = [NUMBERS * (16 + 8), NUMBERS * (8 + 4), NUMBERS * (4 + 2)]
    for rank, micro_batches in enumerate((3, 2, 1)):
        row = table.loc["1f1b", rank]
        assert row["weights"] == row["gradients"] == row["optimizer"] / 2 == NUMBERS * PARAMETERS[rank]
        assert row["activations"] == micro_batches * 2 * kept[rank] and row["old_weights"] == 0
        assert row["total"] == 4 * NUMBERS * PARAMETERS[rank] + row["activations"]
        ddg, fdg, dsp = (table.loc[name, rank] for name in ("ddg", "fdg", "dsp"))
        delay = 2 - rank
        assert ddg["activations"] == (delay + 1) * BATCH * kept[rank]
        assert ddg["old_weights"] == delay * NUMBERS * PARAMETERS[rank]
        assert fdg["activations"] == (2 * delay + 1) * BATCH * kept[rank]
        inputs = NUMBERS * (16, 8, 4)[rank]
        assert dsp["activations"] == BATCH * (kept[rank] + 2 * delay * inputs) and dsp["old_weights"] == 0
    assert list(table.index.get_level_values(0).unique()) == ["1f1b", *METHODS]


def test_a_ratio_gives_the_bandwidth_that_has_it():
    own = plan()
    for ratio in (0.05, 1, 3):
        bandwidth = bandwidth_of_ratio(own.partition, RATE, ratio)
        assert plan(bandwidth=bandwidth).ratio == pytest.approx(ratio)
    assert math.isinf(bandwidth_of_ratio(own.partition, RATE, 0))
    assert math.isinf(bandwidth_of_ratio(plan(1).partition, RATE, 2))  # one machine has no link


def test_another_schedule_gets_as_many_modules_as_it_is_made_for():
    two = plan(1, schedule="interleaved", num_chunks=2)
    assert {name: two.by(name).num_chunks for name in SCHEDULES} == dict.fromkeys(SCHEDULES, 1) | {"interleaved": 2}
    assert plan(1).by("interleaved").num_chunks == 2


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: plan(4), "modules: must be at most the model's 3 sub-layers, got 4; choices: 1 to 3"),
        (lambda: plan(batch_size=7), "batch_size: must be a multiple of the 3 micro-batches, got 7; nearest: 6 or 9"),
        (lambda: plan(batch_size=2), "batch_size: must be a multiple of the 3 micro-batches, got 2; nearest: 3"),
        (lambda: plan(num_micro_batches=0), "num_micro_batches: must be at least 1, got 0"),
        (lambda: plan(schedule="gpip"), "schedule: unknown 'gpip'; did you mean 'gpipe'"),
        (lambda: plan(grouping="eqal"), "grouping: unknown 'eqal'; did you mean 'equal'"),
        (lambda: plan(1).by("interleaved").by("1f1c"), "schedule: unknown '1f1c'"),
        (lambda: plan(0), "number: must be at least 1 machine, got 0"),
        (lambda: plan(bandwidth=0), "bandwidth: must be bytes a second above 0, or infinite, got 0"),
        (lambda: Machines(1, math.inf), "rate: must be a number of operations a second above 0, got inf"),
        (lambda: bandwidth_of_ratio(plan().partition, RATE, -1), "ratio: must be a number from 0 on, got -1"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(made, sentence):
    with pytest.raises(ValueError) as error:
        made()
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(("seconds", "unit"), [(2, "s"), (0.5, "ms"), (2e-3, "ms"), (5e-6, "µs"), (5e-9, "ns")])
def test_times_are_told_in_a_unit_that_suits_them(seconds, unit):
    name, a_second = time_unit(seconds)
    assert name == unit and 1 <= seconds * a_second < 1000


@pytest.mark.parametrize(
    ("shape", "number", "grid"), [((32, 32), 6, (2, 3)), ((9,), 4, (4,)), ((8, 8, 4), 4, (2, 2, 1))]
)
def test_boxes_are_nearly_equal_and_cover_the_image(shape, number, grid):
    boxes = even_boxes(shape, number)
    assert len(boxes) == number
    for axis, cells in enumerate(grid):
        intervals = sorted({tuple(box[axis]) for box in boxes})
        assert len(intervals) == cells and intervals[0][0] == 0 and intervals[-1][1] == shape[axis]
        assert all(before[1] == after[0] for before, after in zip(intervals, intervals[1:], strict=False))
        sizes = [stop - start for start, stop in intervals]
        assert max(sizes) - min(sizes) <= 1


def test_an_image_of_fewer_pixels_than_boxes_is_refused():
    with pytest.raises(ValueError, match="machines: must be at most 3 along an axis of 3 px, got 5"):
        assumed({"model": {"name": "mlp"}}, (1, 3), 2, 5)
