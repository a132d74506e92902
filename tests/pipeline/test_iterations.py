"""Iterations with old gradients against times by hand: what waits for what, and which transfers are hidden."""

import pytest

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.iterations import iteration_time, working_time
from ddlab.pipeline.methods import METHODS, make_method

UNEVEN = Costs((1, 2, 3), (2, 5, 4), (1, 2, 2), (0, 0))


def times(costs):
    return {name: iteration_time(make_method(name, costs.num_modules), costs) for name in METHODS}


def test_unequal_modules_without_transfers():
    """Back-propagation waits for all 17; DDG for all forward passes, and the last module goes back behind them: 6 + 4.

    In FDG the slowest module is the second, 2 + 5, or the last, 3 + 4; in DSP the second computes its 2 again.
    """
    assert times(UNEVEN) == {"backpropagation": 17, "ddg": 10, "fdg": 7, "dsp": 9}


@pytest.mark.parametrize("modules", [1, 2, 4, 8])
def test_equal_modules_are_as_published(modules):
    """T_F + T_B in sequence; T_F + T_B/K for DDG; a K-th of both for FDG; and T_F/K more for DSP."""
    forward, backward = 8 / modules, 16 / modules
    again = forward if modules > 1 else 0
    expected = {"backpropagation": 24, "ddg": 8 + backward, "fdg": forward + backward}
    assert times(Costs.uniform(modules, forward, backward)) == expected | {"dsp": forward + backward + again}


def test_transfers_cost_time_where_somebody_waits_for_them():
    """Three modules of 1 and 2: sequential training pays for four hops, DDG for the two forward, the others for none.

    With transfers as long as a backward pass FDG is still not late, as an error has the time of a forward pass more.
    """
    short = Costs.uniform(3, 1, 2, 0.5)
    assert times(short) == {"backpropagation": 11, "ddg": 3 + 2 * 0.5 + 2, "fdg": 3, "dsp": 4}
    assert times(Costs.uniform(3, 1, 2, 1))["fdg"] == 3
    assert times(Costs.uniform(3, 1, 2, 2))["fdg"] == 2 + 2  # an error, taken after the forward pass
    assert times(Costs.uniform(3, 1, 2, 5))["fdg"] == 2 + 5


def test_errors_that_may_be_older_have_more_time():
    """DSP with one more iteration of staleness in its first hop: the error has two iterations to arrive."""
    costs = Costs((1, 1), (2, 2), (1, 1), (9,))
    # module 1 goes back until 3 and its error is there at 12; module 0 takes it at 2, behind two forward passes
    assert iteration_time(make_method("dsp", 2), costs) == 12 - 2
    # with an iteration more (12 - 2)/2 would do; but the input, sent at 1 and there at 10, is taken at 0
    assert iteration_time(make_method("dsp", 2, staleness=(3, 0)), costs) == 10
    fast = Costs((0, 1), (2, 20), (1, 1), (9,))  # the error is there at 30
    assert iteration_time(make_method("dsp", 2), fast) == 30
    assert iteration_time(make_method("dsp", 2, staleness=(3, 0)), fast) == 21  # of work


def test_work_counts_what_is_computed_twice():
    assert working_time(make_method("fdg", 3), UNEVEN) == (3, 7, 7)
    assert working_time(make_method("dsp", 3), UNEVEN) == (4, 9, 7)  # the last module goes back at once


def test_costs_of_another_network_are_refused():
    with pytest.raises(ValueError, match="costs: must be of 2 modules, got 3"):
        iteration_time(make_method("ddg", 2), UNEVEN)
