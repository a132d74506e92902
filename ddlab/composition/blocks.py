"""Preparations for the further training of a composed network: weights between the blocks, statistics, logits.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022, Section 2.2. The options here are ours: the paper trains all weights at one small
rate, keeps the local networks' statistics, and sums their logits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ddlab.composition.compose import Composition, State
from ddlab.training.batches import Batch


def cross_energy(state: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> dict[str, float]:
    """Share of the squared Frobenius norm that lies between the blocks, by layer; 0 in a network just composed.

    Parameters
    ----------
    masks
        As :meth:`ddlab.composition.compose.Composition.cross_masks` gives them.
    """
    shares = {}
    for key, mask in masks.items():
        squares = state[key].double().square()
        shares[key.removesuffix(".weight")] = float((squares * mask.to(squares.device)).sum() / squares.sum())
    return shares


def damp(
    optimizer: torch.optim.Optimizer, masked: Sequence[tuple[Tensor, Tensor]], factor: Callable[[], float]
) -> None:
    """Let the optimizer make smaller steps where a mask is true: ``factor()`` times those that it would make.

    Adam's first steps move every weight by about the learning rate, however small its gradient: zeros between the
    blocks would jump as far as weights that have been trained.

    Parameters
    ----------
    masked
        Parameters of the optimizer, each with its mask.
    """
    before: list[Tensor] = []

    def remember(*_: object) -> None:
        before[:] = [parameter.detach().clone() for parameter, _ in masked]

    def hold_back(*_: object) -> None:
        held = 1 - factor()
        with torch.no_grad():
            for (parameter, mask), old in zip(masked, before, strict=True):
                parameter.lerp_(old, mask.to(parameter) * held)

    optimizer.register_step_pre_hook(remember)
    optimizer.register_step_post_hook(hold_back)


@torch.no_grad()
def recalibrate(module: nn.Module, batches: Iterable[Batch]) -> None:
    """Re-estimate the statistics of all batch normalisations: the mean over these batches. Weights stay as they are.

    Those of a composed network are its local networks', each of which saw its subimages only.
    """
    norms = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    modes = [(layer, layer.training) for layer in module.modules()]
    momenta = [(layer, layer.momentum) for layer in norms]
    module.eval()  # no dropout
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # averages over all batches alike
        layer.train()
    for batch in batches:
        module(batch.inputs)
    for layer, momentum in momenta:
        layer.momentum = momentum
    for part, mode in modes:
        part.training = mode


def average_logits(composition: Composition, state: State) -> State:
    """The composed network's state with the mean of the local logits in place of their sum: N times less sure of it."""
    classifier, num_networks = composition.global_network.classifier, len(composition.local_networks)
    return {
        key: value / num_networks if key.rpartition(".")[0] == classifier else value for key, value in state.items()
    }
