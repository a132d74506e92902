"""The outputs of all layers of a network, one after the other."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ddlab.models.architecture import Network


@torch.no_grad()
def layer_outputs(network: Network, module: nn.Module, inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield name and output of every layer of ``module``, built from ``network`` and in evaluation, for ``inputs``.

    A rectifier works in place: an output is as it was until the next one is asked for. ``inputs`` stay as they are.
    """
    outputs = inputs.clone()
    for name, _ in network.layers:
        outputs = module.get_submodule(name)(outputs)
        yield name, outputs
