"""Feature maps of sub-networks, placed on the map of the composed network, beside its own.

Shapes: B images, N sub-networks, C channels.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Fig. 3.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from ddlab.analyses.composition.fields import LayerField, fields_of_layers
from ddlab.analyses.composition.theory import Networks, side_by_side
from ddlab.analyses.layers.outputs import layer_outputs

MOST = 12_000_000  # numbers of all maps together, two bytes each
HALF = 65504.0  # the largest number of two bytes


@dataclass(frozen=True)
class LayerMaps:
    """Maps of one layer for some images.

    Parameters
    ----------
    channels
        Which channels of each sub-network are kept, ``(C,)``.
    maps
        By name, ``(B, N, C, *map)`` in half precision: row k holds the channels of sub-network k. ``local`` is NaN
        outside its activation field; the composed networks' maps are whole.
    """

    channels: np.ndarray
    maps: dict[str, np.ndarray]


def feature_maps(
    networks: Networks, others: Mapping[str, nn.Module], images: Tensor, most: int = MOST
) -> dict[str, LayerMaps]:
    """The maps of all layers that have some, of ``local``, ``untrained`` (the composed network) and of ``others``.

    Parameters
    ----------
    others
        Networks of the composed network's shape, such as the one that was trained on.
    most
        Numbers to keep: of the first images only, if of all it would be more; if one image alone has more, of layers
        with many channels only some, evenly chosen.
    """
    every = fields_of_layers(networks.composition)
    every = {name: fields for name, fields in every.items() if len(fields[0].whole) > 1}
    most = most // (2 + len(others))
    one = sum(fields[0].whole[0] * prod(fields[0].whole[1:]) for fields in every.values())
    images = images[: max(1, most // max(1, one))]
    kept = _kept(every, most // len(images))
    found = {}
    described = networks.composition.global_network
    walks = {name: layer_outputs(described, module, images) for name, module in others.items()}
    for side in side_by_side(networks, images):
        whole = {"untrained": side.whole, **{name: next(walk)[1] for name, walk in walks.items()}}
        if side.name in every:
            fields, channels = every[side.name], kept[side.name]
            maps = {"local": _placed(fields, side.parts, channels)}
            maps |= {name: _of_networks(fields, maps_, channels) for name, maps_ in whole.items()}
            found[side.name] = LayerMaps(channels, maps)
    return found


def _kept(every: Mapping[str, tuple[LayerField, ...]], most: int) -> dict[str, np.ndarray]:
    """Channels of a sub-network to keep, by layer, so that one image has at most ``most`` numbers."""
    counts = {name: min(len(field.channels) for field in fields) for name, fields in every.items()}
    positions = {name: len(fields) * prod(fields[0].whole[1:]) for name, fields in every.items()}
    limit = max(counts.values(), default=1)
    while limit > 1 and sum(min(limit, counts[name]) * positions[name] for name in every) > most:
        limit -= 1
    return {name: np.linspace(0, count - 1, min(limit, count)).round().astype(int) for name, count in counts.items()}


def _placed(fields: tuple[LayerField, ...], parts: list[Tensor], channels: np.ndarray) -> np.ndarray:
    shape = (len(parts[0]), len(parts), len(channels), *fields[0].whole[1:])
    placed = np.full(shape, np.nan, np.float16)
    for index, (field, part) in enumerate(zip(fields, parts, strict=True)):
        placed[:, index][field.slices] = _half(part[:, channels])
    return placed


def _of_networks(fields: tuple[LayerField, ...], maps: Tensor, channels: np.ndarray) -> np.ndarray:
    return np.stack([_half(maps[:, field.channels[channels]]) for field in fields], axis=1)


def _half(maps: Tensor) -> np.ndarray:
    return maps.clamp(-HALF, HALF).to(torch.float16).numpy()
