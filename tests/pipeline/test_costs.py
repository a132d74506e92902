"""Costs: one value a module or hop, the same network in fewer modules, and a sentence for what cannot be."""

import pytest

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import Action, make_schedule
from ddlab.pipeline.simulation import simulate

COSTS = Costs((1, 2, 3, 4), (2, 4, 6, 8), (1, 1, 2, 2), (0.1, 0.2, 0.3), (10, 20, 30, 40), (5, 6, 7))


def test_neighbours_join_and_inner_hops_go():
    assert COSTS.merged(2) == Costs((3, 7), (6, 14), (2, 4), (0.2,), (30, 70), (6,))
    assert COSTS.merged(4) == Costs((10,), (20,), (6,), (), (100,))
    assert COSTS.merged(1) == COSTS and COSTS.merged(2).work == COSTS.work == 30


def test_a_backward_pass_is_its_two_parts():
    action = {kind: Action(kind, 2, 0) for kind in "FBW"}
    assert [COSTS.seconds(action["B"], apart) for apart in (False, True)] == [6, 4]
    assert COSTS.seconds(action["W"], True) == 2 and COSTS.seconds(action["F"], True) == 3
    assert Costs.uniform(2, 1, 3).weight == (1.5, 1.5) and Costs.uniform(2, 1, 3, weight=0).weight == (0, 0)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: Costs((1, 2), (1,), (1, 1), (0,)), "backward: must have 2 values for 2 modules, got 1"),
        (lambda: Costs((1, 2), (1, 1), (1, 1), ()), "transfer: must have 1 values for 2 modules, got 0"),
        (lambda: Costs((1,), (1,), (1,), (), hop_bytes=(4,)), "hop_bytes: must have 0 values for 1 modules, got 1"),
        (lambda: Costs.uniform(2, -1, 1), "forward: must be numbers from 0 on, got -1"),
        (lambda: Costs.uniform(2, 1, float("nan")), "backward: must be numbers from 0 on, got nan"),
        (lambda: Costs.uniform(2, 1, 1, float("inf")), "transfer: must be numbers from 0 on, got inf"),
        (lambda: Costs.uniform(2, 1, 1, weight=1.5), "weight: must be at most the backward pass, 1, got 1.5"),
        (lambda: Costs.uniform(2, 0, 0), "forward, backward: one of the times must be above 0, got 0"),
        (lambda: COSTS.merged(3), "num_merged: must divide the 4 modules, got 3"),
        (
            lambda: simulate(make_schedule("gpipe", 3, 1), COSTS),
            "costs: must be of 3 modules .3 ranks, 1 a rank., got 4",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()
