"""The ranks of a run, and the few things that they exchange.

torch is imported when there are other ranks: a plan names ranks without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed import ProcessGroup

MEETING = timedelta(minutes=3)  # ranks of one launch start together; one that does not come is not to be waited for
# A rank may wait hours for another one's stage; a dead peer is noticed by its closed connection, and one that hangs by
# its heartbeat (ddlab.engine.heartbeat), not by this.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Ranks:
    """One process among ``size``. With one rank alone there is no process group, and every method is the identity.

    Parameters
    ----------
    rank
        From 0.
    size
        Number of ranks.
    device
        Where this rank computes, as torch names it: ``"cpu"`` or ``"cuda:0"``.
    group
        The process group, where these ranks are a part of all.
    shares
        Whether several ranks are on one GPU, which NCCL refuses: then gloo carries what GPUs exchange, too.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"
    group: "ProcessGroup | None" = None
    shares: bool = False

    @property
    def alone(self) -> bool:
        """Whether this is the only rank."""
        return self.size == 1

    def join(self) -> None:
        """Form the process group of all ranks: gloo on processors, NCCL on GPUs that each have one rank."""
        if self.alone:
            return
        import torch
        import torch.distributed
        from torch.distributed.rendezvous import rendezvous

        if self.device.startswith("cuda"):
            torch.cuda.set_device(self.device)
        on_gpus = "cpu:gloo,cuda:gloo" if self.shares else "cpu:gloo,cuda:nccl"
        backend = on_gpus if self.device.startswith("cuda") else "gloo"
        store, rank, size = next(rendezvous("env://", timeout=MEETING))
        torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=MEETING)
        torch.distributed.barrier()
        store.set_timeout(PATIENCE)
        world = torch.distributed.group.WORLD
        assert world is not None, "the group was formed just now"
        world.set_timeout(PATIENCE)

    def first(self, count: int) -> "Ranks":
        """The first ``count`` ranks as ranks of their own, which must be at most all; every rank must ask for them.

        A rank beyond them gets a ``rank`` that is not among them, and must leave the others to themselves.
        """
        if count == self.size:
            return self
        import torch.distributed

        group = torch.distributed.new_group(range(count)) if count > 1 else None
        return replace(self, size=count, group=group)

    def grid(self, rows: int, columns: int) -> "tuple[Ranks, Ranks]":
        """The first ``rows · columns`` ranks as a grid: this one's row and its column as ranks of their own.

        Ranks count along the rows; every rank must ask. One beyond them gets ranks that it is not among.
        """
        import torch.distributed

        groups: list[ProcessGroup | None] = [None, None]
        across = [range(row * columns, (row + 1) * columns) for row in range(rows)]
        down = [range(column, rows * columns, columns) for column in range(columns)]
        for kind, lines in enumerate((across, down)):
            for members in lines:
                made = torch.distributed.new_group(members) if len(members) > 1 else None
                if self.rank in members:
                    groups[kind] = made
        row, column = divmod(self.rank, columns)
        inside = row < rows
        return (
            replace(self, rank=column if inside else columns, size=columns, group=groups[0]),
            replace(self, rank=row, size=rows, group=groups[1]),
        )

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        if not self.alone:
            import torch.distributed

            torch.distributed.barrier(self.group)

    def sum(self, values: "Tensor") -> "Tensor":
        """Replace ``values`` by their sum over all ranks, in place, and return them."""
        if not self.alone:
            import torch.distributed

            torch.distributed.all_reduce(values, group=self.group)
        return values

    def broadcast(self, tensors: "Iterable[Tensor]", source: int = 0) -> None:
        """Replace the tensors by those of rank ``source``, in place."""
        if not self.alone:
            import torch.distributed

            for tensor in tensors:
                torch.distributed.broadcast(tensor, group=self.group, group_src=source)

    def gather_tensors(self, values: "Tensor") -> "list[Tensor]":
        """The tensors of all ranks, in their order, all of one shape; gradients reach this rank's alone."""
        if self.alone:
            return [values]
        import torch
        import torch.distributed

        gathered = [torch.empty_like(values) for _ in range(self.size)]
        torch.distributed.all_gather(gathered, values.detach().contiguous(), group=self.group)
        gathered[self.rank] = values
        return gathered

    def gather(self, value: Any) -> list[Any]:
        """The values of all ranks, in their order, on every rank; they must be picklable."""
        if self.alone:
            return [value]
        import torch.distributed

        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value, group=self.group)
        return values
