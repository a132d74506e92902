"""Theorem 2.1 layer by layer: the maps of a composed network beside those of its sub-networks.

Both are computed side by side, one layer after the other, without hooks. Layers inside residual blocks are left out;
what every block puts out is compared. Shapes: M images, B of a batch, C channels, N sub-networks, K classes.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Theorem 2.1. It promises equality everywhere for valid padding; for what the
composed network sees of the image at every position see :mod:`ddlab.analyses.composition.fields`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ddlab.analyses.composition.fields import LayerField, fields_of_layers
from ddlab.analyses.composition.logits import Logits
from ddlab.composition.compose import Composition, State
from ddlab.models.architecture import GlobalAveragePool
from ddlab.models.build import build

TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-4}  # of the largest number of a map: rounding of many layers


@dataclass(frozen=True)
class Networks:
    """The sub-networks and their composed network, for evaluation.

    Parameters
    ----------
    recalibrated
        Whether the composed network has statistics of batch normalisation of its own.
    """

    composition: Composition
    local: tuple[nn.Module, ...]
    composed: nn.Module
    recalibrated: bool = False

    @classmethod
    def of(
        cls,
        composition: Composition,
        states: Sequence[State],
        composed: State | None = None,
        dtype: torch.dtype = torch.float32,
        recalibrated: bool = False,
    ) -> "Networks":
        """Build them from their states; without one of the composed network, the sub-networks are composed."""
        states = [{key: _cast(value, dtype) for key, value in state.items()} for state in states]  # biases are added up
        state = composition.compose(states) if composed is None else composed
        made = [
            _ready(build(network), own, dtype) for network, own in zip(composition.local_networks, states, strict=True)
        ]
        return cls(composition, tuple(made), _ready(build(composition.global_network), state, dtype), recalibrated)


def _cast(value: Tensor, dtype: torch.dtype) -> Tensor:
    return value.to(dtype) if value.is_floating_point() else value


def _ready(module: nn.Module, state: State, dtype: torch.dtype) -> nn.Module:
    module.to(dtype).load_state_dict(state)
    return module.eval().requires_grad_(False)


@dataclass(frozen=True)
class Side:
    """The output of one layer on both sides: of the composed network and of its sub-networks.

    Parameters
    ----------
    whole, parts
        The composed network's output ``(B, C, *map)`` or ``(B, features)``, and the sub-networks'. The next layer may
        overwrite them.
    masked
        ``whole``, if the global average pooling before took means over the activation fields; None before it.
    """

    name: str
    whole: Tensor
    parts: list[Tensor]
    masked: Tensor | None


@torch.no_grad()
def side_by_side(networks: Networks, images: Tensor) -> Iterator[Side]:
    """Compute all networks layer by layer, on whole images ``(B, C, *shape)`` and their subimages."""
    composition = networks.composition
    whole, parts = images.clone(), [images[box.slices].clone() for box in composition.decomposition]
    before, masked = "", None
    for name, layer in composition.global_network.layers:
        module = networks.composed.get_submodule(name)
        if isinstance(layer, GlobalAveragePool):
            masked = _masked_mean(composition, before, whole)
        elif masked is not None:
            masked = module(masked)
        whole = module(whole)
        parts = [local.get_submodule(name)(part) for local, part in zip(networks.local, parts, strict=True)]
        yield Side(name, whole, parts, masked)
        before = name


def _masked_mean(composition: Composition, layer: str, whole: Tensor) -> Tensor:
    """The mean of every map ``(B, C)`` over the activation field of the sub-network that it belongs to."""
    means = whole.new_zeros(whole.shape[:2])
    for index in range(len(composition.local_networks)):
        field = composition.field(index, layer)
        means[:, field.channels] = whole[:, field.channels][field.slices].flatten(2).mean(dim=2)
    return means


# ---- how far they differ


@dataclass(frozen=True)
class LayerDifference:
    """Differences between a layer's output in the composed network and in its sub-networks, over some images.

    Parameters
    ----------
    fields
        Where the output of every sub-network lies in the composed network's, and where they must agree.
    differences
        Of every sub-network, the largest absolute difference at every position (unit), over images and channels.
    scale
        The largest number of the sub-networks' outputs; differences are given relative to it.
    """

    fields: tuple[LayerField, ...]
    differences: tuple[np.ndarray, ...]
    scale: float

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.fields[0].name

    @property
    def has_map(self) -> bool:
        """Whether its output has positions."""
        return len(self.fields[0].whole) > 1

    @property
    def largest(self) -> float:
        """The largest difference of all."""
        return max(float(values.max()) for values in self.differences)

    @property
    def broken(self) -> float:
        """The largest difference where there must be none."""
        pairs = zip(self.differences, self.fields, strict=True)
        return max(float(values.max(where=field.promised, initial=0.0)) for values, field in pairs)

    @property
    def promised_share(self) -> float:
        """Share of the positions where there must be none."""
        return float(np.concatenate([field.promised.ravel() for field in self.fields]).mean())

    def equal_share(self, tolerance: float) -> float:
        """Share of the positions without a difference, but for rounding up to ``tolerance`` of the scale."""
        values = np.concatenate([values.ravel() for values in self.differences])
        return float((values <= tolerance * self.scale).mean())

    def picture(self) -> np.ndarray:
        """Relative differences on the composed network's map: the largest where fields overlap, NaN between them."""
        picture = np.full(self.fields[0].whole[1:], np.nan)
        for field, values in zip(self.fields, self.differences, strict=True):
            picture[field.slices] = np.fmax(picture[field.slices], values / self.scale)
        return picture


def examine(
    networks: Networks, batches: Iterable[tuple[Tensor, np.ndarray]], factor: float = 1.0
) -> tuple[list[LayerDifference], Logits]:
    """Compare all layers before the classifier, and gather what all networks say.

    Parameters
    ----------
    batches
        Whole images ``(B, C, *shape)`` and their true classes ``(B,)``, one batch at least.
    factor
        Of the composed network's logits to the sum, as :class:`ddlab.analyses.composition.logits.Logits` has it.
    """
    fields = fields_of_layers(networks.composition, networks.recalibrated)
    found: dict[str, list[np.ndarray]] = {}
    scales = dict.fromkeys(fields, 0.0)
    said: list[tuple[np.ndarray, ...]] = []
    for images, labels in batches:
        for side in side_by_side(networks, images):
            if side.name not in fields:
                masked = side.whole if side.masked is None else side.masked
                said.append((torch.stack(side.parts, 1).numpy(), side.whole.numpy(), masked.numpy(), labels))
                continue
            values = _differences(fields[side.name], side)
            found[side.name] = list(map(np.maximum, found.get(side.name, values), values))
            scales[side.name] = max(scales[side.name], *(float(part.abs().max()) for part in side.parts))
    layers = [LayerDifference(fields[name], tuple(values), scales[name] or 1.0) for name, values in found.items()]
    local, composed, means, truth = (np.concatenate(parts) for parts in zip(*said, strict=True))
    return layers, Logits(local, composed, means, truth, factor)


def _differences(fields: tuple[LayerField, ...], side: Side) -> list[np.ndarray]:
    """The largest absolute difference at every position, of each sub-network."""
    values = []
    for field, part in zip(fields, side.parts, strict=True):
        apart = (side.whole[:, field.channels][field.slices] - part).abs()
        values.append(apart.amax(dim=(0, 1) if part.dim() > 2 else 0).double().numpy())
    return values
