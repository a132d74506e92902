"""The ranks that hold the subdomains of the data, and sums whose order does not depend on them."""

from collections.abc import Sequence
from typing import Any

import torch.distributed
from torch import Tensor


class Communicator:
    """A process group of ``torch.distributed``, or this process alone.

    Parameters
    ----------
    group
        None: this process is alone.
    """

    def __init__(self, group: "torch.distributed.ProcessGroup | None" = None) -> None:
        self.group = group
        self.size = 1 if group is None else torch.distributed.get_world_size(group)
        self.rank = 0 if group is None else torch.distributed.get_rank(group)

    def sum(self, values: Tensor) -> Tensor:
        """Replace ``values`` by their sum over all ranks, in place, and return them."""
        if self.group is not None:
            torch.distributed.all_reduce(values, group=self.group)
        return values

    def gather(self, value: Any) -> list[Any]:
        """The values of all ranks, in their order; they must be picklable."""
        if self.group is None:
            return [value]
        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value, group=self.group)
        return values


def items_of_rank(count: int, rank: int, size: int) -> range:
    """Return which of ``count`` subdomains a rank holds: neighbours, those that :func:`halving_sum` adds first."""
    return range(-(-count * rank // size), -(-count * (rank + 1) // size))


def halving_sum(values: Sequence[Tensor]) -> Tensor:
    """The sum by halves: two ranks that hold a half each add the same numbers in the same order as one rank."""
    if len(values) == 1:
        return values[0]
    middle = -(-len(values) // 2)
    return halving_sum(values[:middle]) + halving_sum(values[middle:])
