"""An epoch with old gradients: a batch enters at every iteration, and modules work on several at once.

Every rank sees all batches and holds some of the modules. At the end of an epoch nothing is under way, so weights and
optimizers are all that a checkpoint holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddlab.pipeline.delayed import DelayedTraining, Held, Outcome
from ddlab.pipeline.links import RankLinks
from ddlab.pipeline.methods import Method
from ddlab.pipeline.model import PipelineModel
from ddlab.training.loop import Loop, derive_seed
from ddlab.training.totals import Means, Totals, sample_losses
from ddlab.training.trainee import Trainee


class DelayedModel(PipelineModel):
    """The modules of this rank; a parameter without a gradient is not updated."""

    def parameters_of(self, index: int) -> list[Tensor]:
        """All parameters themselves, module by module: their gradients come and go."""
        return [parameter for _, bank, _ in self.networks() for parameter in bank.parameters()]


@dataclass(frozen=True)
class DelayedEpoch:
    """The training of a rank's modules with old gradients for an epoch; called by the loop."""

    model: PipelineModel
    method: Method

    def train_epoch(self, loop: Loop, epoch: int, active: list[Trainee]) -> Means:
        """Train for an epoch; losses and accuracies are those of the batches, at the weights that met them."""
        (trainee,), model = active, self.model
        model.train()
        totals, labels = Totals(1, model.ranks), dict[int, Tensor]()
        training = DelayedTraining(list(model.separate().values()), None, _loss, self.method, self._held())
        for outcome in self._iterations(loop, epoch, training, labels):
            trainee.step()
            if outcome is not None:
                logits, right = outcome.output[:, None], labels.pop(outcome.entered)
                totals.add(sample_losses(logits, right), logits, right)
        trainee.progress.data_passes += 1
        return totals.means()

    def _iterations(
        self, loop: Loop, epoch: int, training: DelayedTraining, labels: dict[int, Tensor]
    ) -> Iterator[Outcome | None]:
        """Do the iterations of all batches and of the drain; what dropout draws follows from an iteration's number."""

        def begin() -> None:
            loop.check()
            torch.manual_seed(derive_seed(loop.seed, loop.stage, epoch, training.iteration, "dropout"))

        for batch in loop.feed.train(derive_seed(loop.seed, "order", epoch)):
            begin()
            assert isinstance(batch.inputs, Tensor), "a network on the whole image has one input"
            labels[training.iteration] = batch.labels
            self.model.count_bytes(len(batch.labels))
            yield training.step(batch.inputs, batch.labels)
        while training.under_way:
            begin()
            yield training.advance()

    def _held(self) -> Held:
        model = self.model
        numbers, modules = [*model.separate()], model.placement.partition.modules
        if model.ranks.alone:
            return Held(numbers[0])
        dtype = next(model.parameters()).dtype
        return Held(numbers[0], RankLinks(model.ranks, modules[numbers[0]].input, modules[numbers[-1]].output, dtype))


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return sample_losses(logits[:, None], labels).sum() * (1 / len(labels))
