"""Train the modules of a network with old gradients, exactly, in one process or over ranks.

A method (``ddlab.pipeline.methods``) says at which iterations a module works on a batch. At iteration t every module
goes forward with the batch that is due and back with the batch whose error is due, all of them with the weights w^t;
then those that went back update their weights. In one process nothing runs at once, but the numbers are those of ranks
that do.

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
from ddlab.pipeline.links import Links
from ddlab.pipeline.methods import Kept, Method

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


@dataclass(frozen=True)
class Held:
    """The modules that are trained here, of all modules of a method.

    Parameters
    ----------
    first
        The first of them; the others follow it.
    links
        To the ranks that have the modules before and behind; None if all are here.
    """

    first: int = 0
    links: Links | None = None


ALL_HERE = Held()


class DelayedTraining:
    """The training of a network as a sequence of modules by a method of ``METHODS``, in one process or over ranks.

    Modules are trained in the mode they are in (``module.train()``). Over ranks, every rank sees all batches, and calls
    the same methods in the same order.

    Parameters
    ----------
    modules
        Those that are held here, in order; the output of each is the input of the next.
    make_optimizer
        Makes the optimizer of a module from its parameters; it steps without a closure. None: who calls :meth:`step`
        updates the weights after it, those whose gradient is not None.
    loss
        A number from the output of the last module and the targets of a batch.
    method
        For all modules of the network.
    held
        Which of them are held here.

    Raises
    ------
    ValueError
        If modules share parameters, or there are none.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        make_optimizer: MakeOptimizer | None,
        loss: Loss,
        method: Method,
        held: Held = ALL_HERE,
    ) -> None:
        check_modules(modules)
        self.method, self.loss, self.links = method, loss, held.links
        self.numbers = range(held.first, held.first + len(modules))
        self.modules = {
            k: DelayedModule(module, make_optimizer, method.delays[k], method.recomputes)
            for k, module in zip(self.numbers, modules, strict=True)
        }
        self.iteration = 0
        self._inputs: dict[int, deque[Parcel]] = {k: deque() for k in self.numbers}
        self._errors: dict[int, deque[Parcel]] = {k: deque() for k in self.numbers}
        self._targets: dict[int, Tensor] = {}  # of the batches that are under way, by the iteration of their entry

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The most that every module here has kept at once so far, as it was counted."""
        return tuple(each.most for each in self.modules.values())

    @property
    def under_way(self) -> bool:
        """A batch has entered that some module here, or elsewhere, has not finished."""
        waiting = any(each.waiting for each in self.modules.values())
        parcels = (*self._inputs.values(), *self._errors.values())
        return waiting or any(parcels) or bool(self._targets)

    def step(self, inputs: Tensor, targets: Tensor) -> Outcome | None:
        """Do an iteration in which a batch enters; return what came through the last module, if anything has.

        The gradients with which modules were updated stay in ``.grad`` until the next iteration.
        """
        if 0 in self.numbers:
            self._inputs[0].append(Parcel(self.iteration, inputs))
        self._targets[self.iteration] = targets
        return self.advance()

    def advance(self) -> Outcome | None:
        """Do an iteration in which no batch enters; return what :meth:`step` returns."""
        outcome = None
        for each in self.modules.values():
            each.forget_gradients()
        # Modules that store inputs go back first, so that they keep one less; the updates come last, so it is the same.
        early = [k for k in self.numbers if self.modules[k].stores_inputs]
        for k in early:
            self._backward(k)
        for k in self.numbers:
            outcome = self._forward(k)
        for k in reversed(self.numbers):
            if k not in early:
                self._backward(k)
        for each in self.modules.values():
            each.update()
        self._targets.pop(self.iteration - self.method.drain, None)
        self.iteration += 1
        return outcome

    def drain(self) -> Iterator[Outcome | None]:
        """Do iterations without new batches until nothing is under way; yield what :meth:`step` returns."""
        while self.under_way:
            yield self.advance()

    def data_pass(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Outcome]:
        """Train on every batch once, and drain; yield the outcome of every batch, in their order."""
        for inputs, targets in batches:
            if outcome := self.step(inputs, targets):
                yield outcome
        yield from filter(None, self.drain())

    def _forward(self, k: int) -> Outcome | None:
        """Let module k go forward if its batch has arrived; the last one also computes the loss and its error."""
        entered = self.iteration - self.method.lags.forward[k]
        if k == self.numbers[0] and k > 0 and entered in self._targets:
            assert self.links is not None, "the modules before are elsewhere"
            arrived = self.links.receive_activations(len(self._targets[entered]))
            self._inputs[k].append(Parcel(entered, arrived))
        parcel = take_due(self._inputs[k], entered)
        if parcel is None:
            return None
        output = self.modules[k].forward(*parcel, needs_error=k > 0)
        if k + 1 < self.method.num_modules:
            if k + 1 in self.numbers:
                self._inputs[k + 1].append(Parcel(entered, output))
            elif self.links is not None:
                self.links.send_on(output)
            return None
        leaf = output.detach().requires_grad_()
        loss = self.loss(leaf, self._targets[entered])
        self._errors[k].append(Parcel(entered, torch.autograd.grad(loss, leaf)[0]))
        return Outcome(entered, loss.detach(), output)

    def _backward(self, k: int) -> None:
        """Let module k go back if its error is due, and send the error of its input to the module before it."""
        entered = self.iteration - self.method.lags.backward[k]
        if k == self.numbers[-1] and k + 1 < self.method.num_modules and entered in self._targets:
            assert self.links is not None, "the modules behind are elsewhere"
            self._errors[k].append(Parcel(entered, self.links.receive_error(len(self._targets[entered]))))
        parcel = take_due(self._errors[k], entered)
        if parcel is None:
            return
        error = self.modules[k].backward(parcel, needs_error=k > 0)
        if error is None:
            return
        if k - 1 in self.numbers:
            self._errors[k - 1].append(Parcel(entered, self.method.beta * error))
        elif self.links is not None:
            self.links.send_back(self.method.beta * error)


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
