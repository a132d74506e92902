"""One network in training: its optimizer, its learning rate, how far it has come, what a checkpoint holds of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ddlab.experiment import TrainingSettings

if TYPE_CHECKING:
    from ddlab.runs.records import Notes

KERNEL_AXES = 3  # of a convolution's weight at least: channels out, channels in, and space

State = dict[str, Tensor]
RENAMED = {"sweeps": "data_passes"}  # fields of the progress in checkpoints of an older ddlab
PARTS = {"last_state", "best_state", "optimizer", "scheduler", "progress"}  # of a checkpoint, at least


class Owner(Protocol):
    """An owner of networks: gives each one's parameters and state, as :class:`ddlab.models.bank.Bank` does."""

    def parameters(self) -> Iterator[Tensor]: ...  # noqa: D102
    def buffers(self) -> Iterator[Tensor]: ...  # noqa: D102
    def parameters_of(self, index: int) -> list[Tensor]: ...  # noqa: D102
    def state_of(self, index: int) -> State: ...  # noqa: D102
    def load_state_of(self, index: int, state: State) -> None: ...  # noqa: D102


@dataclass
class Progress:
    """The progress of one network: all that a checkpoint must hold besides the weights and the optimizer.

    Parameters
    ----------
    steps
        Steps of back-propagation so far.
    data_passes
        Passes over the training images, in units of one with gradients.
    vectors
        Times that ranks with a part of the data each sum a number for every parameter.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_measure: float = float("inf")
    finished: bool = False
    validation_accuracy: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    data_passes: float = 0.0
    vectors: int = 0


class Trainee:
    """One network in training: its optimizer, its schedule, how far it has come, and its best state so far.

    ``notes`` gives what else an epoch's record is to say of it; ``gradients`` is whose norms are limited, each by
    itself, and ``over_ranks`` adds up what ranks hold parts of.
    """

    def __init__(self, owner: Owner, index: int, subdomain: int | None, settings: TrainingSettings) -> None:
        self.owner, self.index, self.subdomain, self.settings = owner, index, subdomain, settings
        self.optimizer = make_optimizer(owner.parameters_of(index), settings)
        # Progress is what it is for the best epoch. torch's relative threshold would take a standing accuracy, a
        # negative measure, for progress.
        self.scheduler: ReduceLROnPlateau | None = ReduceLROnPlateau(
            self.optimizer,
            factor=settings.plateau_factor,
            patience=settings.plateau_patience,
            threshold=0,
            min_lr=settings.plateau_least,
        )
        self.progress = Progress()
        self.best_state: State = owner.state_of(index)
        self.last_state: State = self.best_state
        self.notes: Callable[[], Notes] = lambda: {}
        self.gradients: list[list[Tensor]] = [self.optimizer.param_groups[0]["params"]]
        self.over_ranks: Callable[[Tensor], Tensor] = lambda squares: squares

    @property
    def rate(self) -> float | None:
        """The learning rate now; None for optimizers without one."""
        return self.optimizer.param_groups[0].get("lr")

    def use(self, optimizer: torch.optim.Optimizer) -> None:
        """Train with an optimizer that needs no learning rate, nor a plan of it."""
        self.optimizer, self.scheduler = optimizer, None

    def begin_with(self, state: State) -> None:
        """Begin from these weights."""
        self.owner.load_state_of(self.index, state)
        self.best_state = self.last_state = self.owner.state_of(self.index)

    def step(self) -> None:
        """Take a step of the optimizer, at a part of the rate while it warms up."""
        step_at(self.optimizer, self.begin_step())

    def begin_step(self) -> float:
        """Count a step, limit the gradient, and return the part of the rate that the step is taken at.

        Adam's first steps are of one length whatever the gradient, and all weights behind a unit that sees thousands of
        positive inputs move the same way: at the full rate its sum falls so far that no image lifts it above zero.
        """
        self.progress.steps += 1
        if self.settings.clip_norm:
            for parameters in self.gradients:
                _clip(parameters, self.settings.clip_norm, self.over_ranks)
        return min(1.0, self.progress.steps / max(1, self.settings.warm_up))

    def end_epoch(self, loss: float, accuracy: float, seconds: float) -> None:
        """Take note of the validation: keep the best state, lower the rate on a plateau, stop where it is due."""
        progress, settings = self.progress, self.settings
        measure = loss if settings.monitor == "loss" else -accuracy
        progress.epoch += 1
        progress.validation_accuracy = accuracy
        progress.seconds += seconds
        if measure < progress.best_measure:
            progress.best_measure, progress.best_epoch = measure, progress.epoch
            self.best_state = self.owner.state_of(self.index)
        if self.scheduler:
            self._plan_rate(self.scheduler, measure)
        stale = progress.epoch - progress.best_epoch
        stopped = 0 < settings.early_stopping <= stale
        progress.finished = progress.finished or stopped or progress.epoch >= settings.epochs
        self.last_state = self.owner.state_of(self.index)

    def _plan_rate(self, scheduler: ReduceLROnPlateau, measure: float) -> None:
        settings = self.settings
        both = settings.plateau == "with plan"
        before = self._planned(self.progress.epoch - 1)
        if both or not settings.rate_steps:
            scheduler.step(measure)
        if settings.rate_steps:
            planned = self._planned(self.progress.epoch)
            for group in self.optimizer.param_groups:
                # What plateaus made of the plan's rate is kept as the rate, which the optimizer's state holds.
                lowered = planned * (group["lr"] / before) if both else planned
                group["lr"] = max(lowered, min(planned, settings.plateau_least))

    def _planned(self, epochs: int) -> float:
        """The plan's rate after so many epochs."""
        begun = [rate for epoch, rate in self.settings.rate_steps if epoch <= epochs]
        return begun[-1] if begun else self.settings.learning_rate

    def kept_state(self) -> State:
        """The state to go on with: of the best epoch or of the last one, as the settings say."""
        return self.best_state if self.settings.keep == "best" else self.last_state

    def checkpoint(self) -> dict[str, Any]:
        """Return everything that training needs to go on exactly as if it had never stopped."""
        return {
            "last_state": self.last_state,
            "best_state": self.best_state,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else {},
            "progress": vars(self.progress),
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Continue from what :meth:`checkpoint` gave."""
        self.last_state, self.best_state = checkpoint["last_state"], checkpoint["best_state"]
        self.owner.load_state_of(self.index, self.last_state)
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(checkpoint["scheduler"])
        self.progress = Progress(**{RENAMED.get(name, name): value for name, value in checkpoint["progress"].items()})


def step_at(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Take a step at a part of the rate, which stays what it is."""
    groups = optimizer.param_groups if share < 1 else []
    rates = [group["lr"] for group in groups]
    for group in groups:
        group["lr"] *= share
    optimizer.step()
    for group, rate in zip(groups, rates, strict=True):
        group["lr"] = rate


def make_optimizer(parameters: list[Tensor], settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimizer that the settings ask for."""
    of_all = settings.decayed == "all"
    common: dict[str, Any] = {
        "lr": settings.learning_rate,
        "weight_decay": settings.weight_decay if of_all else 0.0,
        "fused": True,  # one call for all parameters: a fifth of a step would go into the update otherwise
    }
    kind = partial(torch.optim.SGD, momentum=0.9) if settings.optimizer == "sgd" else torch.optim.Adam
    optimizer: torch.optim.Optimizer = kind(parameters, **common)
    if settings.weight_decay and not of_all:
        kernels = [parameter for parameter in parameters if parameter.dim() >= KERNEL_AXES]
        optimizer.register_step_pre_hook(partial(_decay, kernels, settings.weight_decay))
    return optimizer


@torch.no_grad()
def _clip(parameters: list[Tensor], largest: float, over_ranks: Callable[[Tensor], Tensor]) -> None:
    """Scale gradients down together where their norm is larger (Pascanu, Mikolov, Bengio 2013, Algorithm 1)."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = over_ranks(sum((gradient.square().sum() for gradient in gradients), torch.zeros(()))).sqrt()
    for gradient in gradients:
        gradient.mul_(torch.clamp(largest / norm, max=1.0))


@torch.no_grad()
def _decay(parameters: list[Tensor], factor: float, *_: object) -> None:
    """Add the L2 penalty's gradient; a hook in place of a parameter group, so that states keep one order."""
    for parameter in parameters:
        if parameter.grad is not None:  # else nothing updates it in this step
            parameter.grad.add_(parameter, alpha=factor)
