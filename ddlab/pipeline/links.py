"""Links between ranks: how activations reach the next rank's modules, and errors those of the rank before.

What is sent waits for nobody; who needs it waits until it is there. Between two ranks everything of one direction
arrives in the order in which it was sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.distributed
from torch import Tensor

from ddlab.ranks import Ranks


class Links(Protocol):
    """Connections of one rank to its neighbours."""

    def send_on(self, activations: Tensor) -> None:
        """Send activations to the module behind the last one that is held here."""

    def send_back(self, error: Tensor) -> None:
        """Send an error to the module before the first one that is held here."""

    def receive_activations(self, samples: int) -> Tensor:
        """Wait for the input of the first module that is held here."""

    def receive_error(self, samples: int) -> Tensor:
        """Wait for the error of the output of the last module that is held here."""


@dataclass
class RankLinks:
    """Links to the ranks before and behind this one.

    Parameters
    ----------
    arrives, leaves
        Shapes of a sample that comes from the rank before, and that goes to the rank behind.
    dtype
        Of all numbers.
    """

    ranks: Ranks
    arrives: Sequence[int]
    leaves: Sequence[int]
    dtype: torch.dtype
    _under_way: list[tuple[torch.distributed.Work, Tensor]] = field(default_factory=list)

    def send_on(self, activations: Tensor) -> None:
        """As :class:`Links` says."""
        self._send(activations, self.ranks.rank + 1)

    def send_back(self, error: Tensor) -> None:
        """As :class:`Links` says."""
        self._send(error, self.ranks.rank - 1)

    def receive_activations(self, samples: int) -> Tensor:
        """As :class:`Links` says."""
        return self._receive((samples, *self.arrives), self.ranks.rank - 1)

    def receive_error(self, samples: int) -> Tensor:
        """As :class:`Links` says."""
        return self._receive((samples, *self.leaves), self.ranks.rank + 1)

    def _send(self, tensor: Tensor, rank: int) -> None:
        self._under_way = [each for each in self._under_way if not each[0].is_completed()]
        sent = tensor.detach().contiguous()  # which stays until it has left
        work = torch.distributed.isend(sent, group=self.ranks.group, group_dst=rank)
        assert work is not None, "this rank is of the group"
        self._under_way.append((work, sent))

    def _receive(self, shape: tuple[int, ...], rank: int) -> Tensor:
        tensor = torch.empty(shape, dtype=self.dtype, device=self.ranks.device)
        torch.distributed.recv(tensor, group=self.ranks.group, group_src=rank)
        return tensor
