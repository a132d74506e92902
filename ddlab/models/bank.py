"""A bank: N networks of equal shape, computed as one grouped network and trained as N networks.

Every parameter of the bank is the stack of its networks' parameters along the first axis, so those of one network
are views: an optimizer of its own updates them in place, with its own rate, and knows nothing of the others.
"""

import torch
from torch import Tensor, nn

from ddlab.models.architecture import Network
from ddlab.models.build import build

CHANNELS_LAST = {3: torch.channels_last, 4: torch.channels_last_3d}  # by axes of one sample, channels included


class Bank(nn.Module):
    """``copies`` networks of one shape.

    Parameters
    ----------
    network
        What each of them is.
    copies
        N, how many there are.
    """

    def __init__(self, network: Network, copies: int) -> None:
        super().__init__()
        self.network = network
        self.copies = copies
        self.networks = build(network, copies)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(B, N·C, *spatial)``, the subimages stacked along the channels, to logits ``(B, N, K)``."""
        stacked: Tensor = self.networks(inputs).unflatten(1, (self.copies, -1))
        return stacked

    def prepare(self, device: str, dtype: torch.dtype) -> "Bank":
        """Move to the device and type, channels last, and give every parameter a gradient that stays in place."""
        self.to(device=device, dtype=dtype)
        axes = len(self.network.input)
        if axes in CHANNELS_LAST:
            self.to(memory_format=CHANNELS_LAST[axes])  # type: ignore[call-overload]  # missing in torch's types
        for parameter in self.parameters():
            parameter.grad = torch.zeros_like(parameter)
        return self

    def parameters_of(self, index: int) -> list[Tensor]:
        """The parameters of one network: views of the bank's, with views of its gradients."""
        views = []
        for parameter in self.parameters():
            view = self._block(parameter.detach(), index)
            assert parameter.grad is not None, "prepare() gives every parameter its gradient"
            view.grad = self._block(parameter.grad, index)
            views.append(view)
        return views

    def state_of(self, index: int) -> dict[str, Tensor]:
        """A copy of the ``state_dict`` of one network, as ``build(network)`` would have it."""
        return {name: self._block(value, index).clone() for name, value in self.networks.state_dict().items()}

    def load_state_of(self, index: int, state: dict[str, Tensor]) -> None:
        """Set the weights and buffers of one network, in place; of a count that all share, the largest holds."""
        for name, value in self.networks.state_dict().items():
            block = self._block(value, index)
            block.copy_(state[name] if block.dim() else torch.maximum(block, state[name]))

    def _block(self, stacked: Tensor, index: int) -> Tensor:
        if stacked.dim() == 0:  # batch-norm's count of batches, which all networks share
            return stacked
        size = stacked.shape[0] // self.copies
        return stacked[index * size : (index + 1) * size]
