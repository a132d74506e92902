"""The base of the methods with a trust region as optimizers of torch: one vector, one radius, a state that resumes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from ddlab.optim.communicator import Communicator
from ddlab.optim.flat import flatten, write
from ddlab.optim.iteration import Region, StepRecord
from ddlab.optim.model import StepModel
from ddlab.optim.objective import Closure, Evaluation, Objective, Part, Tally
from ddlab.optim.radius import RadiusRule


@dataclass(frozen=True)
class Advance:
    """The outcome of a step: the next point and radius, what happened, and what is known there, if anything."""

    point: Tensor
    radius: float
    record: StepRecord
    known: Evaluation | None = None


class Placement(TypedDict, total=False):
    """The ranks and buffers that a method works with.

    Parameters
    ----------
    group
        Ranks that hold a part of the data each. None or nothing: this process is alone.
    buffers
        What closures change besides gradients: ``model.buffers()`` where there is batch normalisation, whose statistics
        then move once a step.
    """

    group: ProcessGroup | None
    buffers: Sequence[Tensor]


class TrustRegionMethod(torch.optim.Optimizer):
    """Steps in balls. Everything that a resumed training needs is in ``state`` and ``param_groups``.

    Attributes
    ----------
    record
        What the last step did; None before the first.
    tally
        What all steps took.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        radius: float,
        rule: RadiusRule,
        model: StepModel,
        **placement: Unpack[Placement],
    ) -> None:
        if not rule.least <= radius <= rule.most:
            bounds = f"from min_radius = {rule.least:g} to max_radius = {rule.most:g}"
            raise ValueError(f"radius: must be above 0, {bounds}, got {radius:g}")
        super().__init__(params, {})
        if len(self.param_groups) > 1:
            raise ValueError(f"params: all parameters make one vector, so one group, got {len(self.param_groups)}")
        self.region = Region(model, rule, model.memory())
        self._memories = [self.region.memory]  # and those of subdomains, where there are any
        self.communicator, self.buffers = Communicator(placement.get("group")), tuple(placement.get("buffers", ()))
        self.tally = Tally()
        self.record: StepRecord | None = None
        self._known: Evaluation | None = None
        self._own_state.update(radius=float(radius), known=False)
        self._remember()

    @property
    def radius(self) -> float:
        """The radius of the next step."""
        radius: float = self._own_state["radius"]
        return radius

    def _step(
        self, parts: Sequence[Part], advance: Callable[[Objective, Tensor, Evaluation], Advance], again: bool
    ) -> Tensor:
        """Step once, and return the loss where the step began.

        Parameters
        ----------
        advance
            Finds the next point.
        again
            The parts are the functions of the step before.
        """
        point = flatten(self._params)
        objective = Objective(self._params, parts, self.buffers, self.communicator, self.tally)
        here = self._evaluation(objective, point, again)
        objective.settle(here)
        try:
            found = advance(objective, point, here)
            point, self.record, self._known = found.point, found.record, found.known
            self._own_state.update(radius=found.radius, known=found.known is not None)
        finally:
            write(point, self._params)  # whatever happened, the parameters are not left at a trial point
            self._remember()
        return torch.tensor(here.loss, dtype=point.dtype, device=point.device)

    def _evaluation(self, objective: Objective, point: Tensor, again: bool) -> Evaluation:
        """The loss and gradient where the step begins; what the step before left is not computed again."""
        if not again or not self._own_state["known"]:
            return objective.evaluate(point)
        if self._known is None:  # resumed: the same numbers as before, which were counted then
            objective.tally = Tally()
            self._known = objective.evaluate(point)
            objective.tally = self.tally
        return self._known

    # ---- state

    @property
    def _params(self) -> list[Tensor]:
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    @property
    def _own_state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.state[self._params[0]]
        return state

    def _remember(self) -> None:
        """Put everything that changes into the state that torch saves; without copies."""
        memories = [memory.state_dict() for memory in self._memories]
        self._own_state.update(memories=memories, tally=vars(self.tally).copy())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave, to the last bit."""
        super().load_state_dict(state_dict)
        self._known = None
        self.tally = Tally(**self._own_state["tally"])
        for memory, state in zip(self._memories, self._own_state["memories"], strict=True):
            memory.load_state_dict(state)


def as_parts(closures: Sequence[Closure], values: Sequence[Closure] | None, weights: Sequence[float]) -> list[Part]:
    """The subdomains of a rank; closures serve as values where none are given."""
    values = values or [torch.enable_grad()(closure) for closure in closures]
    return [Part(*part) for part in zip(closures, values, weights, strict=True)]
