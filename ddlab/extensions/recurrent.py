"""Recurrent networks: a stack of blocks with memory, and a classifier of what the last one says at the end.

The features of every time step are split, the same way at all times. Hidden units are split alike in what a block takes
from its input, from its memory, and gives out: the sum of the first two must make sense.

Shapes: B sequences, T time steps, F features.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: eq. (2.27) to (2.29).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ddlab.extensions.placing import State, count, feature_indices, layer_names, place, place_vector, side_by_side

CLASSIFIER = "classifier"


class RecurrentBlock(nn.Module):
    """``s_t = tanh(U x_t + W s_(t-1) + b)``, ``o_t = tanh(V s_t + c)``, with as many outputs as states.

    U and b are the layer ``input``, W is ``memory``, V and c are ``output``.
    """

    def __init__(self, num_inputs: int, num_units: int) -> None:
        super().__init__()
        self.input = nn.Linear(num_inputs, num_units)
        self.memory = nn.Linear(num_units, num_units, bias=False)
        self.output = nn.Linear(num_units, num_units)

    def forward(self, sequences: Tensor) -> Tensor:
        """Map ``(B, T, F)`` to ``(B, T, units)``; the memory is empty at first."""
        state = sequences.new_zeros(len(sequences), self.memory.in_features)
        said = []
        for features in sequences.unbind(1):
            state = torch.tanh(self.input(features) + self.memory(state))
            said.append(torch.tanh(self.output(state)))
        return torch.stack(said, dim=1)


class RecurrentNetwork(nn.Module):
    """Blocks of ``units`` each, then a linear classifier of the last time step."""

    def __init__(self, num_features: int, units: Sequence[int], num_classes: int) -> None:
        super().__init__()
        sizes = (num_features, *units)
        self.blocks = nn.Sequential(*map(RecurrentBlock, sizes, units))
        self.classifier = nn.Linear(sizes[-1], num_classes)

    def forward(self, sequences: Tensor) -> Tensor:
        """Map ``(B, T, F)`` to logits ``(B, K)``."""
        logits_BK: Tensor = self.classifier(self.blocks(sequences)[:, -1])
        return logits_BK


def compose_recurrent(states: Sequence[State], features: Sequence[Sequence[int]]) -> State:
    """The state of the recurrent network that holds all sub-networks: it says the sum of what they say.

    Parameters
    ----------
    states
        One a sub-network, of :class:`RecurrentNetwork`.
    features
        Which of the features of a time step each sees.

    Raises
    ------
    ValueError
        If the states do not belong together.
    """
    before = feature_indices(features)
    composed: State = {}
    for name in layer_names(states, before):
        parts = [state[f"{name}.weight"] for state in states]
        rows = [torch.arange(len(part)) for part in parts] if name == CLASSIFIER else side_by_side(parts)
        # What a layer takes lies as the rows of the one before: a block's memory and output take its states.
        composed[f"{name}.weight"] = place(parts, rows, (count(rows), count(before)), before)
        if f"{name}.bias" in states[0]:
            composed[f"{name}.bias"] = place_vector([state[f"{name}.bias"] for state in states], rows, count(rows))
        before = rows
    return composed
