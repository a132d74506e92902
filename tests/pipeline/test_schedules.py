"""Schedules: every action once, what each needs before it, and a sentence for numbers that a schedule is not for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import SCHEDULES, Action, Schedule, make_schedule
from ddlab.pipeline.simulation import simulate

TIMES = st.floats(0, 10).map(lambda time: round(time, 3))


@st.composite
def simulated(draw):
    """Any schedule with any times, of which one is above 0."""
    name = draw(st.sampled_from(sorted(SCHEDULES)))
    entry = SCHEDULES[name]
    ranks, rounds = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    batches = ranks * max(1, rounds // ranks) if entry.whole_rounds else rounds
    chunks = draw(st.integers(entry.least_chunks, entry.most_chunks or 3))
    modules = ranks * chunks
    forward, backward = (draw(st.lists(TIMES, min_size=modules, max_size=modules)) for _ in "FB")
    forward[0] += 0.001
    shares = draw(st.lists(st.floats(0, 1), min_size=modules, max_size=modules))
    weight = [share * whole for share, whole in zip(shares, backward, strict=True)]
    hops = draw(st.lists(TIMES, min_size=modules - 1, max_size=modules - 1))
    return simulate(make_schedule(name, ranks, batches, chunks), Costs(*map(tuple, (forward, backward, weight, hops))))


@settings(deadline=None, max_examples=200)
@given(simulated())
def test_every_action_happens_once_after_what_it_needs(found):
    schedule, costs = found.schedule, found.costs
    kinds = "FBW" if schedule.weights_apart else "FB"
    every = {
        (kind, module, batch)
        for kind in kinds
        for module in range(schedule.num_modules)
        for batch in range(schedule.num_micro_batches)
    }
    done = [action for order in schedule.orders for action in order]
    assert len(done) == len(every) and set(done) == every == set(found.ends)

    def after(earlier, later, wait=0.0):
        assert found.starts[later] >= found.ends[earlier] + wait

    def hop(module):  # the paper: micro-batch by micro-batch from rank to rank
        return costs.transfer[module] if module % schedule.num_ranks != (module + 1) % schedule.num_ranks else 0.0

    for batch in range(schedule.num_micro_batches):
        for module in range(schedule.num_modules):
            after(("F", module, batch), ("B", module, batch))
            if module:
                after(("F", module - 1, batch), ("F", module, batch), hop(module - 1))
                after(("B", module, batch), ("B", module - 1, batch), hop(module - 1))
            if schedule.weights_apart:
                after(("B", module, batch), ("W", module, batch))
    for rank, order in enumerate(schedule.orders):
        assert {action.module % schedule.num_ranks for action in order} == {rank}
        for earlier, later in zip(order, order[1:], strict=False):
            after(earlier, later)


@settings(deadline=None, max_examples=100)
@given(simulated())
def test_no_action_could_begin_earlier_and_time_is_work_and_idle_time(found):
    schedule, costs = found.schedule, found.costs
    for order in schedule.orders:
        for before, action in zip((None, *order), order, strict=False):
            reasons = [0.0] + ([found.ends[before]] if before else [])
            for need in schedule.needs(action):
                far = schedule.rank_of(need.module) != schedule.rank_of(action.module)
                reasons.append(found.ends[need] + (costs.transfer[min(need.module, action.module)] if far else 0.0))
            assert found.starts[action] == max(reasons)
    idle = found.idle_table()
    for rank, (busy, share) in enumerate(zip(found.busy, found.idle_shares, strict=True)):
        gaps = idle[idle["rank"] == rank]
        assert busy + (gaps["end"] - gaps["start"]).sum() == pytest.approx(found.makespan)
        assert share == pytest.approx(1 - busy / found.makespan)
    assert sum(found.busy) == pytest.approx(schedule.num_micro_batches * costs.work)
    assert found.speed_up == pytest.approx(schedule.num_ranks * (1 - found.bubble))


@pytest.mark.parametrize("name", SCHEDULES)
def test_an_entry_says_what_it_is(name):
    entry = SCHEDULES[name]
    assert entry.title and entry.reference and entry.description.endswith(".")
    chunks = entry.least_chunks
    schedule = make_schedule(name, 2, 4, chunks)
    assert schedule.title == entry.title and schedule.weights_apart == any("W" == a.kind for a in schedule.orders[0])


def test_orders_as_they_are_drawn():
    """Rows of the papers' figures, for four ranks."""

    def row(name, rank, batches, chunks=1):
        return " ".join(f"{a.kind}{a.micro_batch}" for a in make_schedule(name, 4, batches, chunks).orders[rank])

    assert row("sequential", 0, 2) == row("sequential", 3, 2) == "F0 B0 F1 B1"
    assert row("gpipe", 0, 3) == "F0 F1 F2 B0 B1 B2"
    assert row("1f1b", 3, 4) == "F0 B0 F1 B1 F2 B2 F3 B3"  # the last GPU of Fig. 3(b) alternates
    assert row("1f1b", 1, 4) == "F0 F1 F2 B0 F3 B1 B2 B3"
    assert row("zero_bubble", 0, 4) == "F0 F1 F2 F3 B0 W0 B1 W1 B2 W2 B3 W3"
    assert row("zero_bubble", 2, 4) == "F0 F1 B0 F2 B1 F3 B2 W0 B3 W1 W2 W3"
    modules = [a.module for a in make_schedule("interleaved", 4, 8, 2).orders[0][:11]]
    assert modules == [0] * 4 + [4] * 4 + [0] * 3  # 10 forward passes, then in turn
    assert row("interleaved", 0, 8, 2).startswith("F0 F1 F2 F3 F0 F1 F2 F3 F4 F5 F6 B0 F7 B1")
    assert row("interleaved", 3, 8, 2).startswith("F0 F1 F2 F3 F0 B0 F1 B1 F2 B2 F3 B3 F4 B0")


def test_needs_name_the_neighbours():
    schedule = make_schedule("zero_bubble", 3, 2)
    assert schedule.needs(Action("F", 0, 1)) == []
    assert schedule.needs(Action("F", 2, 1)) == [("F", 1, 1)]
    assert schedule.needs(Action("B", 1, 0)) == [("F", 1, 0), ("B", 2, 0)]
    assert schedule.needs(Action("B", 2, 0)) == [("F", 2, 0)] and schedule.needs(Action("W", 0, 1)) == [("B", 0, 1)]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("gpip", 2, 2), "schedule: unknown 'gpip'; did you mean 'gpipe'\\? choices: sequential, gpipe, 1f1b"),
        (("gpipe", 0, 2), "num_ranks: must be at least 1, got 0"),
        (("gpipe", 2, 0), "num_micro_batches: must be at least 1, got 0"),
        (("gpipe", 2, 2, 0), "num_chunks: must be at least 1, got 0"),
        (
            ("1f1b", 2, 2, 2),
            "num_chunks: must be at most 1 for 1F1B, got 2; several modules a rank are for: Sequential",
        ),
        (("interleaved", 4, 8), "num_chunks: must be at least 2 for Interleaved 1F1B, got 1"),
        (("interleaved", 4, 6, 2), "a multiple of the 4 ranks for Interleaved 1F1B, got 6; nearest: 4 or 8"),
        (("interleaved", 4, 3, 2), "num_micro_batches: .* got 3; nearest: 4$"),
    ],
)
def test_what_cannot_be_is_a_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_schedule(*asked)


def test_a_missing_or_doubled_action_is_named():
    first, last = make_schedule("1f1b", 2, 2).orders
    with pytest.raises(AssertionError, match="rank 1 must do each .* once: B of module 1, micro-batch 1$"):
        Schedule("1f1b", 2, 2, 1, (first, last[:-1]))
    with pytest.raises(AssertionError, match="rank 0 must .*: F of module 0, micro-batch 0$"):
        Schedule("1f1b", 2, 2, 1, (first[:1] + first, last))


def test_a_deadlock_names_the_actions():
    first, last = make_schedule("1f1b", 2, 2).orders
    stuck = Schedule("1f1b", 2, 2, 1, ((first[2], *first[:2], first[3]), last))
    with pytest.raises(AssertionError) as error:
        simulate(stuck, Costs.uniform(2, 1, 1))
    told = str(error.value)
    assert "rank 0 waits with B of module 0, micro-batch 0 for F of module 0, micro-batch 0" in told
    assert "rank 1 waits with F of module 1, micro-batch 0 for F of module 0, micro-batch 0" in told
