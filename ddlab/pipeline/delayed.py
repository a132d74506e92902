"""Train the modules of a network with old gradients, exactly and in one process.

A method (``ddlab.pipeline.methods``) says at which iterations a module works on a batch. At iteration t every module
goes forward with the batch that is due and back with the batch whose error is due, all of them with the weights w^t;
then those that went back update their weights. Nothing runs at once here: the numbers are those of ranks that do.

*Fill-up and drain.* A module has nothing to do until its first input has arrived, and no update until its first error
has. :meth:`DelayedTraining.drain` goes on without new batches until nothing is under way, and modules that have
finished do nothing. So in a data pass that ends with a drain every module goes forward once, back once and updates once
for every batch, and weights and optimizers are all that a checkpoint must hold.

What a module keeps, and what that means for old weights, batch normalisation and dropout, is in
``ddlab.pipeline.delayed_module``.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ddlab.pipeline.delayed_module import DelayedModule, MakeOptimizer, Parcel
from ddlab.pipeline.methods import Kept, make_method

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Outcome:
    """A batch that has come through the last module.

    Parameters
    ----------
    entered
        The iteration at which it entered the first module.
    loss, output
        Of the whole network, at the weights that met it; without graphs.
    """

    entered: int
    loss: Tensor
    output: Tensor


class DelayedTraining:
    """The training of a network as a sequence of modules, each with its own optimizer, by a method of ``METHODS``.

    Modules are trained in the mode they are in (``module.train()``).

    Parameters
    ----------
    modules
        In order; the output of each is the input of the next.
    make_optimizer
        Makes the optimizer of a module from its parameters; it steps without a closure.
    loss
        A number from the output of the last module and the targets of a batch.
    method
        One of ``METHODS``.
    beta
        The factor of the error at every hop, in FDG.
    staleness
        The delay of every module, in DSP.

    Raises
    ------
    ValueError
        If the method cannot train them; names the field, the rule, the value and the choices.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        make_optimizer: MakeOptimizer,
        loss: Loss,
        method: str,
        beta: float = 1.0,
        staleness: Sequence[int] | None = None,
    ) -> None:
        check_modules(modules)
        self.method, self.loss = make_method(method, len(modules), beta, staleness), loss
        recomputes = self.method.recomputes
        self.modules = [
            DelayedModule(module, make_optimizer, delay, recomputes)
            for module, delay in zip(modules, self.method.delays, strict=True)
        ]
        self.iteration = 0
        self._inputs: list[deque[Parcel]] = [deque() for _ in modules]
        self._errors: list[deque[Parcel]] = [deque() for _ in modules]
        self._targets: deque[Parcel] = deque()

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The most that every module has kept at once so far, as it was counted."""
        return tuple(each.most for each in self.modules)

    @property
    def under_way(self) -> bool:
        """A batch has entered that some module has not finished."""
        waiting = any(each.waiting for each in self.modules)
        return waiting or any(self._inputs) or any(self._errors) or bool(self._targets)

    def step(self, inputs: Tensor, targets: Tensor) -> Outcome | None:
        """Do an iteration in which a batch enters; return what came through the last module, if anything has.

        The gradients with which modules were updated stay in ``.grad`` until the next iteration.
        """
        self._inputs[0].append(Parcel(self.iteration, inputs))
        self._targets.append(Parcel(self.iteration, targets))
        return self._iterate()

    def drain(self) -> Iterator[Outcome]:
        """Do iterations without new batches until nothing is under way; yield what comes through the last module."""
        while self.under_way:
            if outcome := self._iterate():
                yield outcome

    def data_pass(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Outcome]:
        """Train on every batch once, and drain; yield the outcome of every batch, in their order."""
        for inputs, targets in batches:
            if outcome := self.step(inputs, targets):
                yield outcome
        yield from self.drain()

    def _iterate(self) -> Outcome | None:
        modules, outcome = range(len(self.modules)), None
        for each in self.modules:
            each.forget_gradients()
        # Modules that store inputs go back first, so that they keep one less; the updates come last, so it is the same.
        early = [k for k in modules if self.modules[k].stores_inputs]
        for k in early:
            self._backward(k)
        for k in modules:
            outcome = self._forward(k)
        for k in reversed(modules):
            if k not in early:
                self._backward(k)
        for each in self.modules:
            each.update()
        self.iteration += 1
        return outcome

    def _forward(self, k: int) -> Outcome | None:
        """Let module k go forward if its batch has arrived; the last one also computes the loss and its error."""
        parcel = take_due(self._inputs[k], self.iteration - self.method.lags.forward[k])
        if parcel is None:
            return None
        output = self.modules[k].forward(*parcel, needs_error=k > 0)
        if k + 1 < len(self.modules):
            self._inputs[k + 1].append(Parcel(parcel.entered, output))
            return None
        leaf, targets = output.detach().requires_grad_(), self._targets.popleft()
        assert targets.entered == parcel.entered, "targets leave in the order in which batches do"
        loss = self.loss(leaf, targets.tensor)
        self._errors[k].append(Parcel(parcel.entered, torch.autograd.grad(loss, leaf)[0]))
        return Outcome(parcel.entered, loss.detach(), output)

    def _backward(self, k: int) -> None:
        """Let module k go back if its error is due, and send the error of its input to the module before it."""
        parcel = take_due(self._errors[k], self.iteration - self.method.lags.backward[k])
        if parcel is None:
            return
        error = self.modules[k].backward(parcel, needs_error=k > 0)
        if error is not None:
            self._errors[k - 1].append(Parcel(parcel.entered, self.method.beta * error))


def check_modules(modules: Sequence[nn.Module]) -> None:
    """Refuse a sequence that is empty, or whose modules share parameters, which two optimizers would change."""
    if not modules:
        raise ValueError("modules: must be at least one module, got 0")
    owners: dict[nn.Parameter, int] = {}
    for k, module in enumerate(modules):
        for parameter in module.parameters():
            if owners.setdefault(parameter, k) != k:
                raise ValueError(f"modules: must share no parameters, got one of both {owners[parameter]} and {k}")


def take_due(parcels: deque[Parcel], entered: int) -> Parcel | None:
    """Take the oldest parcel if its batch entered at this iteration; the others wait."""
    return parcels.popleft() if parcels and parcels[0].entered == entered else None
