"""Epochs of steps in trust regions: minibatches and their microbatches as closures, steps as records.

Shapes: B samples of a minibatch, N subdomains of it (microbatches), o samples that it shares with the next one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ddlab.exact import exact_type
from ddlab.models.architecture import Network
from ddlab.optim.apts import Additive
from ddlab.optim.base import TrustRegionMethod
from ddlab.optim.iteration import NotFinite, StepRecord
from ddlab.optim.trust_region import TrustRegion
from ddlab.training.batches import ImageFeed, Inputs
from ddlab.training.loop import Diverged, Loop, derive_seed, precision
from ddlab.training.totals import Means, sample_losses
from ddlab.training.trainee import Trainee

CHUNK_BYTES = 2**29  # of activations: data that take more go through the network in chunks
FEWEST_SHARED = 256  # samples that give a curvature; from a dozen digits, eigenvalues came out as -10⁴
GLOBAL = ("loss", "trial", "ratio", "radius", "accepted", "trials", "smallest")  # kept of the iteration on all data


@dataclass(frozen=True)
class Microbatch:
    """One subdomain's samples of a step; the last ``shared`` ones, of all ``shared_by_all``, the next one has, too."""

    inputs: Inputs
    labels: Tensor
    shared: int
    shared_by_all: int
    weight: float


@dataclass(frozen=True)
class DataDivision:
    """The division of an epoch's data into those of steps and subdomains.

    The paper has an overlap of 5 % "between all minibatches and the microbatches belonging to each minibatch". Here
    minibatches overlap, each with the next one or with all, and the samples that they share are dealt to the
    microbatches as the others are; microbatches of one minibatch are disjoint, so that their mean is the minibatch.

    Parameters
    ----------
    num_subdomains
        N; 1 where all see all data of a step.
    own
        Those of this rank.
    whole
        All images in every step, always cut alike; else minibatches, shuffled anew in every epoch.
    overlap
        o / B.
    overlap_of
        "next": a minibatch is its own B samples and the first o of the next one, after the last the first. "all": its
        own B, and o random ones, drawn with replacement, of every minibatch of the epoch but the next one, its own
        included, as the authors' code of 2023 has it (whose index is one too far): of 6 minibatches of 10,000, 12,500,
        and 13,000 for the last one, which has no next one.
    """

    num_subdomains: int
    own: range
    whole: bool = False
    overlap: float = 0.0
    overlap_of: Literal["next", "all"] = "next"

    def indices(self, order: Tensor, num_batches: int, seed: int = 0) -> Iterator[list[tuple[Tensor, int]]]:
        """Samples of every subdomain, minibatch after minibatch, and how many of them the next minibatch has.

        Own samples and those of the overlap are dealt to the subdomains in turn.

        Parameters
        ----------
        seed
            Of random overlaps.
        """
        batches = torch.tensor_split(order, 1 if self.whole else num_batches)
        generator = torch.Generator().manual_seed(seed)
        for number, batch in enumerate(batches):
            shared = self._overlap(batches, number, generator)
            dealt = [(batch[i :: self.num_subdomains], shared[i :: self.num_subdomains]) for i in self.all]
            yield [(torch.cat(pair), len(pair[1]) * (self.overlap_of == "next")) for pair in dealt]

    def _overlap(self, batches: Sequence[Tensor], number: int, generator: torch.Generator) -> Tensor:
        """Samples that a minibatch has besides its own."""
        count = round(self.overlap * len(batches[number])) if len(batches) > 1 else 0
        if self.overlap_of == "next":
            return batches[(number + 1) % len(batches)][:count]
        others = [batch for place, batch in enumerate(batches) if place != number + 1]
        return torch.cat([batch[torch.randint(len(batch), (count,), generator=generator)] for batch in others])

    @property
    def all(self) -> range:
        """All subdomains."""
        return range(self.num_subdomains)


@dataclass
class Steps:
    """The steps of an epoch with an optimizer of :mod:`ddlab.optim`; called by the loop.

    Parameters
    ----------
    chunk
        Samples that go through the network at once.
    columns
        What the steps of the last epoch did, a list of a name.
    step_loss
        Mean over those steps of the loss on the step's own images where it ended: what the paper's figures show.
    """

    feed: ImageFeed
    division: DataDivision
    chunk: int
    columns: dict[str, list[Any]] = field(default_factory=dict)
    step_loss: float | None = None
    _whole: list[Microbatch] = field(default_factory=list)

    def train_epoch(self, loop: Loop, epoch: int, active: list[Trainee]) -> Means:
        """Take the epoch's steps; losses and accuracies are those on the training images after it."""
        (trainee,) = active
        optimizer = trainee.optimizer
        assert isinstance(optimizer, TrustRegionMethod), "its strategy gives it one"
        loop.model.train()
        torch.manual_seed(derive_seed(loop.seed, loop.stage, epoch, "dropout", loop.ranks.rank))
        records, data_passes = [], 0.0
        for microbatches in self._microbatches(loop, epoch):
            loop.check()
            before = optimizer.tally.data_passes
            try:
                self._step(loop, optimizer, microbatches)
            except NotFinite as error:
                raise Diverged(loop.stage, epoch, None) from error
            data_passes += (optimizer.tally.data_passes - before) * self._share(microbatches)
            assert optimizer.record is not None
            records.append(optimizer.record)
        trainee.progress.data_passes += _mean_over_ranks(data_passes, loop)  # which may hold unequal parts, or none
        self.columns = columns_of(records)
        self.step_loss = _finite(sum(map(_end_loss, records)) / len(records))
        trainee.progress.vectors = optimizer.tally.vectors
        # On all images every later step would find the same; in minibatches the next one may go on.
        trainee.progress.finished = self.division.whole and _is_still(records[-1])
        return loop.evaluate("train")

    def _microbatches(self, loop: Loop, epoch: int) -> Iterator[list[Microbatch]]:
        """The microbatches of this rank, step after step."""
        if self._whole:
            yield self._whole
            return
        seed = derive_seed(loop.seed, "order", 0 if self.division.whole else epoch)
        for number, parts in enumerate(self.division.indices(self.feed.order(seed), self.feed.steps, seed)):
            total, shared_by_all = sum(len(indices) for indices, _ in parts), sum(shared for _, shared in parts)
            microbatches = []
            for index in self.division.own:
                indices, shared = parts[index]
                taken = self.feed.take(indices, derive_seed(seed, number, index))
                microbatches.append(Microbatch(*taken, shared, shared_by_all, len(indices) / total))
            if self.division.whole:
                self._whole = microbatches
            yield microbatches

    def _share(self, microbatches: list[Microbatch]) -> float:
        """Return the share of the training images that a step uses, which the optimizer's passes are counted in."""
        sizes = [len(microbatch.labels) / microbatch.weight for microbatch in microbatches]
        return sizes[0] / len(self.feed.kept) if sizes else 0.0

    def _step(self, loop: Loop, optimizer: TrustRegionMethod, microbatches: list[Microbatch]) -> None:
        losses = [Loss(loop, microbatch, self.chunk) for microbatch in microbatches]
        closures, values = [loss.with_gradient for loss in losses], [loss.value for loss in losses]
        weights = [microbatch.weight for microbatch in microbatches]
        if isinstance(optimizer, Additive):
            optimizer.step(closures, values, weights)
        else:
            assert isinstance(optimizer, TrustRegion)
            ((loss, closure, value, weight),) = zip(losses, closures, values, weights, strict=True)
            overlap = loss.of_the_shared if loss.microbatch.shared_by_all >= FEWEST_SHARED else None
            optimizer.step(closure, value, overlap, weight, again=self.division.whole)


@dataclass(frozen=True)
class Loss:
    """The mean cross entropy of a microbatch as closures; what does not fit goes through in chunks."""

    loop: Loop
    microbatch: Microbatch
    chunk: int

    def with_gradient(self) -> Tensor:
        """Compute the loss, and add its gradient to those of the parameters."""
        return self._sum(0, len(self.microbatch.labels), backward=True)

    def value(self) -> Tensor:
        """The loss alone."""
        return self._sum(0, len(self.microbatch.labels), backward=False)

    def of_the_shared(self) -> Tensor:
        """Do as :meth:`with_gradient`, for samples that the next minibatch has, too: their mean over all subdomains."""
        own = self.microbatch
        return self._sum(len(own.labels) - own.shared, own.shared_by_all * own.weight, backward=True)

    def _sum(self, first: int, divisor: float, backward: bool) -> Tensor:
        inputs, labels = self.microbatch.inputs, self.microbatch.labels[first:]
        assert isinstance(inputs, Tensor), "a global network sees one box"
        total = torch.zeros((), dtype=exact_type(labels.device), device=labels.device)
        for images, targets in zip(inputs[first:].split(self.chunk), labels.split(self.chunk), strict=True):
            with precision(self.loop.settings, self.loop.ranks):
                loss = sample_losses(self.loop.model(images), targets).sum() / divisor
            if backward:
                loss.backward()
            total += loss.detach()
        return total


def chunk_of(network: Network) -> int:
    """Return how many samples' activations take ``CHUNK_BYTES``."""
    return max(1, CHUNK_BYTES // (4 * network.activations()))


def columns_of(records: list[StepRecord]) -> dict[str, list[Any]]:
    """Return the steps of an epoch as columns, global iterations as ``global_...``; None where a number is missing."""
    rows = []
    for record in records:
        row = {**_numbers(record), "decreases": list(record.decreases), "lengths": list(record.lengths)}
        row["length"] = record.length
        after = _numbers(record.globally) if record.globally else {}
        rows.append(row | {f"global_{name}": after.get(name) for name in GLOBAL})
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def _numbers(record: StepRecord) -> dict[str, Any]:
    names = ("loss", "trial", "predicted", "ratio", "radius", "next_radius", "accepted", "trials", "smallest")
    values = {name: getattr(record, name) for name in names}
    return {name: _finite(value) if isinstance(value, float) else value for name, value in values.items()}


def _end_loss(record: StepRecord) -> float:
    """The loss on a step's data where it ended."""
    last = record.globally or record
    return last.trial if last.accepted else last.loss


def _mean_over_ranks(number: float, loop: Loop) -> float:
    device = loop.ranks.device
    return float(loop.ranks.sum(torch.tensor(number, dtype=exact_type(device), device=device))) / loop.ranks.size


def _is_still(record: StepRecord) -> bool:
    """Whether nothing can change any longer: the gradient is zero, or the smallest steps are rejected."""
    last = record.globally or record
    rejected = not record.accepted and not last.accepted and last.radius == last.next_radius
    return record.converged or (rejected and last.smallest is None)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
