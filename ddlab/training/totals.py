"""Losses and accuracies of an epoch, summed where they are computed.

Shapes: B samples of a batch, S networks, K classes.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ddlab.exact import exact_type
from ddlab.ranks import Ranks

Means = tuple[list[float], list[float]]
"""Mean loss and accuracy, of every network."""


class Totals:
    """Sums over an epoch that stay on the device until they are asked for."""

    def __init__(self, num_networks: int, ranks: Ranks) -> None:
        self.ranks = ranks
        exact = exact_type(ranks.device)
        self.sums = torch.zeros(2, num_networks, dtype=exact, device=ranks.device)
        self.count = torch.zeros(1, dtype=exact, device=ranks.device)

    @property
    def loss_S(self) -> Tensor:  # noqa: N802
        """Sum of the losses so far, a network."""
        return self.sums[0]

    def add(self, losses_BS: Tensor, logits_BSK: Tensor, labels: Tensor) -> None:
        """Add a batch."""
        self.sums[0] += losses_BS.sum(0)
        self.sums[1] += (logits_BSK.argmax(-1) == labels[:, None]).sum(0)
        self.count += len(labels)

    def means(self) -> Means:
        """Mean loss and accuracy of every network over all ranks."""
        values = self.ranks.sum(torch.cat([self.sums.flatten(), self.count]))
        loss_S, accuracy_S = (values[:-1] / values[-1]).unflatten(0, (2, -1)).tolist()
        return loss_S, accuracy_S


def sample_losses(logits_BSK: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy ``(B, S)`` of every sample and network."""
    losses: Tensor = cross_entropy(
        logits_BSK.flatten(0, 1).float() if logits_BSK.dtype == torch.bfloat16 else logits_BSK.flatten(0, 1),
        labels.repeat_interleave(logits_BSK.shape[1]),
        reduction="none",
    ).unflatten(0, logits_BSK.shape[:2])
    return losses
