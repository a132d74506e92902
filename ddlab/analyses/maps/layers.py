"""Layers of which a network's class activation maps can be made; known before anything is built."""

from collections.abc import Iterable

from ddlab.models.architecture import Dropout, GlobalAveragePool, Linear, Network
from ddlab.problem import problem_of
from ddlab.registry import unknown
from ddlab.runs import RunFolder


def map_layers(network: Network) -> tuple[str, ...]:
    """Dotted names of the layers whose output is a map of several positions, first to last; blocks as a whole, too."""
    inside = {step.name: step.output for step in network.placed_layers()}
    found: dict[str, tuple[int, ...]] = {}
    shape = network.input
    for name, layer in network.layers:
        shape = layer.output(shape)
        found |= {part: output for part, output in inside.items() if part.startswith(f"{name}.")}
        found[name] = shape
    return tuple(name for name, output in found.items() if len(output) == len(network.input) > 1)


def common_layers(networks: Iterable[Network]) -> tuple[str, ...]:
    """The layers with maps that all of the networks have, in the order of the first."""
    first, *others = map(map_layers, networks)
    return tuple(name for name in first if all(name in other for other in others))


def why_not(run: RunFolder) -> str:
    """Say why there are no class activation maps of a run's networks; empty if there can be some."""
    problem = problem_of(run)
    if not all(network.cam_layer for network in (problem.global_network, *problem.local_networks)):
        return "The networks of this run have no maps: all of their layers are fully connected."
    if not any(run.stage(result["stage"], result["seed"]).has_weights for result in run.results()):
        return "This run has no weights to look into: none are trained yet, or it was kept without them."
    return ""


def cam_layer(network: Network, asked: str = "") -> str:
    """The layer to look at: the one that is asked for, or the network's own choice.

    Raises
    ------
    ValueError
        If the network has no such layer, or no layer with maps; names the choices.
    """
    choices = map_layers(network)
    if not choices or not (asked or network.cam_layer):
        raise ValueError("layer: the network has no maps: all of its layers are fully connected")
    if asked and asked not in choices:
        raise ValueError(unknown("layer", asked, choices))
    return asked or network.cam_layer


def is_analytic(network: Network, layer: str) -> bool:
    """Whether the map can be read off the weights: behind ``layer`` come a mean, maybe dropout, and the classifier."""
    names = [name for name, _ in network.layers]
    if layer not in names:
        return False
    behind = [part for _, part in network.layers[names.index(layer) + 1 :] if not isinstance(part, Dropout)]
    return [type(part) for part in behind] == [GlobalAveragePool, Linear]
