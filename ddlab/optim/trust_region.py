"""A trust-region method as an optimizer of torch: steps as long as the loss allows, and no learning rate.

References
----------
Conn, Gould, Toint, "Trust Region Methods", 2000, Algorithm 6.1.1. Defaults: Cruz Alegría, Trotti, Kopaničáková, Krause,
"Data-Parallel Neural Network Training via Nonlinearly Preconditioned Trust-Region Method", and their released code.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Unpack

from torch import Tensor

from ddlab.optim.base import Advance, Placement, TrustRegionMethod, as_parts
from ddlab.optim.iteration import Trial
from ddlab.optim.model import SECOND_ORDER, StepModel
from ddlab.optim.objective import Closure, Evaluation, Objective, Part, Tally
from ddlab.optim.radius import PAPER, RadiusRule


class TrustRegion(TrustRegionMethod):
    """A method that minimises a model of the loss in a ball; steps that lower the loss are taken, and the ball adapts.

    A step that raises the loss is never taken. Every evaluation of a step draws the same random numbers, so that
    dropout is the same function throughout.

    Parameters
    ----------
    params
        Of any shapes; one group.
    radius
        Of the first ball.
    rule
        Thresholds, factors and bounds of the radius, and how many trials a step has.
    model
        First or second order, the norm of the ball, the secant pairs kept.
    placement
        ``group`` and ``buffers``, see :class:`ddlab.optim.base.Placement`; a closure is the mean over its rank's part.

    Raises
    ------
    ValueError
        If a parameter is out of its range; names the field, the rule and the value.

    Examples
    --------
    >>> import torch
    >>> from ddlab.optim.trust_region import TrustRegion
    >>> x = torch.nn.Parameter(torch.tensor([3.0, -4.0]))
    >>> optimizer = TrustRegion([x], radius=1.0)
    >>> def closure():
    ...     loss = x.square().sum()
    ...     loss.backward()
    ...     return loss
    >>> [round(float(optimizer.step(closure)), 3) for _ in range(3)]
    [25.0, 16.0, 4.0]
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        radius: float = 0.01,
        rule: RadiusRule = PAPER,
        model: StepModel = SECOND_ORDER,
        **placement: Unpack[Placement],
    ) -> None:
        super().__init__(params, radius, rule, model, **placement)

    def step(  # type: ignore[override]  # further closures, too
        self,
        closure: Closure,
        value: Closure | None = None,
        overlap: Closure | None = None,
        weight: float | None = None,
        again: bool = False,
    ) -> Tensor:
        """Step once.

        Parameters
        ----------
        closure
            Without arguments: computes the loss and its gradient (``backward``), and returns the loss. It need not
            clear gradients.
        value
            Returns the same loss without its gradient, for a third of the work; the closure serves where it is missing.
        overlap
            For models of second order in minibatches: as ``closure``, on the few samples that the next minibatch has,
            too. Secant pairs come from it; without it, from the gradient at every trial point.
        weight
            Of this rank's part of the data in the mean; over all ranks they add up to 1. All weigh the same if None.
        again
            The closure is the same function as in the last step (all data, no dropout): what is known at this point is
            not computed again.

        Returns
        -------
        Tensor
            The loss where the step began.

        Raises
        ------
        ValueError
            If the closure computes no gradient.
        NotFinite
            If the loss is NaN or infinite here, or at every trial point down to the smallest radius.
        """
        weights = [1 / self.communicator.size if weight is None else weight]
        parts = as_parts([closure], None if value is None else [value], weights)
        overlaps = as_parts([overlap], None, weights) if overlap and self.region.model.order > 1 else []
        with_gradients = again or (self.region.model.order > 1 and not overlaps)
        return self._step(parts, partial(self._advance, with_gradients, overlaps), again)

    def _advance(
        self, with_gradients: bool, overlaps: Sequence[Part], objective: Objective, point: Tensor, here: Evaluation
    ) -> Advance:
        found: list[Evaluation] = []
        last = point

        def evaluate(trial: Tensor) -> Trial:
            nonlocal last
            last = trial
            if not with_gradients:
                return objective.value(trial), None
            found.append(objective.evaluate(trial))
            return found[-1].loss, found[-1].gradient

        outcome = self.region.iterate(point, here.loss, here.gradient, self.radius, evaluate)
        if overlaps:  # rejected or not: a model that misled would mislead again
            a_few = Tally()  # samples: they do not count as passes over the data, their vectors do
            shared = Objective(self._params, overlaps, self.buffers, self.communicator, a_few)
            change = shared.evaluate(last).gradient - shared.evaluate(point).gradient
            self.tally.vectors += a_few.vectors
            self.region.memory.update(last - point, change)
        if not outcome.record.accepted:
            return Advance(point, outcome.radius, outcome.record, here)
        return Advance(outcome.point, outcome.radius, outcome.record, found[-1] if found else None)
