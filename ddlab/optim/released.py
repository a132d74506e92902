"""The preconditioner as the authors' released code of 2023 has it, defects included.

With all data for every subdomain (``Preconditioner.shared``) it reproduces their figures, whose program split nothing;
with data that are split it does not (``python -m benchmarks.published_apts``).

Differences from the paper: the consistency term is in the value of the local loss but not in its gradient; local steps
are not bounded by Δ/N, and a radius that starts there may double with each of them; a trial that lowers the loss is
always taken; if all of 11 trials raise it, the last one is kept; ρ has no guards; secant pairs of second order join the
points of successive calls, whichever function they are of.

What the code does was described to us in words; none of it is copied.
"""

import math
from collections.abc import Callable

from torch import Tensor

from ddlab.optim.iteration import Outcome, Region, StepRecord
from ddlab.optim.preconditioner import LocalProblem, LocalResult

RETRIES = 10  # after the first trial


def released_ratio(loss: float, trial: float, predicted: float) -> float:
    """Compute ρ without guards, dividing as tensors do: by zero, too."""
    if predicted:
        return (loss - trial) / predicted
    return math.copysign(math.inf, loss - trial) if loss != trial else math.nan


def released_iteration(
    region: Region, point: Tensor, loss: float, gradient: Tensor, radius: float, value: Callable[[Tensor], float]
) -> Outcome:
    """One step of the released trust region: take what lowers the loss, or the last of 11 trials."""
    if region.model.order > 1:
        region.memory.follow(point, gradient)
    for trials in range(1, RETRIES + 2):  # noqa: B007  # kept in the record
        proposal = region.model.propose(gradient, region.memory, radius)
        trial_point = point + proposal.step
        trial = value(trial_point)
        ratio = released_ratio(loss, trial, proposal.predicted)
        used = radius
        if loss - trial > 0:
            if ratio < region.rule.lower:
                radius = max(region.rule.decrease * radius, region.rule.least)
            elif ratio > region.rule.upper:
                radius = min(region.rule.increase * radius, region.rule.most)
            break
        radius = max(region.rule.decrease * radius, region.rule.least)
        if used <= region.rule.least:
            break
    record = StepRecord(loss, trial, proposal.predicted, ratio, used, radius, True, trials, proposal.smallest)
    return Outcome(trial_point, radius, record)


def released_steps(problem: LocalProblem, region: Region, radius: float, steps: int) -> LocalResult:
    """Local steps of the released code: unbounded, with the consistency term in the value alone."""
    point, loss, gradient = problem.theta, problem.loss, problem.gradient
    for left in reversed(range(steps)):
        if not 0 < float(gradient.norm()) < math.inf:
            break

        def value(trial: Tensor) -> float:
            return problem.corrected(trial, problem.value(trial))

        outcome = released_iteration(region, point, loss, gradient, radius, value)
        point, radius, loss = outcome.point, outcome.radius, outcome.record.trial
        if not left or float((point - problem.theta).norm()) >= region.rule.most:
            break
        gradient = problem.evaluate(point)[1]
    return LocalResult(point - problem.theta, problem.loss - loss)
