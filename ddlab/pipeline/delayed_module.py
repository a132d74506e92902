"""One module that is trained with old gradients: what it keeps between its forward and its backward passes.

*Old weights.* The gradient of a graph that is d updates old is that of the weights of then. So a module with a delay
computes its forward passes with copies of its weights, one copy for every version that a graph needs. The released
codes of DDG and FDG, of a time when torch let it pass, update the weights under the stored graphs instead, and mix old
activations with new weights; torch of today refuses that.

*Batch normalisation and dropout.* A forward pass that is computed again for its graph normalises with the statistics
of the same batch, at the weights of now, but works on copies of the buffers: running averages move once a batch, at
the first forward pass, whose output is what the next modules saw. It draws the same random numbers as the first.

*Layers in place.* A module gets a copy of its input, as a rank would by receiving it, so that it may begin with a layer
that changes its input, and what is kept stays as it was.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ddlab.pipeline.methods import Kept

Weights = dict[str, Tensor]
MakeOptimizer = Callable[[list[nn.Parameter]], torch.optim.Optimizer]


class Parcel(NamedTuple):
    """A tensor on its way between two modules, with the iteration at which its batch entered."""

    entered: int
    tensor: Tensor


@dataclass(frozen=True)
class Graph:
    """A forward pass that can go back: the ``weights`` are those it saw, and ``version`` counts the updates before."""

    entered: int
    inputs: Tensor
    weights: Weights
    version: int
    output: Tensor


@dataclass(frozen=True)
class StoredInput:
    """An input whose forward pass is to be computed again, with the states of the random generators before it."""

    entered: int
    inputs: Tensor
    states: tuple[Tensor, ...]


class DelayedModule:
    """A module with its optimizer, and what it keeps until errors arrive.

    Parameters
    ----------
    delay
        Iterations between the forward and the backward pass on a batch.
    stores_inputs
        Forward passes are computed again when the error has arrived.

    Attributes
    ----------
    updates
        Updates so far.
    most
        The most that it has kept at once.
    """

    def __init__(
        self, module: nn.Module, make_optimizer: MakeOptimizer | None, delay: int, stores_inputs: bool
    ) -> None:
        self.module, self.delay = module, delay
        self.stores_inputs = stores_inputs and delay > 0  # without a delay the graph is used at once
        self.parameters = {name: each for name, each in module.named_parameters() if each.requires_grad}
        self.optimizer = make_optimizer(list(self.parameters.values())) if make_optimizer and self.parameters else None
        self.waiting: deque[Graph | StoredInput] = deque()
        self.most, self.updates = Kept(), 0
        self._copies: tuple[int, Weights] = (-1, {})
        self._went_back = False

    def forget_gradients(self) -> None:
        """Clear the gradients of the iteration before, so that those there are belong to this one."""
        self._went_back = False
        for parameter in self.parameters.values():
            parameter.grad = None

    def forward(self, entered: int, inputs: Tensor, needs_error: bool) -> Tensor:
        """Compute the output of a batch, and keep what its backward pass needs.

        Parameters
        ----------
        needs_error
            There is a module before this one, which waits for the error.
        """
        if self.stores_inputs:
            self.waiting.append(StoredInput(entered, inputs, random_states(inputs.device)))
            self._count(Kept(0, len(self.waiting)))
            with torch.no_grad():
                output: Tensor = self.module(inputs.clone())  # as below: the module may change it in place
            return output
        leaf = inputs.detach().requires_grad_(needs_error)
        weights = self._version() if self.delay else self._current()
        output = functional_call(self.module, weights, (leaf.clone(),))
        self.waiting.append(Graph(entered, leaf, weights, self.updates, output))
        versions = {each.version for each in self.waiting if isinstance(each, Graph)}
        self._count(Kept(len(self.waiting), 0, len(versions | {self.updates})))
        return output.detach()

    def backward(self, error: Parcel, needs_error: bool) -> Tensor | None:
        """Set the gradients of the oldest batch; return the error of its input, if the module before needs it."""
        oldest = self.waiting[0]
        assert oldest.entered == error.entered, f"the error of batch {error.entered} met batch {oldest.entered}"
        graph = self._computed_again(oldest, needs_error) if isinstance(oldest, StoredInput) else oldest
        self.waiting.popleft()
        self._went_back = True
        sources = [*graph.weights.values(), *([graph.inputs] if needs_error else [])]
        if not (sources and graph.output.requires_grad):
            return torch.zeros_like(graph.inputs) if needs_error else None
        gradients = torch.autograd.grad(graph.output, sources, error.tensor, allow_unused=True)
        for name, gradient in zip(graph.weights, gradients, strict=False):  # the last can be that of the input
            self.parameters[name].grad = gradient
        if not needs_error:
            return None
        return torch.zeros_like(graph.inputs) if gradients[-1] is None else gradients[-1]

    def update(self) -> None:
        """Let the optimizer step, if there was an error in this iteration."""
        if self._went_back:
            if self.optimizer is not None:
                self.optimizer.step()
            self.updates += 1

    def _computed_again(self, stored: StoredInput, needs_error: bool) -> Graph:
        """Compute a forward pass with the weights of now and the same random numbers; buffers stay as they are."""
        leaf = stored.inputs.detach().requires_grad_(needs_error)
        buffers = {name: buffer.clone() for name, buffer in self.module.named_buffers()}
        with same_draws(stored.states, leaf.device):
            output = functional_call(self.module, buffers, (leaf.clone(),))
        self._count(Kept(1, len(self.waiting)))
        return Graph(stored.entered, leaf, self._current(), self.updates, output)

    def _current(self) -> Weights:
        """The weights that the optimizer changes, for graphs that go back before it does."""
        return {**self.parameters}

    def _version(self) -> Weights:
        """Copy the weights, once after every update: a stored graph must not see the optimizer change them."""
        if self._copies[0] != self.updates:
            copies = {name: each.detach().clone().requires_grad_() for name, each in self.parameters.items()}
            self._copies = (self.updates, copies)
        return self._copies[1]

    def _count(self, kept: Kept) -> None:
        self.most = self.most.at_least(kept)


def random_states(device: torch.device) -> tuple[Tensor, ...]:
    """The states of the random generators that a module on this device can draw from."""
    own = torch.get_rng_state()
    return (own,) if device.type == "cpu" else (own, torch.get_device_module(device).get_rng_state(device))


@contextmanager
def same_draws(states: tuple[Tensor, ...], device: torch.device) -> Iterator[None]:
    """Let the random generators begin at these states, and afterwards go on as if nothing had been drawn."""
    before = random_states(device)
    try:
        _set_states(states, device)
        yield
    finally:
        _set_states(before, device)


def _set_states(states: tuple[Tensor, ...], device: torch.device) -> None:
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.get_device_module(device).set_rng_state(states[1], device)
