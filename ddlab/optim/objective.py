"""Losses as functions of one flat vector: closures, evaluated at a point with everything random held still.

Shapes: n parameters in one vector ``(n,)``, N subdomains of the data, of which a rank holds some.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ddlab.exact import exact_type
from ddlab.optim.communicator import Communicator, halving_sum
from ddlab.optim.flat import flatten, write

Closure = Callable[[], Tensor]


@dataclass(frozen=True)
class Evaluation:
    """A loss and its gradient ``(n,)`` at a point, and the parts that they are the mean of.

    Parameters
    ----------
    losses, gradients
        Of the subdomains that this rank holds.
    buffers
        What the evaluation left in the buffers, such as running statistics.
    """

    loss: float
    gradient: Tensor
    losses: tuple[float, ...]
    gradients: tuple[Tensor, ...]
    buffers: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Part:
    """One subdomain of the data.

    Parameters
    ----------
    closure, value
        The former computes the loss and its gradient, the latter the loss alone; both return the loss.
    weight
        Of its loss in the mean; all subdomains' add up to 1.
    """

    closure: Closure
    value: Closure
    weight: float


@dataclass
class Tally:
    """The effort so far: passes over this rank's part of the data, and vectors of n numbers that ranks summed."""

    gradients: float = 0.0
    values: float = 0.0
    vectors: int = 0

    @property
    def data_passes(self) -> float:
        """Passes in units of a gradient's; a loss alone takes a third of it."""
        return self.gradients + self.values / 3


class Objective:
    """The mean of N losses, one a subdomain of the data, as a function of one vector.

    Every evaluation draws the same random numbers (dropout) and leaves buffers (running statistics) as they were, so
    that a difference of losses depends on the point alone. The parameters hold the point that was evaluated last.

    Parameters
    ----------
    parts
        The subdomains of this rank.
    buffers
        What evaluations change besides the gradients.
    """

    def __init__(
        self,
        params: Sequence[Tensor],
        parts: Sequence[Part],
        buffers: Sequence[Tensor],
        communicator: Communicator,
        tally: Tally,
    ) -> None:
        self.params, self.parts, self.buffers = params, parts, buffers
        self.communicator, self.tally = communicator, tally
        self._random = _random_state(params[0].device)

    # ---- one subdomain

    def gradient_of(self, index: int, point: Tensor) -> tuple[float, Tensor]:
        """Loss and gradient of one of this rank's subdomains.

        Raises
        ------
        ValueError
            If the closure computes no gradient.
        """
        with self._buffers_restored():
            return self._differentiate(index, point)

    @torch.no_grad()
    def value_of(self, index: int, point: Tensor) -> float:
        """Loss of one of this rank's subdomains."""
        self.tally.values += self.parts[index].weight * self.communicator.size
        write(point, self.params)
        with self._buffers_restored():
            _set_random_state(point.device, self._random)
            return float(self.parts[index].value())

    # ---- all subdomains

    def evaluate(self, point: Tensor) -> Evaluation:
        """The mean loss and its gradient; ranks sum one vector."""
        with self._buffers_restored():
            parts = [self._differentiate(index, point) for index in range(len(self.parts))]
            left = tuple(buffer.clone() for buffer in self.buffers)
        losses, gradients = tuple(loss for loss, _ in parts), tuple(gradient for _, gradient in parts)
        weighted = [part.weight * gradient for part, gradient in zip(self.parts, gradients, strict=True)]
        return Evaluation(self._mean(losses), self.total(weighted, point), losses, gradients, left)

    def value(self, point: Tensor) -> float:
        """The mean loss."""
        return self._mean([self.value_of(index, point) for index in range(len(self.parts))])

    def settle(self, evaluation: Evaluation) -> None:
        """Let the buffers be as this evaluation left them: once a step, where it begins."""
        for buffer, value in zip(self.buffers, evaluation.buffers, strict=True):
            buffer.copy_(value)

    def total(self, vectors: Sequence[Tensor], like: Tensor) -> Tensor:
        """The sum of all subdomains' vectors; ranks sum one."""
        self.tally.vectors += 1
        return self.communicator.sum(halving_sum(vectors).clone() if vectors else torch.zeros_like(like))

    def add(self, numbers: Sequence[float]) -> float:
        """The sum of all subdomains' numbers, in float64 where the device has it."""
        device = self.params[0].device
        own = [torch.tensor(number, dtype=exact_type(device), device=device) for number in numbers]
        zero = torch.zeros((), dtype=exact_type(device), device=device)
        return float(self.communicator.sum(halving_sum(own).clone() if own else zero))

    def _mean(self, losses: Sequence[float]) -> float:
        return self.add([part.weight * loss for part, loss in zip(self.parts, losses, strict=True)])

    def _differentiate(self, index: int, point: Tensor) -> tuple[float, Tensor]:
        self.tally.gradients += self.parts[index].weight * self.communicator.size
        write(point, self.params)
        for parameter in self.params:
            parameter.grad = None
        _set_random_state(point.device, self._random)
        with torch.enable_grad():
            loss = float(self.parts[index].closure().detach())
        gradients = [parameter.grad for parameter in self.params]
        if all(gradient is None for gradient in gradients):
            raise ValueError("closure: must compute the gradient (call backward on the loss), but no parameter has one")
        pairs = zip(self.params, gradients, strict=True)
        return loss, flatten([torch.zeros_like(p) if gradient is None else gradient for p, gradient in pairs])

    @contextmanager
    def _buffers_restored(self) -> Iterator[None]:
        before = [buffer.clone() for buffer in self.buffers]
        try:
            yield
        finally:
            for buffer, value in zip(self.buffers, before, strict=True):
                buffer.copy_(value)


def _random_state(device: torch.device) -> list[Tensor]:
    """Return the random state of the processor, and of the GPU if the computation is there."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def _set_random_state(device: torch.device, state: list[Tensor]) -> None:
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)
