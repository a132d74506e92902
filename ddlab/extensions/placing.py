"""Positions of sub-networks' weights in the composed network's, for networks of linear maps.

Every input and every unit of the composed network has a number. A sub-network's share of them is an index: its inputs
are the features that it sees, its hidden units follow those of the sub-networks before it, and its outputs are all
outputs (which are then added up) or the features that it sees (which are then side by side).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

State = dict[str, Tensor]
Outputs = Literal["sum", "mean", "concatenate"]


def feature_indices(indices: Sequence[Sequence[int]]) -> list[Tensor]:
    """The features of every sub-network as an index."""
    return [torch.as_tensor(index, dtype=torch.int64) for index in indices]


def side_by_side(parts: Sequence[Tensor]) -> list[Tensor]:
    """The units of every sub-network, as many as its part has rows, one sub-network after the other."""
    return list(torch.arange(sum(len(part) for part in parts)).split([len(part) for part in parts]))


def last_rows(parts: Sequence[Tensor], inputs: Sequence[Tensor], outputs: Outputs) -> list[Tensor]:
    """The outputs of every sub-network in the composed one's.

    Parameters
    ----------
    parts
        The weights of their last layers.
    inputs
        The features that each sees.

    Raises
    ------
    ValueError
        If outputs are to be concatenated and there is not one for every feature seen, or two see the same feature.
    """
    if outputs != "concatenate":
        return [torch.arange(len(part)) for part in parts]
    for number, (part, seen) in enumerate(zip(parts, inputs, strict=True), 1):
        if len(part) != len(seen):
            raise ValueError(
                f"outputs: 'concatenate' needs an output a feature; sub-network {number} sees {len(seen)} features and "
                f"has {len(part)} outputs"
            )
    if len(torch.cat(list(inputs)).unique()) < sum(map(len, inputs)):
        raise ValueError("outputs: 'concatenate' needs features that are seen by one sub-network each; some are shared")
    return list(inputs)


def place(parts: Sequence[Tensor], rows: Sequence[Tensor], shape: Sequence[int], columns: Sequence[Tensor]) -> Tensor:
    """Weights ``shape`` with the sub-networks' at their rows and columns, zeros elsewhere; what meets is added up."""
    whole = parts[0].new_zeros(*shape)
    for part, own, seen in zip(parts, rows, columns, strict=True):
        whole[own[:, None], seen] += part
    return whole


def place_vector(parts: Sequence[Tensor], rows: Sequence[Tensor], length: int) -> Tensor:
    """Place biases as :func:`place` does weights."""
    whole = parts[0].new_zeros(length)
    for part, own in zip(parts, rows, strict=True):
        whole[own] += part
    return whole


def count(indices: Sequence[Tensor]) -> int:
    """Return the number of rows or columns that these indices share out, if none is left out at the end."""
    return 1 + max(int(index.max()) for index in indices)


def layer_names(states: Sequence[State], indices: Sequence[Tensor]) -> list[str]:
    """Names of the layers with weights, in their order, the same in all states.

    Raises
    ------
    ValueError
        If there are not as many states as shares of the features, or their layers differ.
    """
    if len(states) != len(indices):
        raise ValueError(f"compose: {len(states)} sub-networks do not fit {len(indices)} shares of the features")
    names = [key.removesuffix(".weight") for key in states[0] if key.endswith(".weight")]
    for number, state in enumerate(states, 1):
        if state.keys() != states[0].keys():
            raise ValueError(f"compose: sub-network {number} has other layers than the first; all must be of one depth")
    return names
