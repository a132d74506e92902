"""The work of a subdomain between two exchanges: a few trust-region steps on its own part of the data.

Symbols: N subdomains, ν local steps, Δ the global radius, θ the parameters ``(n,)``, v a subdomain's own parameters.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Algorithm 1 and (3)-(5).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ddlab.optim.flat import length
from ddlab.optim.iteration import Region
from ddlab.optim.radius import ratio_of

NO_ROOM = 1e-6  # of the bound: what is left of it then is rounding


@dataclass(frozen=True)
class Preconditioner:
    """The nonlinear preconditioner: N local trainings whose steps are added.

    Parameters
    ----------
    num_subdomains
        N.
    local_steps
        ν, local steps at most.
    mode
        "paper": the consistency term is in the gradient, and N local steps of Δ/N at most make one of Δ at most;
        "released": as the authors' code of 2023 has it, see :mod:`ddlab.optim.released`.
    consistency
        First-order consistency: every local gradient begins as the global one.
    global_pass
        A trust-region iteration on all data after every additive step.
    shared
        All N local trainings are on all data of the step: they are the same, so that one is computed and its step taken
        N times. Nothing is decomposed; N is a factor on the step. The published curves were made so.

    Raises
    ------
    ValueError
        If a number is out of its range; names the field, the rule and the value.
    """

    num_subdomains: int = 2
    local_steps: int = 5
    mode: Literal["paper", "released"] = "paper"
    consistency: bool = True
    global_pass: bool = True
    shared: bool = False

    @property
    def distinct(self) -> int:
        """Local trainings that differ from each other."""
        return 1 if self.shared else self.num_subdomains

    def __post_init__(self) -> None:
        if self.num_subdomains < 1:
            raise ValueError(f"num_subdomains: must be at least 1, got {self.num_subdomains}")
        if self.local_steps < 1:
            raise ValueError(f"local_steps: must be at least 1, got {self.local_steps}")
        if self.mode not in ("paper", "released"):
            raise ValueError(f"mode: must be 'paper' or 'released', got {self.mode!r}")


PAPER_PRECONDITIONER = Preconditioner()


@dataclass(frozen=True)
class LocalProblem:
    """A subdomain's own loss, as a function of the parameters, and what is known of it at θ.

    Parameters
    ----------
    loss, gradient
        At θ.
    correction
        r, the global gradient less this one, (4); None without first-order consistency.
    evaluate, value
        Loss and gradient at a point; the loss alone.
    """

    theta: Tensor
    loss: float
    gradient: Tensor
    correction: Tensor | None
    evaluate: Callable[[Tensor], tuple[float, Tensor]]
    value: Callable[[Tensor], float]

    def corrected(self, point: Tensor, loss: float) -> float:
        """The local loss of (3): with the linear term of r."""
        return loss if self.correction is None else loss + float(self.correction @ (point - self.theta))

    def corrected_gradient(self, gradient: Tensor) -> Tensor:
        """Add r to a gradient of the local loss, so that at θ it is the global one."""
        return gradient if self.correction is None else gradient + self.correction


@dataclass(frozen=True)
class LocalResult:
    """A subdomain's step ``(n,)`` and by how much its own loss of (3) fell."""

    step: Tensor
    decrease: float


def bounded_steps(problem: LocalProblem, region: Region, radius: float, bound: float, steps: int) -> LocalResult:
    """Local trust-region steps that stay within ``bound`` of θ, so that the sum of N stays in the ball: (3)-(5).

    Read literally, (5) would let the first step of first order reach the boundary and make ν meaningless. Here the
    local radius begins with an equal share of the bound for each of the ν steps, and adapts; every step is cut to the
    room that is left.

    Parameters
    ----------
    radius
        Of the first step, Δ/(N·ν).
    bound
        Δ/N.
    """
    norm = region.model.norm
    point, loss = problem.theta, problem.loss
    gradient = problem.corrected_gradient(problem.gradient)
    for left in reversed(range(steps)):
        room = bound - length(point - problem.theta, norm)
        if room <= NO_ROOM * bound or not 0 < float(gradient.norm()) < math.inf:
            break
        tried = min(radius, room)
        proposal = region.model.propose(gradient, region.memory, tried)
        trial_point = point + proposal.step
        if left or (steps == 1 and region.model.order > 1):  # whose only step is all that the model can learn from
            trial, plain = problem.evaluate(trial_point)
            trial_gradient = problem.corrected_gradient(plain)
            if region.model.order > 1:
                region.memory.update(proposal.step, trial_gradient - gradient)
        else:  # the gradient is no longer needed
            trial, trial_gradient = problem.value(trial_point), gradient
        trial = problem.corrected(trial_point, trial)
        ratio = ratio_of(loss, trial, proposal.predicted)
        accepted = region.rule.accepts(ratio)
        radius = region.rule.next(radius if accepted else tried, ratio)  # a cut step is not tried once more
        if accepted:
            point, loss, gradient = trial_point, trial, trial_gradient
    return LocalResult(point - problem.theta, problem.loss - loss)
