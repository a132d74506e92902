"""Every action told in a sentence, and who waits meanwhile."""

from ddlab.analyses.pipeline.step_words import tell
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.schedules import make_schedule
from ddlab.pipeline.simulation import simulate


def test_two_ranks_one_micro_batch():
    found = simulate(make_schedule("1f1b", 2, 1), Costs.uniform(2, 1, 2))
    assert tell(found, 0).startswith("Nothing has begun")
    told = "Action 1 of 4: rank 0 computes the forward pass of micro-batch 0 in module 0, from 0 to 1 ms. Rank 1 waits."
    assert tell(found, 1, "ms") == told
    assert tell(found, 3).startswith("Action 3 of 4: rank 1 computes the backward pass of micro-batch 0 in module 1")
    assert tell(found, 3).endswith("from 2 to 4. Rank 0 waits.")


def test_nobody_waits_in_the_middle_and_weights_have_their_own_pass():
    found = simulate(make_schedule("zero_bubble", 2, 4), Costs.uniform(2, 1, 2))
    told = [tell(found, done) for done in range(1, len(found.starts) + 1)]
    assert any("computes the gradient of the weights of micro-batch" in text for text in told)
    assert any(not text.endswith(("waits.", "wait.")) for text in told)
    three = simulate(make_schedule("sequential", 3, 1), Costs.uniform(3, 1, 2))
    assert tell(three, 1).endswith("Ranks 1, 2 wait.")
