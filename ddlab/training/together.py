"""One update for all networks of a bank, as long as they learn alike.

Every network of a bank has an optimizer of its own, which a checkpoint holds and a plateau slows down. While their
rates are the same their updates are one: that of an optimizer of the whole bank, of whose history their own ones have
views. Its calls are those of one network's update, and tensors of small networks take less time than the calls.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from ddlab.training.trainee import Trainee, make_optimizer, step_at


class Stepping(Protocol):
    """Whatever takes a step of an optimizer: a network in training, or several at once."""

    def step(self) -> None: ...  # noqa: D102


class Together:
    """The networks of a bank, all of them and in its order, whose optimizers differ in nothing but the network.

    Their optimizers must have stepped before; from here on their histories are views of a common one, which holds the
    same numbers.
    """

    def __init__(self, trainees: Sequence[Trainee]) -> None:
        self.trainees = trainees
        first = trainees[0]
        self.optimizer = make_optimizer(list(first.owner.parameters()), first.settings)
        self.optimizer.param_groups[0].update(_manner(first))
        self._counts: list[Tensor] = []
        optimizers = (self.optimizer, *(each.optimizer for each in trainees))
        for whole, *parts in zip(*map(_parameters, optimizers), strict=True):
            states = [each.optimizer.state[part] for each, part in zip(trainees, parts, strict=True)]
            self.optimizer.state[whole] = {name: self._united(whole, name, states) for name in states[0]}

    def _united(self, parameter: Tensor, name: str, states: Sequence[dict[str, Tensor]]) -> Tensor:
        """One history of the whole parameter, which the networks' own ones become views of; of counts, a copy."""
        values = [state[name] for state in states]
        if not values[0].dim():
            self._counts += values
            return values[0].clone()
        united = torch.empty_like(parameter)
        for state, block in zip(states, united.chunk(len(states)), strict=True):
            state[name] = block.copy_(state[name])
        return united

    def step(self) -> None:
        """Take a step of every network."""
        shares = {trainee.begin_step() for trainee in self.trainees}
        step_at(self.optimizer, shares.pop())
        if self._counts:
            torch._foreach_add_(self._counts, 1)


def stepping(active: Sequence[Trainee], networks: int) -> Sequence[Stepping]:
    """Choose who steps in an epoch: all networks at once where they learn alike, else each by itself.

    That follows from their optimizers alone, so a resumed training steps as the uninterrupted one.

    Parameters
    ----------
    active
        The networks still in training, of all ``networks`` of a bank.
    """
    return [Together(active)] if len(active) == networks > 1 and _alike(active) else active


def _alike(trainees: Sequence[Trainee]) -> bool:
    settings = trainees[0].settings
    if settings.weight_decay and settings.decayed != "all":
        return False  # their optimizers have hooks of their own
    manners = [(type(each.optimizer), each.progress.steps, _manner(each)) for each in trainees]
    stepped = all(len(each.optimizer.state) == len(_parameters(each.optimizer)) for each in trainees)
    return stepped and all(manner == manners[0] for manner in manners)


def _manner(trainee: Trainee) -> dict[str, Any]:
    (group,) = trainee.optimizer.param_groups
    return {name: value for name, value in group.items() if name != "params"}


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    parameters: list[Tensor] = optimizer.param_groups[0]["params"]
    return parameters
