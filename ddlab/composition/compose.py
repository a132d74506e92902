"""Composition: sub-networks of the subdomains become one global network; decomposition takes it apart again.

Every hidden layer of a composed network holds the layers of the N sub-networks side by side and zeros between them:
channels of network k are connected to channels of network k. The first layer reads the image, which all share; the
last one adds up what all say. So on the part of a map that belongs to subdomain k the composed network computes what
sub-network k computes of its subimage (Theorem 2.1), wherever padding does not come in between.

All of that is one table: which rows and columns of a layer's weight belong to sub-network k (:func:`places`). To
compose is to write into them, to decompose to read from them.

References
----------
Gu, Zhang, Liu, Cai, "Decomposition and composition of deep convolutional neural networks and training acceleration via
sub-network transfer learning", ETNA 56, 2022: Section 2.2.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddlab.composition.matching import check_composition, layer_sizes
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import BatchNorm, Conv, Flatten, Linear, Named, Network, Residual, Shape
from ddlab.models.build import build
from ddlab.problem import Problem

State = dict[str, Tensor]


@dataclass(frozen=True)
class BlockIndex:
    """The position of a sub-network's layer in the composed network's.

    Parameters
    ----------
    rows, columns
        Indices of its outputs and of its inputs, channels or units. ``columns`` is None for batch normalisation, which
        keeps channels apart.
    shared
        Whether all sub-networks have the same rows, as in the last layer: there, what they say is added up.
    """

    name: str
    rows: np.ndarray
    columns: np.ndarray | None
    shared: bool = False

    def at(self, value: Tensor) -> tuple[Tensor, ...]:
        """The index of our block in a tensor of the layer: a weight, a vector, or a count that all share."""
        rows = torch.from_numpy(self.rows)
        if value.dim() < 2:
            return (rows,) * value.dim()
        return rows[:, None], torch.from_numpy(self.columns)


@dataclass(frozen=True)
class Field:
    """The part of a composed network's map that is a sub-network's: its channels, and an index of the last axes."""

    channels: np.ndarray
    slices: tuple[Any, ...]


@dataclass(frozen=True)
class Composition:
    """Sub-networks of the subdomains, and the global network that they make.

    Parameters
    ----------
    local_networks
        One a subdomain, in their order; hidden layers of the global network have as many channels as all of them.

    Raises
    ------
    ValueError
        If the networks are not of one family and depth, their channels do not add up, or they do not fit the
        subdomains; names the layer, the rule and the numbers.
    """

    local_networks: tuple[Network, ...]
    global_network: Network
    decomposition: Decomposition

    def __post_init__(self) -> None:
        check_composition(self.local_networks, self.global_network, self.decomposition)

    @cached_property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Outputs of every layer with weights, in each local network."""
        return layer_sizes(self.local_networks)

    def compose(self, states: Sequence[State]) -> State:
        """The state of the global network that holds all sub-networks.

        Parameters
        ----------
        states
            One a sub-network, as ``build(network).state_dict()`` has it.

        References
        ----------
        Gu et al., Section 2.2.
        """
        if len(states) != len(self.local_networks):
            raise ValueError(f"compose: needs {len(self.local_networks)} states, got {len(states)}")
        shapes = build(self.global_network).state_dict()
        composed = {key: torch.zeros(shapes[key].shape, dtype=value.dtype) for key, value in states[0].items()}
        for index, state in enumerate(states):
            for block in self.block_indices(index):
                for key, value in _entries(state, block.name):
                    if block.shared and value.dim() == 1:
                        composed[key] += value  # the last layer's bias
                    else:
                        composed[key][block.at(value)] = value
        return composed

    def decompose(self, state: State) -> list[State]:
        """The blocks on the diagonals of a global network, a state a sub-network; what connects them is left out.

        The reverse of :meth:`compose` but for the last layer's bias, of which a composed network knows the sum alone:
        every sub-network gets an equal part of it.
        """
        return [
            {
                key: value / len(self.local_networks) if block.shared and value.dim() == 1 else value[block.at(value)]
                for block in self.block_indices(index)
                for key, value in _entries(state, block.name)
            }
            for index in range(len(self.local_networks))
        ]

    def cross_masks(self) -> State:
        """Return masks of a composed network's new weights: true between the blocks, by the weight's key.

        Weights without such entries, as those of the first and last layer, and vectors have no mask.
        """
        masks = {
            key: torch.ones(value.shape, dtype=torch.bool)
            for key, value in build(self.global_network).state_dict().items()
            if value.dim() > 1
        }
        for index in range(len(self.local_networks)):
            for block in self.block_indices(index):
                for _, mask in _entries(masks, block.name):
                    mask[block.at(mask)] = False
        return {key: mask for key, mask in masks.items() if mask.any()}

    def block_indices(self, index: int) -> list[BlockIndex]:
        """Return where every layer with weights of sub-network ``index`` is in the global network."""
        local, whole = self.local_networks[index], self.global_network
        return self._walk(index, local.layers, whole.layers, _At(np.arange(whole.input[0]), local.input, whole.input))[
            0
        ]

    def field(self, index: int, name: str) -> "Field":
        """Return where the map of a layer of sub-network ``index`` is in the composed network's map of that layer.

        Parameters
        ----------
        name
            Of a layer that is not inside a residual block.

        References
        ----------
        Gu et al., Section 2.3.
        """
        local, whole = self.local_networks[index], self.global_network
        stop = [layer_name for layer_name, _ in whole.layers].index(name) + 1
        start = _At(np.arange(whole.input[0]), local.input, whole.input)
        _, at = self._walk(index, local.layers[:stop], whole.layers[:stop], start)
        return Field(at.channels, (Ellipsis, *self.window(index, at)))

    def window(self, index: int, at: "_At") -> tuple[slice, ...]:
        """Return where the map of sub-network ``index`` lies in the composed network's: its activation field.

        A position that a cut between subdomains goes through belongs to no subdomain. Units have no place: no slice.
        """
        if len(at.local) == 1:
            return ()
        starts = (
            min(math.ceil(start / at.stride), whole - part)
            for start, whole, part in zip(
                self.decomposition.subdomains[index].start, at.whole[1:], at.local[1:], strict=True
            )
        )
        return tuple(slice(start, start + part) for start, part in zip(starts, at.local[1:], strict=True))

    def _walk(
        self, index: int, local: Named, whole: Named, at: "_At", prefix: str = ""
    ) -> tuple[list[BlockIndex], "_At"]:
        """Follow the channels of a sub-network through both networks."""
        blocks: list[BlockIndex] = []
        for (name, part), (_, layer) in zip(local, whole, strict=True):
            channels = at.channels
            if isinstance(part, Residual) and isinstance(layer, Residual):
                found, after = self._walk(index, part.body, layer.body, at, f"{prefix}{name}.body.")
                blocks += found
                blocks += self._walk(index, part.shortcut, layer.shortcut, at, f"{prefix}{name}.shortcut.")[0]
                channels = after.channels
            elif isinstance(part, BatchNorm):
                blocks.append(BlockIndex(prefix + name, channels, None))
            elif isinstance(part, Conv | Linear):
                rows, shared = self._rows(index, prefix + name, layer.output(at.whole)[0])
                blocks.append(BlockIndex(prefix + name, rows, channels, shared))
                channels = rows
            elif isinstance(part, Flatten):
                features = np.arange(math.prod(at.whole)).reshape(at.whole)
                channels = features[channels][(slice(None), *self.window(index, at))].ravel()
            at = _At(channels, part.output(at.local), layer.output(at.whole), at.stride * layer.step)
        return blocks, at

    def _rows(self, index: int, name: str, whole: int) -> tuple[np.ndarray, bool]:
        sizes = self.sizes[name]
        if name == self.global_network.classifier:
            return np.arange(whole), True
        start = sum(sizes[:index])
        return np.arange(start, start + sizes[index]), False


def composition_of(problem: Problem) -> Composition:
    """Return the composition of a problem's global network from its local networks.

    Raises
    ------
    ValueError
        If they do not; says why.
    """
    return Composition(problem.local_networks, problem.global_network, problem.decomposition)


@dataclass(frozen=True)
class _At:
    """A place between two layers: our channels (or units) of the global network, and the shapes of both outputs."""

    channels: np.ndarray
    local: Shape
    whole: Shape
    stride: int = 1


def _entries(state: State, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a layer, by their keys."""
    return ((key, value) for key, value in state.items() if key.rpartition(".")[0] == name)
