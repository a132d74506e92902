"""APTS and SAPTS: the trust-region method, preconditioned by trainings on subdomains of the data.

Symbols: N subdomains, ν local steps, Δ the radius, θ the n parameters, D the data of a step, D_i its subdomains.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Algorithm 1.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Unpack

import torch
from torch import Tensor

from ddlab.optim.base import Advance, Placement, TrustRegionMethod, as_parts
from ddlab.optim.communicator import halving_sum, items_of_rank
from ddlab.optim.flat import length
from ddlab.optim.iteration import Outcome, Region, StepRecord, Trial, size_of
from ddlab.optim.model import SECOND_ORDER, StepModel
from ddlab.optim.objective import Closure, Evaluation, Objective
from ddlab.optim.preconditioner import PAPER_PRECONDITIONER, LocalProblem, LocalResult, Preconditioner, bounded_steps
from ddlab.optim.radius import PAPER, RadiusRule, ratio_of
from ddlab.optim.released import released_iteration, released_ratio, released_steps


class Additive(TrustRegionMethod):
    """The common part of APTS and SAPTS.

    Mode "paper" departs from Algorithm 1 in four places, and here is why:

    - Line 9 is one trust-region iteration, one trial. ``rule.trials`` are tried, each with a smaller radius: a trial
      takes a third of a pass over the data, the whole step eight, so that a rejection would cost the step. A rule of
      one trial is the paper's (of a strategy: ``apts.global_trials``).
    - Local steps begin with Δ/(N·ν), not Δ/N, and are cut to the room that is left of Δ/N: read literally, the first
      one of first order ends the local training (:func:`ddlab.optim.preconditioner.bounded_steps`). So the least local
      radius is that of line 5 divided by ν; the largest is that of line 5.
    - Minibatches overlap, microbatches of one do not (``DataDivision`` of ``ddlab.training.trust_region_epoch``).
    - ρ is not asked where its denominator is rounding, and (2) is read in the step s (:mod:`ddlab.optim.radius`,
      :class:`ddlab.optim.model.StepModel`).

    Parameters
    ----------
    params
        Of any shapes; one group.
    radius
        Of the first step.
    preconditioner
        Subdomains, local steps, and which reading of the method.
    rule
        Thresholds, factors and bounds of the radius, and the trials of the global iteration.
    model
        First or second order, the norm of the ball, the secant pairs kept.
    placement
        ``group`` and ``buffers``, see :class:`ddlab.optim.base.Placement`. Ranks hold the subdomains ``own`` each, and
        sum three vectors of n numbers a step, however many local steps there are; and one more a trial on all data
        where its gradient is wanted: by APTS from the second on, by SAPTS of second order.

    Raises
    ------
    ValueError
        If a parameter is out of its range; names the field, the rule and the value.
    """

    same_function: bool

    def __init__(
        self,
        params: Iterable[Tensor],
        radius: float = 0.01,
        preconditioner: Preconditioner = PAPER_PRECONDITIONER,
        rule: RadiusRule = PAPER,
        model: StepModel = SECOND_ORDER,
        **placement: Unpack[Placement],
    ) -> None:
        super().__init__(params, radius, rule, model, **placement)
        self.preconditioner = preconditioner
        count = preconditioner.num_subdomains
        self.own = items_of_rank(preconditioner.distinct, self.communicator.rank, self.communicator.size)
        local = rule if preconditioner.mode == "released" else rule.local(count, preconditioner.local_steps)
        self.locally = [Region(model, local, model.memory()) for _ in self.own]
        self._memories += [region.memory for region in self.locally]
        self._remember()

    def step(  # type: ignore[override]  # several closures, too
        self,
        closure: Closure | Sequence[Closure],
        value: Closure | Sequence[Closure] | None = None,
        weights: Sequence[float] | None = None,
    ) -> Tensor:
        """Step once: additive step, then a trust-region iteration on all data.

        Parameters
        ----------
        closure
            One a subdomain of this rank (the i-th of all, for i in ``own``; one in all where the data are shared):
            without arguments, computes its mean loss and the gradient (``backward``), and returns the loss.
        value
            One a subdomain: the same loss without its gradient; the closure serves where it is missing.
        weights
            Of the subdomains in the global loss; over all ranks they add up to 1. All weigh the same where none are
            given.

        Returns
        -------
        Tensor
            The global loss where the step began.

        Raises
        ------
        ValueError
            If there is not one closure a subdomain, or one computes no gradient.
        NotFinite
            If the loss is NaN or infinite here, or at every trial point down to the smallest radius.
        """
        closures = [closure] if callable(closure) else list(closure)
        values = None if value is None else [value] if callable(value) else list(value)
        if len(closures) != len(self.own):
            raise ValueError(f"closure: this rank has {len(self.own)} subdomains, a closure each, got {len(closures)}")
        weights = [1 / self.preconditioner.distinct] * len(closures) if weights is None else list(weights)
        for name, given in (("value", values), ("weights", weights)):
            if given is not None and len(given) != len(closures):
                raise ValueError(f"{name}: one a closure, of which there are {len(closures)}, got {len(given)}")
        return self._step(as_parts(closures, values, weights), self._advance, self.same_function)

    def state_dict(self) -> dict[str, Any]:
        """The state of all subdomains, whichever rank holds them: ranks call it together."""
        whole = super().state_dict()
        first, *own = self._own_state["memories"]
        everyones = [memory for memories in self.communicator.gather(own) for memory in memories]
        (key,) = whole["state"]
        whole["state"] = {key: {**whole["state"][key], "memories": [first, *everyones]}}
        return whole

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave, on any number of ranks; with as many as then, to the last bit."""
        (key,) = state_dict["state"]
        mine = state_dict["state"][key]
        first, *everyones = mine["memories"]
        memories = [first, *(everyones[index] for index in self.own)]
        super().load_state_dict({**state_dict, "state": {key: {**mine, "memories": memories}}})

    def _advance(self, objective: Objective, theta: Tensor, here: Evaluation) -> Advance:
        """Do lines 4 to 9 of Algorithm 1."""
        radius = self.radius
        if size_of(here.loss, here.gradient) == 0:
            record = StepRecord(here.loss, here.loss, 0.0, math.nan, radius, radius, accepted=False, converged=True)
            return Advance(theta, radius, record, here)
        results = [self._local(objective, theta, here, index) for index in range(len(self.own))]
        step = objective.total([result.step for result in results], theta)
        if self.preconditioner.shared:
            step *= self.preconditioner.num_subdomains
        record, there = self._judge(objective, theta, step, here, results)
        if record.accepted:
            theta, here = theta + step, there
        if not self.preconditioner.global_pass:
            return Advance(theta, record.next_radius, record, here)
        outcome, known = self._global_iteration(objective, theta, here, record.next_radius)
        return Advance(outcome.point, outcome.radius, replace(record, globally=outcome.record), known)

    def _local(self, objective: Objective, theta: Tensor, here: Evaluation, index: int) -> LocalResult:
        """Do line 6: one subdomain's steps on its own loss."""
        settings, region = self.preconditioner, self.locally[index]
        gradient = here.gradients[index]
        problem = LocalProblem(
            theta,
            here.losses[index],
            gradient,
            here.gradient - gradient if settings.consistency else None,
            lambda point: objective.gradient_of(index, point),
            lambda point: objective.value_of(index, point),
        )
        bound = self.radius / settings.num_subdomains
        if settings.mode == "released":
            return released_steps(problem, region, bound, settings.local_steps)
        return bounded_steps(problem, region, bound / settings.local_steps, bound, settings.local_steps)

    def _judge(
        self, objective: Objective, theta: Tensor, step: Tensor, here: Evaluation, results: Sequence[LocalResult]
    ) -> tuple[StepRecord, Evaluation]:
        """Do lines 7 and 8: ρ of (6), the decision and the radius of (7); and what is known at the trial point."""
        rule, released = self.region.rule, self.preconditioner.mode == "released"
        there = objective.evaluate(theta + step)
        decreases, lengths = self._of_all(objective, results)
        predicted = halving_sum(decreases.unbind()).item()
        ratio = released_ratio if released else ratio_of
        if self.region.model.order > 1 and not released and math.isfinite(there.loss):
            self.region.memory.update(step, there.gradient - here.gradient)
        record = StepRecord(
            here.loss,
            there.loss,
            predicted,
            rho := ratio(here.loss, there.loss, predicted),
            self.radius,
            rule.next(self.radius, rho),
            accepted=not rho < rule.lower if released else rule.accepts(rho),
            decreases=tuple(decreases.tolist()),
            lengths=tuple(lengths.tolist()),
            length=length(step, self.region.model.norm),
        )
        return record, there

    def _of_all(self, objective: Objective, results: Sequence[LocalResult]) -> Tensor:
        """Decreases and lengths ``(2, N)`` of all subdomains, over all ranks."""
        table = torch.zeros(2, self.preconditioner.num_subdomains, dtype=torch.float64)
        for index, result in zip(self.own, results, strict=True):
            places = slice(None) if self.preconditioner.shared else index
            table[0, places] = result.decrease
            table[1, places] = length(result.step, self.region.model.norm)
        return objective.communicator.sum(table.to(objective.params[0].device)).cpu()

    def _global_iteration(
        self, objective: Objective, theta: Tensor, here: Evaluation, radius: float
    ) -> tuple[Outcome, Evaluation | None]:
        """Do line 9: a trust-region iteration on all data; and what is known where it ends."""
        if self.preconditioner.mode == "released" and size_of(here.loss, here.gradient) > 0:
            outcome = released_iteration(self.region, theta, here.loss, here.gradient, radius, objective.value)
            return outcome, None
        found: list[Evaluation] = []

        def evaluate(point: Tensor) -> Trial:
            if not self.same_function and self.region.model.order == 1:  # the gradient is not needed later
                return objective.value(point), None
            found.append(objective.evaluate(point))
            return found[-1].loss, found[-1].gradient

        outcome = self.region.iterate(theta, here.loss, here.gradient, radius, evaluate)
        if not outcome.record.accepted:
            return outcome, here
        return outcome, found[-1] if found else None


class APTS(Additive):
    """The additively preconditioned trust-region method, on all data in every step.

    The closures are the same functions in every step (no dropout, no augmentation): what is known at a point is not
    computed again. In mode "paper" no step that raises the loss is ever kept. The sum of the local steps is Δ long at
    most, (5); the global iteration after it begins with the radius of (7), Δ or βΔ, and can go as far again: a whole
    step is (1 + β)Δ long at most.

    The parameters are those of :class:`Additive`.

    Examples
    --------
    >>> import torch
    >>> from ddlab.optim.apts import APTS
    >>> x = torch.nn.Parameter(torch.tensor([3.0, -4.0]))
    >>> def closure_of(target):
    ...     def closure():
    ...         loss = (x - target).square().sum()
    ...         loss.backward()
    ...         return loss
    ...     return closure
    >>> closures = [closure_of(torch.tensor(target)) for target in ([1.0, 0.0], [-1.0, 0.0])]
    >>> optimizer = APTS([x], radius=1.0)
    >>> losses = [float(optimizer.step(closures)) for _ in range(4)]
    >>> losses[0], losses == sorted(losses, reverse=True)
    (26.0, True)
    """

    same_function = True


class SAPTS(Additive):
    """APTS in minibatches: the data of a step are a minibatch, its subdomains microbatches.

    The functions of two steps differ, so that nothing is carried over from one to the next but the radius and the
    secant pairs, each of which is of one function. The parameters are those of :class:`Additive`.
    """

    same_function = False
