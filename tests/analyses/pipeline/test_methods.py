"""Everything side by side: the numbers are those of simulation, iterations and memory, and say what is exact."""

import math

import numpy as np
import pytest

from ddlab.analyses.pipeline.methods import KINDS, method_table, micro_batch_counts, speed_ups
from ddlab.analyses.pipeline.plan import memory_table
from ddlab.pipeline.methods import METHODS
from ddlab.pipeline.schedules import SCHEDULES
from tests.analyses.pipeline.counted import BANDWIDTH, BATCH, FLOPS, RATE, plan


def test_times_and_idle_shares_by_hand():
    """Without transfers; the first layer takes 256 of 336 operations forward, and twice as many back."""
    table = method_table(plan(bandwidth=math.inf)).set_index("name")
    forward = BATCH * np.array(FLOPS) / RATE
    seconds = table["seconds"]
    whole = 3 * forward.sum()
    assert list(seconds[["sequential", "backpropagation"]]) == pytest.approx([whole, whole])
    assert seconds["ddg"] == pytest.approx(max(forward[: k + 1].sum() + 2 * forward[k] for k in range(3)))
    assert seconds["fdg"] == pytest.approx(3 * forward[0])
    assert seconds["dsp"] == pytest.approx(4 * forward[0])
    np.testing.assert_allclose(table["speed_up"], whole / seconds)
    exact = table.drop("dsp")
    np.testing.assert_allclose(exact["bubble"], 1 - whole / (3 * exact["seconds"]))
    again = forward[0] + forward[1]  # the last module has no second forward pass
    assert table["bubble"]["dsp"] == pytest.approx(1 - (whole + again) / (3 * seconds["dsp"]))


def test_transfers_make_training_in_sequence_longer():
    hops = 2 * BATCH * 4 * (8 + 4)  # bytes there and back
    free, table = (method_table(plan(bandwidth=width)).set_index("name") for width in (math.inf, BANDWIDTH))
    for name in ("sequential", "backpropagation"):
        assert table["seconds"][name] - free["seconds"][name] == pytest.approx(hops / BANDWIDTH)
    assert (table["bytes"].drop("interleaved") == hops).all()


def test_staleness_and_weights_of_then():
    table = method_table(plan()).set_index("name")
    assert table["staleness"][list(METHODS)].to_dict() == {"backpropagation": 0, "ddg": 2, "fdg": 4, "dsp": 4}
    assert table["weight_versions"][list(METHODS)].to_dict() == {"backpropagation": 1, "ddg": 3, "fdg": 5, "dsp": 1}
    assert (table["kind"] == KINDS[0]).equals(table["staleness"].fillna(0) == 0)
    memory = memory_table(plan()).groupby("method")["total"].max()
    for name in ("1f1b", *METHODS):
        assert table["memory"][name] == memory[name]


def test_what_is_not_possible_says_why_and_the_others_stay():
    table = method_table(plan()).set_index("name")
    assert list(table.index) == [*SCHEDULES, *METHODS]
    assert table["reason"]["interleaved"].startswith("modules: must be at most the model's 3 sub-layers, got 6")
    assert np.isnan(table["seconds"]["interleaved"]) and table.drop("interleaved")["seconds"].notna().all()
    assert (table[["trades", "reference"]] != "").all(axis=None)


def test_speed_ups_of_the_plan_are_those_of_its_simulation():
    table = speed_ups(plan(), [1, 3, 6])
    here = table[(table["schedule"] == "1f1b") & (table["micro_batches"] == 3)]
    assert here["speed_up"].item() == pytest.approx(plan().simulation.speed_up)
    assert set(table["schedule"]) == set(SCHEDULES) - {"interleaved"}  # for which three layers are too few
    chunks = speed_ups(plan(1, schedule="interleaved", num_chunks=3), [4])
    assert set(chunks["schedule"]) == set(SCHEDULES) and chunks["speed_up"].to_numpy() == pytest.approx(1)


def test_the_papers_point_and_the_chosen_one_are_among_the_numbers():
    assert {1, 2, 3, 4, 6, 7, 8, 9, 12, 64} <= set(micro_batch_counts(3, 7)) <= set(range(1, 65))
    assert max(micro_batch_counts(16, 96)) == 96
