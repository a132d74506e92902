"""Gradients that are averaged over ranks: a resumed training adds them as one that was never interrupted."""

from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn

from ddlab.strategies.phases import _averaging

pytestmark = pytest.mark.slow

RANKS, STEPS = 3, 3


class Bank(nn.Sequential):
    """Layers whose gradients PyTorch puts into another order after the first step: it sees them in its order of use."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(nn.Linear(40, 300), nn.Tanh(), nn.Linear(300, 700), nn.Tanh(), nn.Linear(700, 4))


def steps(rank: int, begun: dict[str, torch.Tensor] | None, places: range) -> tuple[nn.Module, list[torch.Tensor]]:
    """Some steps of SGD; gives the network, and all gradients of each step."""
    network = Bank()
    if begun is not None:
        network.load_state_dict(begun)
    averaged, gradients = _averaging(network, RANKS), []
    for place in places:
        torch.manual_seed(100 * place + rank)
        network.zero_grad()
        averaged(torch.randn(16, 40)).pow(2).sum().backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters()]))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= 1e-3 * parameter.grad
    return network, gradients


def rank_main(rank: int, folder: str) -> None:
    """Train through, then again from where the first step led to."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=RANKS)
    _, through = steps(rank, None, range(STEPS))
    begun, _ = steps(rank, None, range(1))
    _, resumed = steps(rank, begun.state_dict(), range(1, STEPS))
    if rank == 0:
        torch.save((through, resumed), f"{folder}/gradients.pt")
    torch.distributed.destroy_process_group()


def test_a_resumed_training_adds_the_gradients_of_three_ranks_in_the_same_order(tmp_path):
    torch.multiprocessing.spawn(rank_main, (str(tmp_path),), RANKS)
    through, resumed = torch.load(Path(tmp_path) / "gradients.pt", weights_only=True)
    for step, (one, other) in enumerate(zip(through[1:], resumed, strict=True), 2):
        assert torch.equal(one, other), f"step {step} differs by {(one - other).abs().max():.1e}"
