"""The activation fields of a composition, and where on them Theorem 2.1 holds whatever the weights are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ddlab.analyses.composition.receptive import Reach, promised
from ddlab.composition.compose import Composition
from ddlab.models.architecture import BatchNorm, Flatten, GlobalAveragePool, Layer, Linear, Residual, Shape


@dataclass(frozen=True)
class LayerField:
    """The position of a sub-network's layer output within the composed network's.

    Parameters
    ----------
    reach
        What a position sees of the image, along an axis.
    whole
        Shape of the composed network's output.
    channels, slices
        Index of the field: channels or units, and of the last axes.
    promised
        Of every position of the field (of every unit, where there is no map), whether both networks must agree there.
    """

    name: str
    reach: Reach
    whole: Shape
    channels: np.ndarray
    slices: tuple[slice, ...]
    promised: np.ndarray


def fields_of_layers(composition: Composition, recalibrated: bool = False) -> dict[str, tuple[LayerField, ...]]:
    """The fields of all sub-networks, by layer; those inside residual blocks and the classifier are left out.

    Parameters
    ----------
    recalibrated
        Whether batch normalisation has other statistics in the composed network: nothing is promised behind it then.
    """
    classifier = composition.global_network.classifier
    each = (_fields(composition, index, recalibrated) for index in range(len(composition.local_networks)))
    return {group[0].name: group for group in zip(*each, strict=True) if group[0].name != classifier}


def _fields(composition: Composition, index: int, recalibrated: bool) -> Iterator[LayerField]:
    local, whole = composition.local_networks[index], composition.global_network
    box, image = composition.decomposition.subdomains[index], composition.decomposition.shape
    at, at_whole, reach, known = local.input, whole.input, Reach(), True
    agree = np.ones(box.shape, dtype=bool)
    for (name, part), (_, layer) in zip(local.layers, whole.layers, strict=True):
        field, before, whole_map = composition.field(index, name), at, at_whole[1:] == at[1:]
        at, at_whole, reach = part.output(at), layer.output(at_whole), reach.through(layer)
        known = known and not (recalibrated and _normalises(layer))
        if len(at) > 1:
            start = [axis.start for axis in field.slices[1:]]
            agree = promised(reach, start, at[1:], box, image)
        elif isinstance(layer, Flatten):
            agree = np.broadcast_to(agree, before).ravel()
        elif isinstance(layer, GlobalAveragePool):
            agree = np.full(at, agree.all() and whole_map)  # a mean over more than its own field is another number
        elif isinstance(layer, Linear):
            agree = np.full(at, agree.all())
        yield LayerField(name, reach, at_whole, field.channels, field.slices, agree & known)


def _normalises(layer: Layer) -> bool:
    parts = (part for _, part in (*layer.body, *layer.shortcut)) if isinstance(layer, Residual) else (layer,)
    return any(isinstance(part, BatchNorm) for part in parts)
