"""The equations beside the simulation: numbers of the paper's model, and reasons that make up the difference."""

import math

import pytest

from ddlab.analyses.pipeline.equations import Equations, differences, equation_table
from ddlab.pipeline.costs import Costs
from tests.analyses.pipeline.counted import BATCH, FLOPS, RATE, plan


def table(costs):
    return equation_table(Equations(costs)).set_index(["quantity", "schedule"])


@pytest.mark.parametrize(
    ("sizes", "overlapped", "gpipe", "one_by_one"),
    [((4, 1, 1, 0), 14, 14, 14), ((8, 1, 2, 0), 52, 45, 45), ((4, 1, 1, 1), 22, 20, 24), ((8, 1, 1, 1), 46, 44, 56)],
)
def test_equations_and_simulation_have_the_known_times(sizes, overlapped, gpipe, one_by_one):
    found = table(Costs.uniform(*sizes))
    assert found["formula"]["T_O", "gpipe"] == found["formula"]["T_O", "1f1b"] == overlapped
    assert found["equal"]["T_O", "gpipe"] == gpipe and found["equal"]["T_O", "1f1b"] == one_by_one
    assert (found["equal"] == found["partition"]).all()
    number, forward, backward, transfer = sizes
    assert found["formula"]["T_NO", "sequential"] == number**2 * (forward + backward + 2 * transfer)
    assert found["formula"]["S", "1f1b"] == found["formula"]["T_NO", "sequential"] / overlapped


def test_they_agree_where_the_paper_assumes_it():
    agreeing = Equations(Costs.uniform(4, 1, 1))
    assert differences(agreeing) == []
    assert table(agreeing.costs)["formula"]["S", "1f1b"] == 16 / 7


@pytest.mark.parametrize("sizes", [(4, 1, 2, 0), (4, 1, 1, 1), (5, 2, 3, 0.25), (3, 3, 1, 2)])
def test_the_reasons_make_up_the_difference(sizes):
    costs = Costs.uniform(*sizes)
    found, reasons = table(costs), dict(differences(Equations(costs)))
    of_twelve = sum(time for text, time in reasons.items() if text.startswith("(12)"))
    assert found["formula"]["T_O", "gpipe"] - found["equal"]["T_O", "gpipe"] == pytest.approx(of_twelve)
    of_eleven = sum(time for text, time in reasons.items() if text.startswith("(11)"))
    no_overlap = found.loc["T_NO", "sequential"]
    assert no_overlap["formula"] - no_overlap["equal"] == pytest.approx(of_eleven)
    waits = sum(time for text, time in reasons.items() if text.startswith("1F1B"))
    assert found["equal"]["T_O", "1f1b"] - found["equal"]["T_O", "gpipe"] == pytest.approx(waits)


def test_unequal_modules_are_named():
    costs = Costs((1, 3), (1, 3), (0, 0), (0,))
    (reason,) = differences(Equations(costs))
    assert "not all alike" in reason[0] and reason[1] == 2 * (3 + 3) + 1 + 1 - 3 * 4
    assert table(costs)["partition"]["T_O", "1f1b"] == 14


def test_of_a_plan_they_have_as_many_micro_batches_as_machines():
    found = Equations.of(plan(bandwidth=math.inf, num_micro_batches=1, batch_size=BATCH))
    forward, backward, transfer = found.means
    assert forward == pytest.approx(BATCH / 3 * sum(FLOPS) / 3 / RATE) and backward == pytest.approx(2 * forward)
    assert transfer == 0 and found.num_ranks == 3


def test_one_machine_has_nothing_to_overlap():
    found = equation_table(Equations(Costs.uniform(1, 1, 2)))
    assert (found["formula"] == found["equal"]).all() and found["formula"].to_list() == [3, 3, 3, 1, 1]
