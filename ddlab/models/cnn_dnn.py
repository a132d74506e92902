"""A CNN-DNN as one module that sees the whole image, for use outside of ddlab.

Shapes: B images, N subdomains, K classes.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ddlab.decomposition import Subdomain
from ddlab.models.architecture import Network
from ddlab.models.build import build
from ddlab.models.names import DNN, local_name


class CNNDNN(nn.Module):
    """Local networks of the subdomains, and the DNN that decides from what they say.

    Parameters
    ----------
    local_networks, boxes
        One each a subdomain.
    dnn
        From N·K outputs to K logits.
    outputs
        What the DNN gets of the local networks.
    """

    def __init__(
        self,
        local_networks: Sequence[Network],
        boxes: Sequence[Subdomain],
        dnn: Network,
        outputs: Literal["probabilities", "logits"],
    ) -> None:
        super().__init__()
        self.boxes, self.outputs = tuple(boxes), outputs
        self.names = [local_name(index) for index in range(len(boxes))]
        for name, network in zip(self.names, local_networks, strict=True):
            self.add_module(name, build(network))
        self.add_module(DNN, build(dnn))

    def forward(self, images: Tensor) -> Tensor:
        """Map whole images ``(B, C, *shape)`` to logits ``(B, K)``."""
        parts = zip(self.names, self.boxes, strict=True)
        said_BNK = torch.stack([self.get_submodule(name)(images[box.slices]) for name, box in parts], dim=1)
        if self.outputs == "probabilities":
            said_BNK = said_BNK.softmax(-1)
        logits_BK: Tensor = self.get_submodule(DNN)(said_BNK.flatten(1))
        return logits_BK
