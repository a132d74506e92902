"""The ranks of a run: who we are among how many, and the few things that ranks say to each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Ranks:
    """One process of a run. With one rank alone every method is the identity.

    Parameters
    ----------
    rank, size
        Our number, from 0, and how many there are.
    device
        Where this rank computes, as torch names it: ``"cpu"``, ``"cuda:0"``.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def alone(self) -> bool:
        """Whether there is nobody to talk to."""
        return self.size == 1

    def barrier(self) -> None:
        """Wait until every rank is here."""
        if not self.alone:
            dist.barrier()

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Replace ``values`` by their sum over all ranks, in place, and return them."""
        if not self.alone:
            dist.all_reduce(values)
        return values

    def broadcast(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace the tensors by those of rank 0, in place."""
        if not self.alone:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def gather(self, value: Any) -> list[Any]:
        """Collect the values of all ranks, in their order, on every rank."""
        if self.alone:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values
