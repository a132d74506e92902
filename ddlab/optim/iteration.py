"""One iteration of a trust-region method: trial steps until one is taken, and what becomes of the radius."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ddlab.optim.flat import length
from ddlab.optim.lsr1 import LimitedMemorySR1
from ddlab.optim.model import StepModel
from ddlab.optim.radius import RadiusRule, ratio_of


class NotFinite(ArithmeticError):
    """The loss or its gradient is NaN or infinite, where a method cannot step away from it."""


@dataclass(frozen=True)
class StepRecord:
    """A record of a step: enough to draw it.

    Parameters
    ----------
    loss, trial
        Where it began, and at the last trial point.
    predicted, ratio
        The decrease that was expected of that trial, and ρ: the actual one over it; NaN where that says nothing.
    radius, next_radius
        Of that trial, and after it.
    trials
        Steps tried; all but the last were rejected.
    smallest
        Smallest eigenvalue of the model of second order; None without one.
    decreases, lengths
        Of an additive step: what each subdomain's own loss lost, and how long its step is.
    length
        Of the whole trial step.
    globally
        Of an additive step: the trust-region iteration on all data after it; None without one.
    converged
        The gradient is zero: there is nothing to do.
    """

    loss: float
    trial: float
    predicted: float
    ratio: float
    radius: float
    next_radius: float
    accepted: bool
    trials: int = 1
    smallest: float | None = None
    decreases: tuple[float, ...] = ()
    lengths: tuple[float, ...] = ()
    length: float = 0.0
    globally: "StepRecord | None" = None
    converged: bool = False


def size_of(loss: float, gradient: Tensor) -> float:
    """The gradient's length.

    Raises
    ------
    NotFinite
        If it or the loss is NaN or infinite.
    """
    size = float(gradient.norm())
    if not math.isfinite(loss) or not math.isfinite(size):
        raise NotFinite(f"loss: is {loss} and its gradient's length {size}, so that no step can be found")
    return size


Trial = tuple[float, Tensor | None]
"""The loss at a trial point, and its gradient there if it was computed."""


@dataclass(frozen=True)
class Outcome:
    """The point ``(n,)`` after an iteration, the radius, and what happened."""

    point: Tensor
    radius: float
    record: StepRecord


@dataclass(frozen=True)
class Region:
    """A trust region: how its steps are found, and how its radius changes."""

    model: StepModel
    rule: RadiusRule
    memory: LimitedMemorySR1

    def iterate(
        self,
        point: Tensor,
        loss: float,
        gradient: Tensor,
        radius: float,
        evaluate: Callable[[Tensor], Trial],
    ) -> Outcome:
        """Try steps until one is taken, ``rule.trials`` are rejected, or the radius is at its least.

        With the gradients at the trial points, a model of second order learns from each of them, rejected ones too.

        Raises
        ------
        NotFinite
            If the gradient, or the loss at every trial point, is NaN or infinite.
        """
        if size_of(loss, gradient) == 0:
            still = StepRecord(loss, loss, 0.0, math.nan, radius, radius, accepted=False, converged=True)
            return Outcome(point, radius, still)
        for trials in range(1, self.rule.trials + 1):
            proposal = self.model.propose(gradient, self.memory, radius)
            trial_point = point + proposal.step
            trial, trial_gradient = evaluate(trial_point)
            ratio = ratio_of(loss, trial, proposal.predicted)
            after = self.rule.next(radius, ratio)
            accepted = self.rule.accepts(ratio)
            if self.model.order > 1 and trial_gradient is not None and math.isfinite(trial):
                self.memory.update(proposal.step, trial_gradient - gradient)
            told = (loss, trial, proposal.predicted, ratio, radius, after, accepted, trials, proposal.smallest)
            record = StepRecord(*told, length=length(proposal.step, self.model.norm))
            if accepted or after == radius:
                break
            radius = after
        if not math.isfinite(trial) and after == self.rule.least:
            raise NotFinite(
                f"loss: is {trial} after every trial step down to min_radius = {self.rule.least:g}; all were rejected"
            )
        return Outcome(trial_point if accepted else point, after, record)
