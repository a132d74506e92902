"""Checks whether local networks make a global network: the same layers, whose channels add up. Needs no torch."""

from collections.abc import Sequence
from itertools import zip_longest

from ddlab.decomposition import Decomposition, times
from ddlab.models.architecture import BatchNorm, Conv, Linear, Network
from ddlab.models.attention import SelfAttention

WEIGHTED = (Conv, Linear, BatchNorm)


def layer_sizes(networks: Sequence[Network]) -> dict[str, tuple[int, ...]]:
    """Outputs of every layer with weights, in each network; all have the same layers."""
    steps = [[step for step in network.placed_layers() if isinstance(step.layer, WEIGHTED)] for network in networks]
    return {group[0].name: tuple(step.output[0] for step in group) for group in zip(*steps, strict=True)}


def check_composition(local_networks: Sequence[Network], global_network: Network, decomposition: Decomposition) -> None:
    """Refuse local networks that do not make the global one.

    Raises
    ------
    ValueError
        If the networks are not of one family and depth, their channels do not add up, or they do not fit the
        subdomains; names the layer, the rule and the numbers.
    """
    if len(local_networks) != len(decomposition):
        raise ValueError(f"compose: {len(local_networks)} sub-networks do not fit {len(decomposition)} subdomains")
    _check_local((global_network, *local_networks))
    expected = [(step.name, type(step.layer).__name__) for step in global_network.placed_layers()]
    for number, (network, box) in enumerate(zip(local_networks, decomposition, strict=True), 1):
        if network.input[1:] != box.shape:
            raise ValueError(
                f"compose: sub-network {number} sees {times(network.input[1:])} px, its subdomain has "
                f"{times(box.shape)}"
            )
        layers = [(step.name, type(step.layer).__name__) for step in network.placed_layers()]
        if layers != expected:
            pairs = zip_longest(layers, expected, fillvalue=("nothing", ""))
            ours, theirs = next((a, b) for (a, _), (b, _) in pairs if a != b)
            raise ValueError(
                f"compose: sub-network {number} has {len(layers)} layers, the global network {len(expected)}; where "
                f"that has {theirs!r}, the sub-network has {ours!r}; all must be of one family and depth"
            )
    sizes = layer_sizes(local_networks)
    for step in global_network.placed_layers():
        whole, parts = step.output[0], sizes.get(step.name, ())
        if parts and step.name != global_network.classifier and whole != sum(parts):
            raise ValueError(
                f"compose: layer {step.name!r} has {whole} outputs, those of the sub-networks add up to "
                f"{sum(parts)}; take the reduction 1/N and a width that N divides"
            )


def _check_local(networks: Sequence[Network]) -> None:
    """Refuse networks of which a position sees the whole image: on a subimage they compute something else."""
    for network in networks:
        for step in network.placed_layers():
            if isinstance(step.layer, SelfAttention):
                raise ValueError(
                    f"compose: layer {step.name!r} is self-attention: every position of a map takes part in all "
                    "others, so the maps of subimages are not parts of the whole image's; take a model without "
                    "attention, resnet18 in place of resattnet18"
                )
