"""Schedules side by side: one network for all of them, a reason where there is none, speed-up against m."""

import numpy as np
import pytest

from ddlab.analyses.pipeline.schedules import schedule_table, simulate_network, speed_up_table
from ddlab.pipeline import theory
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import SCHEDULES

HALVES = Costs((0.5,) * 8, (1.0,) * 8, (0.5,) * 8, (0,) * 7, (100,) * 8, (10,) * 7)  # two of them make a rank


def test_a_row_a_schedule_with_its_numbers():
    table = schedule_table(HALVES, 4, 8).set_index("schedule")
    assert list(table.index) == list(SCHEDULES) and set(table["reason"]) == {""}
    bubbles = [0.75, theory.flush_bubble(4, 8), theory.flush_bubble(4, 8), theory.interleaved_bubble(4, 8, 2)]
    np.testing.assert_allclose(table["bubble"], [*bubbles, theory.zero_bubble_share(4, 8, 1, 2, 1)])
    np.testing.assert_allclose(table["makespan"] * (1 - table["bubble"]), 24)
    np.testing.assert_allclose(table["speed_up"], 4 * (1 - table["bubble"]))
    np.testing.assert_allclose(table["over_sequential"], table["speed_up"])  # as nothing is transferred
    np.testing.assert_allclose(table["kept"], [1, 8, 4, 5.5, 4])
    np.testing.assert_allclose(table["kept_bytes"], 200 * table["kept"])
    np.testing.assert_allclose(table["sent_bytes"], [480, 480, 480, 1120, 480])


def test_the_papers_speed_up_is_over_the_sequential_schedule_with_its_transfers():
    table = schedule_table(Costs.uniform(4, 1, 1, 1), 4, 4).set_index("schedule")
    assert table["makespan"].to_dict()["1f1b"] == 24 and table["over_sequential"]["sequential"] == 1
    assert table["over_sequential"]["1f1b"] == (4 * (4 * 2 + 2 * 3)) / 24 and table["speed_up"]["1f1b"] == 32 / 24
    assert table[["kept_bytes", "sent_bytes"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("modules", "batches", "reason"), [(4, 8, "num_chunks: must"), (8, 6, "num_micro_batches: must")]
)
def test_a_schedule_that_does_not_fit_says_why(modules, batches, reason):
    table = schedule_table(Costs.uniform(modules, 1, 1), 4, batches).set_index("schedule")
    assert table["reason"]["interleaved"].startswith(reason) and np.isnan(table["makespan"]["interleaved"])
    assert (table["reason"].drop("interleaved") == "").all()


def test_speed_up_against_micro_batches():
    table = speed_up_table(HALVES, 4, [8, 1, 2, 4, 6, 8])
    counts = {name: list(rows["micro_batches"]) for name, rows in table.groupby("schedule", sort=False)}
    assert counts == dict.fromkeys(SCHEDULES, [1, 2, 4, 6, 8]) | {"interleaved": [4, 8]}
    plain = table[table["schedule"].isin(["gpipe", "1f1b"])]
    np.testing.assert_allclose(plain["speed_up"], plain["ideal"])
    np.testing.assert_allclose(plain["speed_up"], 4 * plain["micro_batches"] / (plain["micro_batches"] + 3))
    assert (table.loc[table["schedule"] == "sequential", "speed_up"] == 1).all()


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: schedule_table(HALVES, 3, 4), "num_ranks: must divide the 8 modules, got 3"),
        (lambda: schedule_table(HALVES, 0, 4), "num_ranks: must divide the 8 modules, got 0"),
        (lambda: schedule_table(HALVES, 4, 0), "num_micro_batches: must be at least 1, got 0"),
        (lambda: speed_up_table(HALVES, 4, [4, 0]), "num_micro_batches: must be at least 1, got 0"),
        (lambda: speed_up_table(HALVES, 0, [4]), "num_ranks: must be at least 1, got 0"),
        (lambda: speed_up_table(HALVES, 3, [4]), "num_ranks: must divide the 8 modules, got 3"),
        (lambda: simulate_network("1f1", HALVES, 4, 4), "schedule: unknown '1f1'; did you mean '1f1b'"),
    ],
)
def test_what_cannot_be_is_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()
