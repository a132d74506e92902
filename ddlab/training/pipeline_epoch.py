"""An epoch of a pipeline: micro-batches through the modules of all ranks, an update, and now and then a look.

Every rank sees the whole loop and all batches, and holds some of the modules; losses are known where the last module
is, and summed up for all at the end of the epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from ddlab.pipeline.model import PipelineModel
from ddlab.pipeline.records import TraceRecord
from ddlab.pipeline.runtime import Clock, Runtime, make_runtime
from ddlab.pipeline.trace import Step, joined, trace_record
from ddlab.ranks import Ranks
from ddlab.training.batches import Batch
from ddlab.training.loop import Loop, derive_seed
from ddlab.training.totals import Means, Totals, sample_losses
from ddlab.training.trainee import Trainee

TRACED = range(2, 7)  # steps of an epoch; the first ones take longer, as memory is asked for


@dataclass
class PipelineEpoch:
    """The training of a pipeline's modules for an epoch; called by the loop.

    Parameters
    ----------
    model
        The modules of this rank.
    keep_trace
        Called at the end of every epoch, on the first rank, with what the traced steps were.
    replicas
        Ranks that have the same modules and see other parts of every batch.
    everyone
        All ranks of all replicas; None: those of the model.
    """

    model: PipelineModel
    keep_trace: Callable[[TraceRecord], None]
    replicas: Ranks = Ranks()
    everyone: Ranks | None = None
    _clock: Clock = field(init=False)
    _runtime: Runtime = field(init=False)

    def __post_init__(self) -> None:
        self._clock = Clock(torch.device(self.model.ranks.device))
        self._runtime = make_runtime(self.model, self._clock)

    def train_epoch(self, loop: Loop, epoch: int, active: list[Trainee]) -> Means:
        """Train for an epoch; losses and accuracies are those of the batches, at the weights that met them."""
        (trainee,), model = active, self.model
        model.train()
        totals, traced, images = Totals(1, self.everyone or model.ranks), [], 0
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        for number, batch in enumerate(loop.feed.train(derive_seed(loop.seed, "order", epoch))):
            loop.check()
            for stretch in model.stretches.values():
                stretch.begin_step(partial(derive_seed, loop.seed, loop.stage, epoch, number, "dropout"))
            if number in TRACED:
                traced.append(self._traced_step(batch, totals))
                images = len(batch.labels)
            else:
                self._step(batch, totals)
            trainee.step()
            torch._foreach_zero_(gradients)  # in place: optimizers hold views of them
        trainee.progress.data_passes += 1
        self._keep(traced, epoch, images)
        return totals.means()

    def _step(self, batch: Batch, totals: Totals) -> None:
        assert isinstance(batch.inputs, Tensor), "a network on the whole image has one input"
        total = batch.total

        def loss(logits: Tensor, labels: Tensor) -> Tensor:
            return sample_losses(logits[:, None], labels).sum() * (1 / total)

        logits = self._runtime.step(batch.inputs, batch.labels, loss)
        if logits is not None:
            totals.add(sample_losses(logits[:, None], batch.labels), logits[:, None], batch.labels)
        self._sum_gradients()
        self.model.count_bytes(total)

    def _sum_gradients(self) -> None:
        """Add up the gradients of all replicas: those of the whole batch, as every loss is a part of its mean."""
        if self.replicas.alone:
            return
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        flat = self.replicas.sum(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, summed in zip(gradients, flat.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))
        self.model.bytes_sent += self.model.whole_bytes

    def _traced_step(self, batch: Batch, totals: Totals) -> Step:
        """Trace a step, which all ranks begin together: their clocks need not agree."""
        self.model.ranks.barrier()
        self._clock.begin()
        self._step(batch, totals)
        return self._clock.end()

    def _keep(self, traced: list[Step], epoch: int, images: int) -> None:
        everywhere = self.model.ranks.gather(traced)
        steps = [joined(parts) for parts in zip(*everywhere, strict=True)]
        if steps and self.model.ranks.rank == 0 and self.replicas.rank == 0:
            number_bytes = next(self.model.parameters()).element_size()
            self.keep_trace(trace_record(self.model.placement, steps, epoch, images, number_bytes))
