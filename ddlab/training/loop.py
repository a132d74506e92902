"""The one training loop: an epoch, its records, its checkpoint.

It trains S networks at once, each with its own loss, optimizer, schedule and best epoch: the N networks of a bank, or
one. It reports, it does not draw; it is asked to stop, it does not decide.

Shapes: B samples of a batch, S networks, K classes.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from ddlab.data.source import SplitName
from ddlab.experiment import TrainingSettings
from ddlab.ranks import Ranks
from ddlab.training.batches import Feed, Inputs
from ddlab.training.health import Watch
from ddlab.training.late import Late
from ddlab.training.midway import Midway
from ddlab.training.pace import Pace
from ddlab.training.together import stepping
from ddlab.training.totals import Means, Totals, sample_losses
from ddlab.training.trainee import Trainee

if TYPE_CHECKING:
    from ddlab.runs.records import EpochRecord, Health

STEPS_BETWEEN_CHECKS_OF_THE_LOSS = 20  # and of as many steps ago, which the device has done by then


class Stopped(Exception):
    """The run was asked to stop; everything up to the last epoch is kept."""


class Diverged(Exception):
    """The loss became NaN or infinite.

    Parameters
    ----------
    stage, epoch, subdomain
        Where; ``subdomain`` is None for networks that see the whole image.
    """

    def __init__(self, stage: str, epoch: int, subdomain: int | None) -> None:
        super().__init__(f"the loss became NaN or infinite in stage {stage}, epoch {epoch}, subdomain {subdomain}")
        self.stage, self.epoch, self.subdomain = stage, epoch, subdomain


@dataclass(frozen=True)
class TrainingHooks:
    """The parts of a training that its strategy can vary.

    Parameters
    ----------
    begin
        Called with every network's trainee before its checkpoint is read: to begin from other weights than new ones, or
        to train with another optimizer.
    train_epoch
        What an epoch does, given its number and the networks still in training; by back-propagation if None.
    averaged
        Whether gradients are averaged over the ranks behind the model's back.
    """

    begin: Callable[[Trainee], None] = lambda trainee: None
    train_epoch: "Callable[[Loop, int, list[Trainee]], Means] | None" = None
    averaged: bool = True


NO_HOOKS = TrainingHooks()


@dataclass(frozen=True)
class Loop:
    """The training of networks that are computed together, epoch after epoch.

    Parameters
    ----------
    model
        Maps inputs to logits ``(B, S, K)``; under data parallelism a wrapper that averages gradients over the ranks.
    trainees
        The S networks, in the order of the logits.
    ranks
        Of a collective stage: losses are averaged over them. One rank alone elsewhere.
    report, check, save
        Called with a record a network and epoch; once a step, to stop; after epochs, to write the checkpoint: as often
        as ``overhead`` allows, and at the end.
    parts
        Ranks that hold other networks of a model that is trained as one; one rank alone holds all of it.
    overhead
        Share of the training time that checkpoints may take.
    landmark
        Epoch after which a checkpoint is written whatever it takes; 0: none.
    compute
        What gives the logits in training steps, in place of the model: the model, compiled. None: the model as it is.
    midway
        Checkpoints inside epochs of back-propagation; None: there are none.
    pace
        The times of checkpoints.
    """

    stage: str
    seed: int
    model: nn.Module
    trainees: list[Trainee]
    feed: Feed
    settings: TrainingSettings
    ranks: Ranks
    report: Callable[["EpochRecord"], None]
    check: Callable[[], None]
    save: Callable[[], None]
    hooks: TrainingHooks = NO_HOOKS
    parts: Ranks = Ranks()
    overhead: float = 1.0
    landmark: int = 0
    compute: Callable[[Inputs], Tensor] | None = None
    midway: Midway | None = None
    pace: Pace = field(default_factory=Pace)

    def run(self) -> None:
        """Train until every network has finished.

        Raises
        ------
        Stopped
            If ``check`` says so.
        Diverged
            If a loss is NaN or infinite; the last checkpoint is of a good epoch.
        """
        pace = self.pace
        pace.begin(self.overhead)
        while active := [trainee for trainee in self.trainees if not trainee.progress.finished]:
            epoch = max(trainee.progress.epoch for trainee in active) + 1
            began = self.midway.begin() if self.midway else time.monotonic()
            train_epoch = self.hooks.train_epoch or Loop.back_propagate
            loss_S, accuracy_S = train_epoch(self, epoch, active)
            with Watch(self.model, len(self.trainees)) as watch:
                validation_loss_S, validation_accuracy_S = self.evaluate("validation", watch.see)
            health_S = watch.health(self.ranks, self.parts)
            # The last step of an epoch can break a network whose training losses were all numbers.
            self._refuse([math.isfinite(loss) for loss in validation_loss_S], epoch)
            seconds = time.monotonic() - began
            for i, trainee in enumerate(self.trainees):
                if trainee in active:
                    trainee.end_epoch(validation_loss_S[i], validation_accuracy_S[i], seconds)
                    measures = (loss_S[i], accuracy_S[i], validation_loss_S[i], validation_accuracy_S[i])
                    if self.ranks.rank == 0:
                        times = {"seconds": seconds, "checkpoint_seconds": pace.spent}
                        self.report(self._record(trainee, measures, times, health_S[i]))
            if self._agreed(pace.allows() or self._is_kept(epoch)):
                with pace.writing():
                    self.save()

    def _is_kept(self, epoch: int) -> bool:
        """Whether there must be a checkpoint of this epoch."""
        return epoch == self.landmark or all(trainee.progress.finished for trainee in self.trainees)

    def _agreed(self, wanted: bool) -> bool:
        """The wish of the first of all ranks: parts of a model are kept of the same epoch, and some send theirs."""
        answer = torch.tensor(wanted, dtype=torch.uint8)
        self.ranks.broadcast([answer])
        self.parts.broadcast([answer])
        return bool(answer)

    def _record(
        self, trainee: Trainee, measures: tuple[float, ...], times: dict[str, float], health: "Health"
    ) -> "EpochRecord":
        loss, accuracy, validation_loss, validation_accuracy = measures
        record = {
            "stage": self.stage,
            "seed": self.seed,
            "subdomain": trainee.subdomain,
            "epoch": trainee.progress.epoch,
            "epochs": self.settings.epochs,
            "loss": loss,
            "accuracy": accuracy,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
            "rate": trainee.rate,
            **times,
            **trainee.notes(),
            **health,
        }
        return cast("EpochRecord", record)  # a strategy may note more than its type names

    def back_propagate(self, epoch: int, active: list[Trainee]) -> Means:
        """Train for an epoch; losses and accuracies are those of the batches, at the weights that met them."""
        self.model.train()
        # Everything random in an epoch follows from its number, so a resumed run draws what it would have drawn.
        torch.manual_seed(derive_seed(self.seed, self.stage, epoch, "dropout", self.ranks.rank))
        totals, step = Totals(len(self.trainees), self.ranks), 0
        done = self.midway.go_on(totals, self.ranks) if self.midway else 0
        # In their first epoch networks step one by one, also where it is begun in the middle.
        steps_of = active if done and epoch == 1 else stepping(active, len(self.trainees))
        compute = self.model if self.compute is None else self.compute  # a compiled model has no truth
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        asked = Late(totals.loss_S.isfinite())
        for step, batch in enumerate(self.feed.train(derive_seed(self.seed, "order", epoch))):
            self.check()
            if step < done:  # trained before the interruption; only what follows it is drawn as it would have been
                continue
            with precision(self.settings, self.ranks):
                losses_BS = sample_losses(logits_BSK := compute(batch.inputs), batch.labels)
            # Averaging gradients over ranks divides by their number; the weight makes it the mean over all samples.
            (losses_BS.sum() * (self.ranks.size / batch.total)).backward()
            for each in steps_of:
                each.step()
            torch._foreach_zero_(gradients)  # in place: optimizers hold views of them
            totals.add(losses_BS.detach(), logits_BSK.detach(), batch.labels)
            if step % STEPS_BETWEEN_CHECKS_OF_THE_LOSS == 0:
                self._refuse(asked.read(), epoch)
                asked = Late(totals.loss_S.isfinite())
                if self.midway and step and self._agreed(self.midway.is_due(self.pace)):
                    self._refuse(totals.loss_S.isfinite().tolist(), epoch)
                    self.midway.keep(step + 1, totals, self.ranks, self.pace)
        self._refuse(totals.loss_S.isfinite().tolist(), epoch)
        for trainee in active:
            trainee.progress.data_passes += 1
            trainee.progress.vectors += step + 1
        return totals.means()

    @torch.no_grad()
    def evaluate(self, split: SplitName, see: Callable[[Tensor], None] = lambda logits_BSK: None) -> Means:
        """Mean loss and accuracy of every network on a split, over all ranks.

        Parameters
        ----------
        see
            Called with the logits ``(B, S, K)`` of every batch.
        """
        self.model.eval()
        self.ranks.broadcast(self.model.buffers())  # data parallel ranks have their own batch-norm statistics
        totals = Totals(len(self.trainees), self.ranks)
        for batch in self.feed.evaluate(split):
            self.check()
            with precision(self.settings, self.ranks):
                logits_BSK = self.model(batch.inputs)
                totals.add(sample_losses(logits_BSK, batch.labels), logits_BSK, batch.labels)
            see(logits_BSK)
        return totals.means()

    def _refuse(self, finite_S: list[bool], epoch: int) -> None:
        for trainee, finite in zip(self.trainees, finite_S, strict=True):
            if not finite and not trainee.progress.finished:
                raise Diverged(self.stage, epoch, trainee.subdomain)


@contextmanager
def precision(settings: TrainingSettings, ranks: Ranks) -> Iterator[None]:
    """Turn mixed precision on where the settings ask for it."""
    with torch.autocast(
        torch.device(ranks.device).type, dtype=torch.bfloat16, enabled=settings.precision == "bfloat16"
    ):
        yield


def derive_seed(*parts: object) -> int:
    """A seed that follows from its parts alone, the same on every machine and in every process."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=7).digest(), "big")
