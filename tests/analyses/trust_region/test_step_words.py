"""What is said of a step: the numbers are those of the step, and the decision follows from them."""

import numpy as np
import pytest

from ddlab.analyses.trust_region.plane_steps import Evaluation, Trial, Walk
from ddlab.analyses.trust_region.playground import walk
from ddlab.analyses.trust_region.step_words import short, tell
from ddlab.optim.radius import PAPER, ratio_of


def trial(fall, predicted, radius=0.2):
    here, there = Evaluation(np.zeros(2), 1.0, np.ones(2)), Evaluation(np.ones(2), 1.0 - fall, np.ones(2))
    ratio = ratio_of(1.0, 1.0 - fall, predicted)
    return Trial(here, there, None, predicted, ratio, radius, PAPER.next(radius, ratio), PAPER.accepts(ratio))


TOLD = [
    (0.32, 0.40, 0.2, "The loss fell by 0.32, predicted were 0.4: ρ = 0.8 is above η₂ = 0.75, so the step is taken and "
     "the radius doubles to 0.4."),
    (0.20, 0.40, 0.2, "The loss fell by 0.2, predicted were 0.4: ρ = 0.5 is between η₁ = 0.25 and η₂ = 0.75, so the "
     "step is taken and the radius stays 0.2."),
    (0.02, 0.40, 0.2, "The loss would fall by 0.02, but predicted were 0.4: ρ = 0.05 is below η₁ = 0.25, so the step "
     "is rejected and the radius halves to 0.1."),
    (-0.10, 0.40, 0.2, "The loss would rise by 0.1, though a fall by 0.4 was predicted: ρ = −0.25 is below η₁ = 0.25, "
     "so the step is rejected and the radius halves to 0.1."),
    (0.40, 0.40, 4.0, "the step is taken and the radius stays 4."),
    (-0.10, 0.40, 0.0015, "the step is rejected and the radius shrinks to 0.001."),
    (0.10, 0.0, 0.2, "The predicted decrease is no more than rounding, so ρ says nothing: the step is rejected and the "
     "radius halves to 0.1."),
]  # fmt: skip


@pytest.mark.parametrize(("fall", "predicted", "radius", "sentence"), TOLD)
def test_a_trial_in_a_sentence(fall, predicted, radius, sentence):
    step = walk(Walk("sine", (3.2, 1.8), "trust_region", 0.5))[0]
    step = type(step)(step.here, step.there, trials=(trial(-1.0, 0.4, 2 * radius), trial(fall, predicted, radius)))
    told = tell(step)
    assert list(told) == ["Step"] and told["Step"].endswith(sentence)
    assert told["Step"].startswith("A longer trial was rejected before. ")


def test_a_step_of_apts_is_told_part_by_part():
    step = walk(Walk("sine", (3.2, 1.8), "apts", 1.0))[1]
    told = tell(step)
    assert list(told) == ["Subdomains", "Their sum", "Step on f"]
    assert told["Subdomains"].startswith(
        "The 2 subdomains try 5 and 5 steps on their own losses, each within Δ/N = 0.5"
    )
    assert short(step) == "sum rejected, step on f taken at trial 2"
    alone = walk(Walk("sine", (3.2, 1.8), "apts", 1.0, num_subdomains=1))[0]
    assert tell(alone)["Subdomains"].startswith("The only subdomain tries ")


def test_gradient_descent_is_told_what_it_does_not_look_at():
    falls, rises = (walk(Walk("bowl", (-2.4, 1.8), "descent", rate=rate))[0] for rate in (0.05, 1.0))
    assert "the loss falls by" in tell(falls)["Step"] and short(falls) == "taken"
    assert "rises by" in tell(rises)["Step"] and short(rises) == "taken, though the loss rises"
