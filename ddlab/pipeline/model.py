"""The modules of a network that one rank of a pipeline holds.

Shapes: B samples, K classes.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.distributed import recv, send

from ddlab.models.bank import CHANNELS_LAST, Bank
from ddlab.models.parts import ModelParts, State
from ddlab.pipeline.modules import module_state
from ddlab.pipeline.placement import Placement
from ddlab.ranks import Ranks

MODULE = "module-"  # and its number, counted from 1


class Stretch(nn.Module):
    """Neighbouring modules of one rank: what lies between a tensor that arrives and one that is sent.

    Parameters
    ----------
    banks
        The modules, by their index in the partition.
    mixed
        Compute in mixed precision; what is sent has the type of the weights all the same.
    """

    def __init__(self, banks: dict[int, Bank], mixed: bool) -> None:
        super().__init__()
        self.mixed = mixed
        self.numbers = list(banks)
        self.networks = nn.ModuleList(bank.networks for bank in banks.values())
        self.drops = [any(isinstance(layer, nn.Dropout) for layer in network.modules()) for network in self.networks]
        self.axes = len(next(iter(banks.values())).network.input)
        self.dtype, self.device = torch.float32, torch.device("cpu")
        self.draw: Callable[[int, int], int] | None = None
        self.micro_batch = 0

    def placed(self, device: torch.device, dtype: torch.dtype) -> "Stretch":
        """Note where its modules are, and of which type its results must be."""
        self.device, self.dtype = device, dtype
        return self

    def begin_step(self, draw: Callable[[int, int], int] | None) -> None:
        """Begin a training step, whose micro-batches come in order; ``draw`` gives their seeds for dropout."""
        self.draw, self.micro_batch = draw, 0

    def forward(self, inputs: Tensor) -> Tensor:
        """Map the input of the first module to the output of the last one."""
        maps = inputs
        if inputs.requires_grad:
            inputs.register_hook(Tensor.contiguous)  # gradients travel as activations do
        if self.numbers[0] and self.axes in CHANNELS_LAST:  # what arrives is laid out as it was sent
            maps = maps.contiguous(memory_format=CHANNELS_LAST[self.axes])
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.mixed):
            for number, network, drops in zip(self.numbers, self.networks, self.drops, strict=True):
                if drops and self.training and self.draw:
                    torch.manual_seed(self.draw(number, self.micro_batch))
                maps = network(maps)
        self.micro_batch += 1
        return maps.to(self.dtype).contiguous()


class PipelineModel(ModelParts):
    """The modules of this rank; every rank of the placement calls it at once.

    Parameters
    ----------
    ranks
        As many as the placement uses.
    mixed
        Compute in mixed precision.
    """

    def __init__(self, placement: Placement, ranks: Ranks, mixed: bool = False) -> None:
        super().__init__()
        self.placement, self.ranks = placement, ranks
        own = placement.stretches_of(ranks.rank)
        modules = placement.partition.modules
        banks = {number: Bank(modules[number].network, 1) for index in own for number in placement.stretches[index]}
        self.banks = nn.ModuleDict({f"{MODULE}{number + 1}": bank for number, bank in banks.items()})
        self.stretches = {
            index: Stretch({number: banks[number] for number in placement.stretches[index]}, mixed) for index in own
        }
        self.num_classes = modules[-1].network.outputs
        self.bytes_sent = 0  # by all ranks while training

    def networks(self) -> Iterator[tuple[str, Bank, int]]:
        """Yield name, bank and place of every module of this rank."""
        for name, bank in self.banks.items():
            assert isinstance(bank, Bank)
            yield name, bank, 0

    def separate(self) -> dict[int, Stretch]:
        """The modules of this rank one by one, by their index in the partition."""
        mixed, dtype, device = next((s.mixed, s.dtype, s.device) for s in self.stretches.values())
        alone = {int(name.removeprefix(MODULE)) - 1: bank for name, bank, _ in self.networks()}
        return {number: Stretch({number: bank}, mixed).placed(device, dtype) for number, bank in alone.items()}

    def prepare(self, device: str, dtype: torch.dtype) -> "PipelineModel":
        """Move to the device and type, as :meth:`Bank.prepare` does."""
        for _, bank, _ in self.networks():
            bank.prepare(device, dtype)
        for stretch in self.stretches.values():
            stretch.placed(torch.device(device), dtype)
        return self

    def load_whole(self, state: State) -> None:
        """Take the weights of this rank's modules from those of the whole network."""
        for name, bank, place in self.networks():
            number = int(name.removeprefix(MODULE)) - 1
            bank.load_state_of(place, module_state(state, self.placement.partition.modules[number]))

    def count_bytes(self, images: int) -> None:
        """Count what all ranks send in a training step: activations at every hop, and their gradients back."""
        self.bytes_sent += 2 * images * sum(self.placement.hops) * next(self.parameters()).element_size()

    @property
    def whole_bytes(self) -> int:
        """Bytes of the parameters of all modules, here and elsewhere."""
        return self.placement.partition.network.parameters() * next(self.parameters()).element_size()

    def train(self, mode: bool = True) -> "PipelineModel":
        """Set the mode of the modules, as of any other module."""
        super().train(mode)
        for stretch in self.stretches.values():
            stretch.train(mode)
        return self

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> Tensor:
        """Evaluate images ``(B, C, *spatial)``, equal on all ranks, to logits ``(B, 1, K)``, equal on all ranks.

        They go through the ranks in as many parts as there are micro-batches, so that all ranks have work.
        """
        parts = inputs.split(max(1, -(-len(inputs) // self.placement.schedule.num_micro_batches)))
        dtype = next(self.parameters()).dtype
        said = [self._relay(part, dtype) for part in parts]
        is_last = self.ranks.rank == self.placement.last_rank
        logits = torch.cat(said) if is_last else inputs.new_empty(len(inputs), self.num_classes, dtype=dtype)
        self.ranks.broadcast([logits], source=self.placement.last_rank)
        return logits[:, None]

    def _relay(self, images: Tensor, dtype: torch.dtype) -> Tensor:
        """Take a part through the modules of this rank; logits on the last rank, whatever comes last elsewhere."""
        placement, rank_of = self.placement, self.placement.schedule.rank_of
        maps, here = images, self.ranks.rank
        for index, stretch in self.stretches.items():
            if index and rank_of(index - 1) != here:
                shape = placement.partition.modules[placement.stretches[index][0]].input
                maps = images.new_empty(len(images), *shape, dtype=dtype)
                recv(maps, group=self.ranks.group, group_src=rank_of(index - 1))
            maps = stretch(maps)
            if index + 1 < len(placement.stretches) and rank_of(index + 1) != here:
                send(maps, group=self.ranks.group, group_dst=rank_of(index + 1))
        return maps


def whole_state(state: State) -> State:
    """Join the states of all modules, as :meth:`PipelineModel.state_of` has them, to that of the whole network."""
    return {key.partition(".")[2]: value for key, value in state.items()}
