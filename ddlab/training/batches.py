"""Batches on the device: shuffled, augmented, cut into subimages and normalised, from images that stay bytes.

Shapes: M images of a split, B of a batch, C channels, N subdomains, F features.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ddlab.data.augment import draw_angles, draw_sources, draw_zooms, move, rotate, zoom
from ddlab.data.source import Dataset, SplitName
from ddlab.decomposition import Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.ranks import Ranks
from ddlab.training.samples import FromFile, Samples, one_ahead, samples_of

EVALUATION_BATCH = 512
BLOCK = 1000  # images whose bytes are counted at once
EVALUATION_PIXELS = 2**21  # of a batch: two volumes of 128×128×64
Inputs = Tensor | list[Tensor]


@dataclass(frozen=True)
class Batch:
    """Inputs ``(B, ...)`` and labels ``(B,)`` of this rank, and how many samples all ranks have in this batch.

    A model whose networks see boxes of several shapes gets a list of inputs.
    """

    inputs: Inputs
    labels: Tensor
    total: int


class Feed(Protocol):
    """A source of batches for the training loop."""

    def train(self, seed: int) -> Iterator[Batch]:
        """One pass over the training samples, in an order and with augmentations that depend on the seed alone."""

    def evaluate(self, split: SplitName) -> Iterator[Batch]:
        """Samples of a split that are this rank's, in order, as they are."""


@dataclass(frozen=True)
class Sharing:
    """The part of every batch that this rank computes: all of it, or one of ``ranks.size`` equal parts."""

    ranks: Ranks
    split_batches: bool = False

    def part(self, samples: Tensor) -> Tensor:
        """Our part of the samples, which the first axis counts."""
        return torch.tensor_split(samples, self.ranks.size)[self.ranks.rank] if self.split_batches else samples


@dataclass(frozen=True)
class Normalisation:
    """A map from bytes to numbers: ``images · scale + offset``, both ``(C, *shape)``, so that parts are cut alike.

    Networks see every channel less its mean, divided by its standard deviation; or, as Gu et al. have it, pixels
    between 0 and 1 less the mean training image; or, as in the released code of Cruz Alegría et al., all channels less
    one mean, divided by one deviation, which for validation images are those of the validation images.
    """

    scale: Tensor
    offset: Tensor

    @classmethod
    def of(
        cls, dataset: Dataset, settings: TrainingSettings, device: torch.device | str, split: SplitName = "train"
    ) -> "Normalisation":
        """Return the normalisation that the settings ask for; of the training images, or of each split."""
        data = dataset.description
        dtype = torch.float64 if settings.precision == "float64" else torch.float32
        shape = (data.channels, *data.shape)
        if settings.subtract == "image":
            mean = torch.from_numpy(dataset.train.images.mean(axis=0, dtype=np.float64) / 255)
            std = torch.ones(shape, dtype=torch.float64)
        else:
            own = settings.subtract == "set"
            both = set_statistics(dataset.split(split).images) if own else (dataset.mean, dataset.std)
            mean, std = (torch.tensor(each, dtype=torch.float64).reshape(-1, *[1] * len(data.shape)) for each in both)
        scale, offset = 1 / (255 * std), -mean / std
        return cls(*(each.to(device, dtype).expand(shape) for each in (scale, offset)))

    def __call__(self, images: Tensor, box: Subdomain) -> Tensor:
        """Cut ``(B, C, *shape)`` and normalise: bytes are cut before they become numbers, so only those needed do."""
        return images[box.slices].to(self.offset.dtype) * self.scale[box.slices] + self.offset[box.slices]


def set_statistics(images: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all bytes, on the scale 0..1; the deviation 1 where they are all the same."""
    blocks = np.array_split(images, -(-len(images) // BLOCK))
    counts = sum((np.bincount(block.reshape(-1), minlength=256) for block in blocks), np.zeros(256, int))
    values = np.arange(256) / 255
    mean = float(np.average(values, weights=counts))
    return mean, math.sqrt(np.average((values - mean) ** 2, weights=counts)) or 1.0


class ImageFeed:
    """Batches of images, or of their subimages stacked along the channels: ``(B, N·C, *spatial)``.

    Parameters
    ----------
    subdomains
        The boxes to cut out, all of one shape; the whole image for a global network.
    held_out
        Training samples left out of :meth:`train`, as an index array: a fold. Empty or None: all are used.
    multiple
        The size of every training batch is a multiple of it; what remains is left out, other samples every epoch.
    """

    def __init__(
        self,
        dataset: Dataset,
        subdomains: Sequence[Subdomain],
        settings: TrainingSettings,
        sharing: Sharing,
        held_out: np.ndarray | None = None,
        multiple: int = 1,
    ) -> None:
        self.dataset = dataset
        self.multiple = multiple
        self.subdomains = subdomains
        self.settings = settings
        self.sharing = sharing
        self.device = torch.device(sharing.ranks.device)
        kept = np.setdiff1d(np.arange(len(dataset.train)), held_out if held_out is not None else [])
        self.kept = torch.from_numpy(kept)
        self._samples: dict[SplitName, Samples] = {}
        train = Normalisation.of(dataset, settings, self.device)
        own = settings.subtract == "set"
        self.normalise: dict[SplitName, Normalisation] = {
            split: Normalisation.of(dataset, settings, self.device, split) if own else train for split in dataset.splits
        }

    @property
    def steps(self) -> int:
        """Training batches an epoch."""
        return -(-(len(self.kept) // self.multiple * self.multiple) // self.settings.batch_size)

    def train(self, seed: int) -> Iterator[Batch]:
        """Shuffled training batches of nearly equal size; every rank draws the same order and augmentations."""
        batches = self._train(seed)
        reads_for_gpu = self.device.type == "cuda" and isinstance(self._samples_of("train"), FromFile)
        return one_ahead(batches) if reads_for_gpu else batches

    def _train(self, seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        order = self.kept[torch.randperm(len(self.kept), generator=generator)]
        for units in torch.tensor_split(torch.arange(len(order) // self.multiple), self.steps):
            indices = order[units[0] * self.multiple : (units[-1] + 1) * self.multiple]
            ours = self.sharing.part(indices)
            images = self._augmented(self._images("train", ours), len(indices), generator, self.sharing)
            yield Batch(self._inputs(images, "train"), self._labels("train", ours), len(indices))

    def evaluate(self, split: SplitName) -> Iterator[Batch]:
        """Images of a split that are this rank's, in order."""
        indices = self.sharing.part(torch.arange(len(self.dataset.split(split))))
        most = max(self.settings.batch_size, EVALUATION_PIXELS // math.prod(self.dataset.description.shape))
        for chunk in torch.split(indices, min(EVALUATION_BATCH, most)):
            yield Batch(self._inputs(self._images(split, chunk), split), self._labels(split, chunk), len(chunk))

    def order(self, seed: int) -> Tensor:
        """Indices of the training samples, shuffled."""
        return self.kept[torch.randperm(len(self.kept), generator=torch.Generator().manual_seed(seed))]

    def take(self, indices: Tensor, seed: int) -> tuple[Inputs, Tensor]:
        """Inputs and labels of training samples, augmented as the seed says."""
        images = self._images("train", indices)
        alone = Sharing(self.sharing.ranks)
        images = self._augmented(images, len(indices), torch.Generator().manual_seed(seed), alone)
        return self._inputs(images, "train"), self._labels("train", indices)

    def _augmented(self, images: Tensor, count: int, generator: torch.Generator, sharing: Sharing) -> Tensor:
        """Augment our part of a batch of ``count``: drawn for all of it, so that nothing depends on the ranks."""
        shape, settings = self.dataset.description.shape, self.settings
        if settings.flip or settings.shift:
            sources = draw_sources(count, shape, settings.flip, settings.shift, generator)
            images = move(images, list(map(sharing.part, sources)))
        if settings.zoom:
            images = zoom(images, sharing.part(draw_zooms(count, len(shape), settings.zoom, generator)))
        if settings.rotate:
            angles = draw_angles(count, settings.rotate, generator, settings.turns)
            images = rotate(images, sharing.part(angles))
        return images

    def _samples_of(self, split: SplitName) -> Samples:
        if split not in self._samples:  # a split that nobody asks for takes no memory of a GPU
            self._samples[split] = samples_of(self.dataset.split(split), self.device)
        return self._samples[split]

    def _images(self, split: SplitName, indices: Tensor) -> Tensor:
        return self._samples_of(split).images(indices)

    def _labels(self, split: SplitName, indices: Tensor) -> Tensor:
        return self._samples_of(split).labels(indices)

    def _inputs(self, images: Tensor, split: SplitName) -> Inputs:
        return self._subimages(images, self.subdomains, split)

    def _subimages(self, images: Tensor, subdomains: Sequence[Subdomain], split: SplitName) -> Tensor:
        return torch.cat([self.normalise[split](images, box) for box in subdomains], dim=1)


class GroupedFeed(ImageFeed):
    """Batches of subimages of several shapes: a tensor ``(B, N·C, *spatial)`` for every group of equal boxes.

    Where there is no group, the one tensor ``(B, 0)`` still says how many samples there are.
    """

    def __init__(
        self,
        dataset: Dataset,
        groups: Sequence[Sequence[Subdomain]],
        settings: TrainingSettings,
        sharing: Sharing,
    ) -> None:
        super().__init__(dataset, (), settings, sharing)
        self.groups = groups

    def _inputs(self, images: Tensor, split: SplitName) -> Inputs:
        cut = [self._subimages(images, group, split) for group in self.groups]
        return cut or [self.normalise[split].offset.new_empty(len(images), 0)]


class VectorFeed:
    """Batches of feature vectors ``(M, F)``, such as the N·K local probabilities of every image."""

    def __init__(
        self, features: Mapping[str, np.ndarray], dataset: Dataset, settings: TrainingSettings, ranks: Ranks
    ) -> None:
        dtype = torch.float64 if settings.precision == "float64" else torch.float32
        self.settings = settings
        self.features = {split: torch.from_numpy(x).to(ranks.device, dtype) for split, x in features.items()}
        self.labels = {
            split: torch.from_numpy(np.asarray(dataset.split(split).labels)).to(ranks.device)
            for split in dataset.splits
        }

    def train(self, seed: int) -> Iterator[Batch]:
        """Shuffled training batches of nearly equal size."""
        features, labels = self.features["train"], self.labels["train"]
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)).to(labels.device)
        for indices in torch.tensor_split(order, -(-len(order) // self.settings.batch_size)):
            yield Batch(features[indices], labels[indices], len(indices))

    def evaluate(self, split: SplitName) -> Iterator[Batch]:
        """All samples in order."""
        for features, labels in zip(
            self.features[split].split(EVALUATION_BATCH), self.labels[split].split(EVALUATION_BATCH), strict=True
        ):
            yield Batch(features, labels, len(labels))
