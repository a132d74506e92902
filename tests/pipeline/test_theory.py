"""The simulator against formulas: Akintoye et al. (11) to (13), the published bubbles, and what is kept and sent."""

from itertools import product

import pytest

from ddlab.pipeline import theory
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import make_schedule
from ddlab.pipeline.simulation import simulate

PLAIN = ("gpipe", "1f1b")


def uniform(name, ranks, batches, *times, chunks=1, weight=None):
    """A rank's times; its modules share them."""
    forward, backward, transfer = (*times, 0)[:3]
    part = weight if weight is None else weight / chunks
    costs = Costs.uniform(ranks * chunks, forward / chunks, backward / chunks, transfer, part)
    return simulate(make_schedule(name, ranks, batches, chunks), costs)


# ---- Akintoye et al.


def test_the_simulation_equals_equation_12_where_it_is_exact():
    for ranks, name in product(range(1, 65), PLAIN):
        found = uniform(name, ranks, ranks, 1, 1)
        assert found.makespan == theory.overlapped_time(ranks, 1, 1) == 2 * (2 * ranks - 1)
        assert found.bubble == pytest.approx((ranks - 1) / (2 * ranks - 1))


NOTES = [  # n, T_F, T_B, T_C; (12); simulated GPipe and 1F1B; S of (13) and with 1F1B
    (2, 1, 1, 0, 6, 6, 6, 1.333, 1.333),
    (4, 1, 1, 0, 14, 14, 14, 2.286, 2.286),
    (8, 1, 1, 0, 30, 30, 30, 4.267, 4.267),
    (4, 1, 2, 0, 24, 21, 21, 2.000, 2.286),
    (8, 1, 2, 0, 52, 45, 45, 3.692, 4.267),
    (4, 1, 1, 1, 22, 20, 24, 2.909, 2.667),
    (8, 1, 1, 1, 46, 44, 56, 5.565, 4.571),
    (4, 1, 1, 0.1, 14.8, 14.6, 15.0, 2.378, 2.347),
]


@pytest.mark.parametrize("row", NOTES)
def test_table_of_the_notes(row):
    ranks, *times, overlapped, gpipe, one_each, speed_up, speed_up_one_each = row
    assert theory.overlapped_time(ranks, *times) == pytest.approx(overlapped, abs=1e-12)
    assert uniform("gpipe", ranks, ranks, *times).makespan == pytest.approx(gpipe, abs=1e-12)
    found = uniform("1f1b", ranks, ranks, *times).makespan
    assert found == pytest.approx(one_each, abs=1e-12)
    assert theory.overlap_speed_up(ranks, *times) == pytest.approx(speed_up, abs=5e-4)
    assert theory.sequential_time(ranks, *times) / found == pytest.approx(speed_up_one_each, abs=5e-4)


@pytest.mark.parametrize("times", [(1, 2), (2, 1), (1, 5), (3, 1)])
def test_equation_12_is_too_long_by_the_difference_of_the_passes(times):
    for ranks, name in product(range(1, 10), PLAIN):
        excess = theory.overlapped_time(ranks, *times) - uniform(name, ranks, ranks, *times).makespan
        assert excess == (ranks - 1) * abs(times[0] - times[1])


def test_equation_11_counts_one_transfer_each_way_too_many():
    for ranks, (forward, backward, transfer) in product(range(1, 8), [(1, 1, 0), (1, 2, 1), (2, 1, 3)]):
        found = uniform("sequential", ranks, ranks, forward, backward, transfer).makespan
        paper = theory.sequential_time(ranks, forward, backward, transfer)
        assert paper - found == 2 * ranks * transfer


def test_transfers_in_closed_form():
    """GPipe shows those of its two ramps; 1F1B with m = n those of its turns, 2(n - 2), as well."""
    for ranks, batches, transfer in product(range(1, 8), range(1, 12), (0.5, 1, 3)):
        work = 3 * (batches + ranks - 1)
        assert uniform("gpipe", ranks, batches, 1, 2, transfer).makespan == work + 2 * (ranks - 1) * transfer
    for ranks, transfer in product(range(2, 10), (0.25, 0.5, 1, 2)):
        found = uniform("1f1b", ranks, ranks, 1, 1, transfer).makespan
        assert found == 2 * (2 * ranks - 1) + (4 * ranks - 6) * transfer


@pytest.mark.parametrize("ranks", [1, 2, 3, 8, 64])
def test_identities_of_the_speed_up(ranks):
    for ratio in (0, 0.1, 1, 7):
        closed = ranks**2 * (1 + ratio) / (ranks * (1 + ratio) + ranks - 1)
        assert theory.overlap_speed_up(ranks, 3, 3, 3 * ratio) == pytest.approx(closed)
    assert theory.overlap_speed_up(ranks, 1, 1) == theory.overlap_limit(ranks) == theory.pipeline_speed_up(ranks, ranks)
    assert theory.overlap_speed_up(ranks, 1, 1, 1e9) == pytest.approx(ranks)
    assert theory.pipeline_speed_up(ranks, 10**9) == pytest.approx(ranks)
    assert theory.overlap_limit(ranks) <= (ranks + 1) / 2
    for batches in (1, 3, 50):
        speed_up, bubble = theory.pipeline_speed_up(ranks, batches), theory.flush_bubble(ranks, batches)
        assert speed_up == pytest.approx(ranks * (1 - bubble))
        assert theory.interleaved_bubble(ranks, batches, 1) == bubble


# ---- bubbles


@pytest.mark.parametrize("times", [(1, 1), (1, 2), (2, 1), (0.5, 3)])
def test_gpipe_and_1f1b_are_idle_as_published(times):
    for ranks, batches, name in product(range(1, 7), range(1, 10), PLAIN):
        found = uniform(name, ranks, batches, *times)
        assert found.bubble == pytest.approx(theory.flush_bubble(ranks, batches))
        assert found.speed_up == pytest.approx(theory.pipeline_speed_up(ranks, batches))
        assert found.idle_shares == pytest.approx([found.bubble] * ranks)


@pytest.mark.parametrize("times", [(1, 1), (1, 2), (3, 1), (1, 3)])
def test_interleaved_is_idle_as_published(times):
    for ranks, rounds, chunks in product(range(1, 7), range(1, 5), range(2, 5)):
        found = uniform("interleaved", ranks, ranks * rounds, *times, chunks=chunks)
        assert found.bubble == pytest.approx(theory.interleaved_bubble(ranks, ranks * rounds, chunks))


# Forward pass, whole backward pass, weights: T_W ≤ T_F and T_W ≤ T_B - T_W
ZERO_BUBBLE = [(1, 2, 1), (1, 3, 1), (2, 2, 1), (3, 2, 1), (1, 1.5, 0.5), (1, 4, 1), (5, 5, 2), (1, 1, 0)]


@pytest.mark.parametrize("times", ZERO_BUBBLE)
def test_zero_bubble_is_idle_as_published(times):
    forward, backward, weight = times
    for ranks in range(1, 9):
        for batches in range(ranks, 2 * ranks + 5):
            found = uniform("zero_bubble", ranks, batches, forward, backward, weight=weight)
            idle = theory.zero_bubble_idle(ranks, *times)
            assert found.makespan == pytest.approx(batches * (forward + backward) + idle)
            assert found.bubble == pytest.approx(theory.zero_bubble_share(ranks, batches, *times))


def test_zero_bubble_is_idle_a_third_of_1f1b_where_all_passes_are_equal():
    for ranks in range(2, 8):
        plain, apart = (uniform(name, ranks, 2 * ranks, 1, 2, weight=1) for name in ("1f1b", "zero_bubble"))
        assert apart.bubble * apart.makespan == pytest.approx(plain.bubble * plain.makespan / 3)


@pytest.mark.parametrize(("batches", "times"), [(4, (1, 3, 2)), (4, (1, 5, 2)), (2, (1, 2, 1))])
def test_the_published_idle_time_of_zero_bubble_is_too_short_outside_its_conditions(batches, times):
    """T_W > T_B - T_W, T_W > T_F and m < n, one each; n = 4."""
    forward, backward, weight = times
    found = uniform("zero_bubble", 4, batches, forward, backward, weight=weight)
    assert found.makespan > batches * (forward + backward) + theory.zero_bubble_idle(4, *times)


def test_one_rank_is_never_idle():
    for name in ("sequential", "gpipe", "1f1b", "zero_bubble"):
        assert uniform(name, 1, 5, 1, 2, 9).bubble == 0
    assert uniform("interleaved", 1, 5, 1, 2, 9, chunks=3).bubble == pytest.approx(0)


# ---- memory and bytes


def test_what_ranks_keep():
    for ranks, batches in product(range(1, 7), range(1, 13)):
        kept = {name: uniform(name, ranks, batches, 1, 2).kept for name in ("sequential", *PLAIN, "zero_bubble")}
        assert kept["sequential"] == (1,) * ranks and kept["gpipe"] == (batches,) * ranks
        assert kept["1f1b"] == tuple(min(batches, ranks - rank) for rank in range(ranks))
        assert kept["zero_bubble"] == (min(batches, ranks),) * ranks  # Qi et al., Table 2


def test_what_the_first_rank_keeps_in_interleaved():
    for ranks, rounds, chunks in product(range(1, 7), range(2, 5), range(2, 5)):
        found = uniform("interleaved", ranks, ranks * rounds, 1, 2, chunks=chunks)
        assert found.kept[0] == max(found.kept) == pytest.approx(theory.interleaved_kept(ranks, chunks))


def test_bytes_kept_and_sent():
    times = ((1,) * 4,) * 2 + ((0.5,) * 4, (0,) * 3)
    costs = Costs(*times, activation_bytes=(100, 10, 1, 1000), hop_bytes=(5, 6, 7))
    plain, several = simulate(make_schedule("1f1b", 4, 8), costs), simulate(make_schedule("gpipe", 2, 3, 2), costs)
    assert plain.kept_bytes == (400, 30, 2, 1000) and plain.sent_bytes == 2 * 8 * 18
    assert several.kept_bytes == (303, 3030) and several.sent_bytes == 2 * 3 * 18
    assert simulate(make_schedule("gpipe", 1, 3, 4), costs).sent_bytes == 0
    unknown = simulate(make_schedule("1f1b", 4, 8), Costs.uniform(4, 1, 1))
    assert unknown.kept_bytes == () and unknown.sent_bytes is None


@pytest.mark.parametrize(("name", "chunks"), [("interleaved", 3), ("zero_bubble", 1), ("gpipe", 3), ("sequential", 3)])
def test_the_most_that_is_kept_is_that_of_some_time(name, chunks):
    """Counted from times instead of orders, with modules of unequal sizes."""
    sizes = (700, 5, 40, 3, 200, 1)[: 2 * chunks]
    count = len(sizes)
    costs = Costs((1,) * count, (2,) * count, (1,) * count, (0.5,) * (count - 1), activation_bytes=sizes)
    found = simulate(make_schedule(name, 2, 6, chunks), costs)
    last = "W" if found.schedule.weights_apart else "B"
    for rank, order in enumerate(found.schedule.orders):
        spans = [(found.starts[a], found.ends[a._replace(kind=last)], sizes[a.module]) for a in order if a.kind == "F"]
        most = max(sum(size for start, end, size in spans if start <= now < end) for now, _, _ in spans)
        assert found.kept_bytes[rank] == most


def test_tables_of_a_simulation():
    found = uniform("1f1b", 2, 2, 1, 2)
    rows = found.action_table()
    assert list(rows.itertuples(index=False, name=None))[:4] == [
        (0, "F", 0, 0, 0.0, 1.0),
        (0, "F", 0, 1, 1.0, 2.0),
        (1, "F", 1, 0, 1.0, 2.0),
        (1, "B", 1, 0, 2.0, 4.0),
    ]
    assert len(rows) == 8 and rows["start"].is_monotonic_increasing and rows["end"].max() == found.makespan == 9
    gaps = list(found.idle_table().itertuples(index=False, name=None))
    assert gaps == [(0, 2, 4), (0, 6, 7), (1, 0, 1), (1, 7, 9)]
