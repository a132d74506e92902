"""What all examples do: train a network for some epochs, and tell what came of it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

BATCH = 64
Loss = Callable[[Tensor, Tensor], Tensor]


def train(network: nn.Module, data: tuple[Tensor, Tensor], loss: Loss, epochs: int, rate: float) -> nn.Module:
    """Train with Adam on inputs and targets, in shuffled batches; gives the network back."""
    inputs, targets = data
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            loss(network(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return network


def tell(title: str, measure: str, rows: Sequence[tuple[str, float]]) -> None:
    """Print a table of networks and one number of each."""
    print(f"\n{title}\n{'network':<44}{measure:>20}")
    for network, number in rows:
        print(f"{network:<44}{number:>20.4f}")
