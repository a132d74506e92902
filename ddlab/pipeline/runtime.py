"""Run a schedule: micro-batches forward and back through the modules of all ranks, one update's gradients.

Several ranks run our orders with ``torch.distributed.pipelining``, which knows how tensors travel and how a backward
pass is done in two halves. One rank alone has nobody to send to, and runs its order here.

Of torch, two names are not public: the runtime that takes any order, and its action. Nothing else of it is used but
here, and ``tests/pipeline/test_runtime.py`` fails where they change.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 3.3.
"""

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import _Action, _ComputationType, _PipelineScheduleRuntime

from ddlab.pipeline.model import PipelineModel, Stretch
from ddlab.pipeline.schedules import Action, Kind
from ddlab.pipeline.trace import Step

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of logits ``(B, K)`` and labels ``(B,)``; the losses of the micro-batches of a batch are added."""


class Clock:
    """Takes the times of actions while a step is traced.

    Parameters
    ----------
    device
        Whose work is waited for, before and after an action, as long as it is traced.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.step: Step | None = None
        self._began = 0.0

    def begin(self) -> None:
        """Trace the step that begins now."""
        self._began = self._now()
        self.step = Step(began=self._began, machine=platform.node())

    def end(self) -> Step:
        """Return what was traced, and trace no more."""
        assert self.step is not None, "begin() comes first"
        step, self.step = self.step, None
        return step

    @contextmanager
    def action(self, kind: Kind, module: int, micro_batch: int) -> Iterator[None]:
        """Take the time of an action."""
        if self.step is None:
            yield
            return
        action = Action(kind, module, micro_batch)
        self.step.starts[action] = self._now() - self._began
        yield
        self.step.ends[action] = self._now() - self._began

    def _now(self) -> float:
        if self.device.type != "cpu":
            torch.get_device_module(self.device).synchronize(self.device)
        return time.monotonic()


class Runtime(Protocol):
    """Runs a training step of the modules of this rank; all ranks call it at once."""

    def step(self, inputs: Tensor, labels: Tensor, loss: Loss) -> Tensor | None:
        """Add a batch's gradients to those of the parameters; logits ``(B, K)`` on the last rank, None elsewhere."""


def make_runtime(model: PipelineModel, clock: Clock) -> Runtime:
    """Return the runtime of a model's placement."""
    return OneRank(model, clock) if model.ranks.alone else SeveralRanks(model, clock)


class OneRank:
    """All modules on one rank."""

    def __init__(self, model: PipelineModel, clock: Clock) -> None:
        self.model, self.clock = model, clock

    def step(self, inputs: Tensor, labels: Tensor, loss: Loss) -> Tensor:
        """As :class:`Runtime` says."""
        schedule, stretches = self.model.placement.schedule, self.model.stretches
        parts = list(
            zip(inputs.chunk(schedule.num_micro_batches), labels.chunk(schedule.num_micro_batches), strict=True)
        )
        entered: dict[tuple[int, int], Tensor] = {}
        left: dict[tuple[int, int], Tensor] = {}
        logits: list[Tensor] = []
        for kind, module, batch in schedule.orders[0]:
            with self.clock.action(kind, module, batch):
                if kind == "F":
                    before = left[module - 1, batch].detach().requires_grad_() if module else parts[batch][0]
                    entered[module, batch] = before
                    left[module, batch] = stretches[module](before)
                    if module + 1 == len(stretches):
                        logits.append(left[module, batch].detach())
                        left[module, batch] = loss(left[module, batch], parts[batch][1])
                else:
                    error = None if module + 1 == len(stretches) else entered.pop((module + 1, batch)).grad
                    left.pop((module, batch)).backward(error)
        return torch.cat(logits)


class SeveralRanks:
    """The modules of one rank among several; there is a runtime of torch's for every size of the micro-batches."""

    def __init__(self, model: PipelineModel, clock: Clock) -> None:
        self.model, self.clock = model, clock
        self._made: dict[int, _PipelineScheduleRuntime] = {}
        self._loss: Loss | None = None

    def step(self, inputs: Tensor, labels: Tensor, loss: Loss) -> Tensor | None:
        """As :class:`Runtime` says."""
        placement, rank = self.model.placement, self.model.ranks.rank
        size = len(labels) // placement.schedule.num_micro_batches
        if size not in self._made:
            self._made[size] = self._make(size)
        self._loss = loss
        is_last = rank == placement.last_rank
        given: list[Tensor] = [inputs] if 0 in self.model.stretches else []
        asked: dict[str, Any] = {"target": labels, "losses": []} if is_last else {}
        logits: Tensor | None = self._made[size].step(*given, **asked, return_outputs=is_last)
        return logits.detach() if logits is not None else None

    def _make(self, size: int) -> _PipelineScheduleRuntime:
        """Make torch's runtime for micro-batches of ``size`` samples; it asks for shapes, or would find them itself."""
        placement, model = self.model.placement, self.model
        schedule = placement.schedule
        stages = [self._stage(index, stretch, size) for index, stretch in model.stretches.items()]
        runtime = _PipelineScheduleRuntime(stages, schedule.num_micro_batches, loss_fn=self._lost, scale_grads=False)
        kinds = {"F": _ComputationType.FORWARD, "W": _ComputationType.BACKWARD_WEIGHT}
        kinds["B"] = _ComputationType.BACKWARD_INPUT if schedule.weights_apart else _ComputationType.FULL_BACKWARD
        orders: dict[int, list[_Action | None]] = {
            rank: [_Action(module, kinds[kind], batch) for kind, module, batch in order]
            for rank, order in enumerate(schedule.orders)
        }
        runtime._prepare_schedule_with_comms(orders)
        return runtime

    def _stage(self, index: int, stretch: Stretch, size: int) -> "TimedStage":
        placement = self.model.placement
        modules = [placement.partition.modules[number] for number in placement.stretches[index]]
        shapes = ((size, *modules[0].input), (size, *modules[-1].output))
        arrives, leaves = (torch.empty(shape, dtype=stretch.dtype, device=stretch.device) for shape in shapes)
        return TimedStage(
            stretch,
            index,
            len(placement.stretches),
            stretch.device,
            input_args=(arrives.requires_grad_(index > 0),),
            output_args=(leaves.requires_grad_(),),
            group=self.model.ranks.group,
        ).timed_by(self.clock)

    def _lost(self, logits: Tensor, labels: Tensor) -> Tensor:
        assert self._loss is not None, "step() sets it"
        return self._loss(logits, labels)


class TimedStage(PipelineStage):
    """A stage that takes the times of its passes."""

    def timed_by(self, clock: Clock) -> "TimedStage":
        """Take them by a clock."""
        self.clock = clock
        return self

    def forward_one_chunk(self, fwd_chunk_id: int, *args: Any, **kwargs: Any) -> Any:
        """Go forward with a micro-batch."""
        with self.clock.action("F", self.stage_index, fwd_chunk_id):
            return super().forward_one_chunk(fwd_chunk_id, *args, **kwargs)

    def backward_one_chunk(self, bwd_chunk_id: int, *args: Any, **kwargs: Any) -> Any:
        """Go back with a micro-batch."""
        with self.clock.action("B", self.stage_index, bwd_chunk_id):
            return super().backward_one_chunk(bwd_chunk_id, *args, **kwargs)

    def backward_weight_one_chunk(self, bwd_chunk_id: int, *args: Any, **kwargs: Any) -> Any:
        """Compute the gradients of the weights of a micro-batch."""
        with self.clock.action("W", self.stage_index, bwd_chunk_id):
            return super().backward_weight_one_chunk(bwd_chunk_id, *args, **kwargs)
