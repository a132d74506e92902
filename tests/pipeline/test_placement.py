"""Modules on ranks: as many ranks as can be used, neighbours together, and any rank that an assignment names."""

import pytest

from ddlab.models.spec import NetworkSpec
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.partition import partition
from ddlab.pipeline.placement import make_assigned, place, place_assigned
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.pipeline.simulation import simulate
from ddlab.registry.models import MODELS

NETWORK = MODELS["vgg3"].load()(NetworkSpec((3, 32, 32), 10))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("modules", [1, 2, 5, 8])
@pytest.mark.parametrize("ranks", [1, 2, 3, 9])
def test_every_module_is_on_one_rank_and_neighbours_are_together(schedule, modules, ranks):
    placed = place(partition(NETWORK, modules), schedule, ranks, 4)
    assert [module for stretch in placed.stretches for module in stretch] == list(range(modules))
    assert placed.num_ranks <= min(ranks, modules) and all(
        placed.stretches_of(rank) for rank in range(placed.num_ranks)
    )
    assert sum(placed.flops_of(rank) for rank in range(placed.num_ranks)) == NETWORK.flops()
    if SCHEDULES[schedule].least_chunks == 1:
        assert placed.num_ranks == min(ranks, modules)
    assert placed.schedule.name == (schedule if placed.num_ranks > 1 else "sequential")


def test_the_interleaved_schedule_takes_as_many_ranks_as_divide_modules_and_micro_batches():
    cut = partition(NETWORK, 8)
    assert [place(cut, "interleaved", ranks, 4).num_ranks for ranks in (1, 2, 3, 4, 8)] == [1, 2, 2, 4, 4]
    assert place(cut, "interleaved", 4, 6).num_ranks == 2, "six micro-batches are no whole rounds of four"


def test_a_hop_between_modules_of_one_rank_sends_nothing():
    cut = partition(NETWORK, 4)
    numbers = cut.bytes_between(1)
    assert place(cut, "gpipe", 1, 2).hops == (0, 0, 0)
    assert place(cut, "gpipe", 4, 2).hops == numbers
    assert place_assigned(cut, [0, 1, 1, 0], 2).hops == (numbers[0], 0, numbers[2])


@pytest.mark.parametrize("assignment", [[0], [0, 1, 0], [0, 0, 1, 1], [0, 2, 1, 0, 2]])
def test_an_assigned_schedule_is_possible_and_loses_no_time_alone(assignment):
    schedule = make_assigned(assignment, 3)
    found = simulate(schedule, Costs.uniform(len(assignment), 1, 2))
    assert len(found.starts) == 2 * 3 * len(assignment)
    if len(set(assignment)) == 1:
        assert found.makespan == 3 * 3 * len(assignment)


def test_modules_in_turn_are_gpipe():
    """Of one module a rank: both orders are the same, so both simulations are."""
    costs = Costs.uniform(4, 1, 2, 0.5)
    turn = make_assigned([0, 1, 2, 3], 6)
    assert (
        simulate(turn, costs).makespan == simulate(place(partition(NETWORK, 4), "gpipe", 4, 6).schedule, costs).makespan
    )


@pytest.mark.parametrize(
    ("assignment", "parts", "told"),
    [([], 1, "assignment"), ([0, 2], 1, r"assignment: .* got \[0, 2\]"), ([0, 1], 0, "num_micro_batches: .* got 0")],
)
def test_what_cannot_be_is_a_sentence(assignment, parts, told):
    with pytest.raises(ValueError, match=told):
        make_assigned(assignment, parts)
