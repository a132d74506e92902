"""Conventions of counting parameters and operations: the same network has another size in every library and paper."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ddlab.models.architecture import BatchNorm, Conv, Layer, Linear, Network, PlacedLayer
from ddlab.models.attention import SelfAttention
from ddlab.registry import Entry, choose

PARAMETERS: dict[str, Entry] = {
    "torch": Entry(
        "as torch does",
        "The numbers that are trained, as the network is built here; the same as TF-slim's and torchvision's.",
        "ddlab.models.counting:parameters",
    ),
    "keras": Entry(
        "as Keras does, all numbers",
        "The same layers in Keras: a bias in every convolution, and of batch normalisation the running means too.",
        "ddlab.models.counting:parameters_keras",
        "Gu, Zhang, Liu, Cai, Tables 3.1 and 3.4",
    ),
    "keras_trainable": Entry(
        "as Keras does, trained numbers",
        "The same layers in Keras, without the running means of batch normalisation.",
        "ddlab.models.counting:parameters_keras_trainable",
    ),
}
FLOPS: dict[str, Entry] = {
    "torch": Entry(
        "as torch does",
        "Two operations a weight and output position, as torch's counter has it; biases and norms are left out.",
        "ddlab.models.counting:flops",
    ),
    "eq210": Entry(
        "by eq. (2.10)",
        "A sum of n products is n multiplications and n − 1 additions: one less an output than torch counts.",
        "ddlab.models.counting:flops_eq210",
        "Gu, Zhang, Liu, Cai, eq. (2.10)",
    ),
    "profiler": Entry(
        "as a profiler does, of penalised weights",
        "Torch's count and what a profiler finds beside it: 4.6 operations a parameter and 2 a biased output.",
        "ddlab.models.counting:flops_profiler_penalised",
        "fits Gu, Zhang, Liu, Cai, Table 3.1",
    ),
    "profiler_plain": Entry(
        "as a profiler does",
        "Torch's count and what a profiler finds beside it: 2 operations a parameter and 2 a biased output.",
        "ddlab.models.counting:flops_profiler_plain",
        "fits Gu, Zhang, Liu, Cai, Table 3.4",
    ),
}
WAYS = {"parameters": PARAMETERS, "flops": FLOPS}  # by the quantity that is counted


@dataclass(frozen=True)
class Counting:
    """One convention of each kind, as keys of ``PARAMETERS`` and ``FLOPS``.

    Raises
    ------
    ValueError
        If there is no such convention.
    """

    by_parameters: str = "torch"
    by_flops: str = "torch"

    @classmethod
    def of(cls, quantity: str, way: str) -> "Counting":
        """One quantity of ``WAYS`` counted in one way, the other as torch does."""
        return cls(**{f"by_{quantity}": way})

    def __post_init__(self) -> None:
        choose(PARAMETERS, self.by_parameters, "convention")
        choose(FLOPS, self.by_flops, "flops")

    def parameters(self, network: Network) -> int:
        """Parameters of a network."""
        return _counted(PARAMETERS[self.by_parameters].load(), network)

    def flops(self, network: Network) -> int:
        """Operations of a forward pass of one sample."""
        return _counted(FLOPS[self.by_flops].load(), network)


@lru_cache(maxsize=1024)
def _counted(count: Callable[[Network], int], network: Network) -> int:
    """Count once: a page asks for the numbers of the same few networks at every click."""
    return count(network)


TORCH = Counting()


# ---- parameters


def parameters(network: Network) -> int:
    """Count the trainable numbers as the network is built."""
    return network.parameters()


def parameters_keras(network: Network) -> int:
    """All numbers that Keras' default layers of the same sizes hold: four a channel of batch normalisation."""
    return parameters_keras_trainable(network) + 2 * _normalised_channels(network)


def parameters_keras_trainable(network: Network) -> int:
    """The numbers that Keras' default layers of the same sizes train: convolutions have biases."""
    return network.parameters() + sum(_missing_biases(step.layer) for step in network.placed_layers())


def _missing_biases(layer: Layer) -> int:
    if isinstance(layer, SelfAttention):
        return layer.convolved
    return layer.out_channels if isinstance(layer, Conv) and not layer.bias else 0


def _normalised_channels(network: Network) -> int:
    return sum(step.layer.channels for step in network.placed_layers() if isinstance(step.layer, BatchNorm))


# ---- operations


def flops(network: Network) -> int:
    """Count two operations a multiply-add."""
    return network.flops()


def flops_eq210(network: Network) -> int:
    """Operations by Gu et al.'s eq. (2.10): ``2·c_in·t_1·t_2 − 1`` an output of a convolution or a linear layer.

    Of layers with stride, the outputs that there are count.
    """
    return network.flops() - num_outputs(network)


def flops_profiler_like(
    network: Network, a: float, b: float, parameters: Callable[[Network], int] = parameters_keras
) -> int:
    """Torch's operations, ``a`` more a parameter and ``b`` more an output of a convolution or linear layer.

    What a profiler of a TensorFlow-1 graph counts beside the products: starting values and penalties of weights, and
    biases. So nearly all digits of Gu et al.'s tables come out, which by their eq. (2.10) alone they do not.

    Parameters
    ----------
    parameters
        How the library of the graph counts them.
    """
    return round(network.flops() + a * parameters(network) + b * num_outputs(network))


def flops_profiler_penalised(network: Network) -> int:
    """Count as in Gu et al.'s Table 3.1: weights have an L2 penalty."""
    return flops_profiler_like(network, 4.6, 2)


def flops_profiler_plain(network: Network) -> int:
    """Count as in Gu et al.'s Table 3.4: weights have no penalty."""
    return flops_profiler_like(network, 2, 2)


def num_outputs(network: Network) -> int:
    """Sums of products of one sample: what convolutions and linear layers put out, and the parts of self-attention."""
    return sum(_sums(step) for step in network.placed_layers())


def _sums(step: PlacedLayer) -> int:
    if isinstance(step.layer, SelfAttention):
        return step.layer.products(step.input)
    return math.prod(step.output) if isinstance(step.layer, Conv | Linear) else 0
