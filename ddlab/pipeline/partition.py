"""A network cut across its layers: which consecutive layers make a module, and what each module costs.

A sub-layer is the least that a cut leaves together: a layer that computes (convolution, linear layer, self-attention),
or a residual block, and what follows it without products: normalisation, rectifier, pooling. So no module begins with
a rectifier that would overwrite, in place, what another rank sent, and maps travel after they were pooled, when they
are smallest.

Nothing here needs torch: ``modules.py`` cuts the built network by what is decided here.

References
----------
Akintoye, Han, Lloyd, Zhang, Dancey, Chen, Zhang, "Layer-wise partitioning and merging for efficient and scalable deep
learning", FGCS 149, 2023: Section 3.2, Algorithm 1.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from ddlab.models.architecture import Layer, Network, Residual, Shape
from ddlab.registry import Entry, choose, shortened

FLOAT_BYTES = 4  # of a number in single precision

GROUPINGS: dict[str, Entry] = {
    "balanced": Entry(
        "balanced by cost",
        "The most expensive module is as cheap as consecutive sub-layers allow.",
        "ddlab.pipeline.partition:balanced",
        "ours, exact by dynamic programming",
    ),
    "equal": Entry(
        "equal counts",
        "Every module has as many sub-layers, and the last one also what remains.",
        "ddlab.pipeline.partition:equal",
        "Akintoye et al. 2023, Section 3.2",
    ),
}


@dataclass(frozen=True)
class SubLayer:
    """A layer that computes or a residual block, with the layers behind it that multiply nothing.

    Parameters
    ----------
    name
        The name of the layer that computes, by which its time is measured; "" if none does.
    network
        Its layers with their names in the whole network, as a network of their own.
    cost
        Floating-point operations of a forward pass of one sample, or the seconds that were measured.
    """

    name: str
    network: Network
    cost: float


@dataclass(frozen=True)
class Module:
    """Consecutive sub-layers that one rank computes.

    Parameters
    ----------
    network
        The layers with their names in the whole network, as a network of their own: its input and output shape, its
        parameters, its operations and the numbers that it keeps for the backward pass, its input among them.
    cost
        Sum of the costs of the sub-layers.
    """

    network: Network
    sub_layers: tuple[SubLayer, ...]
    cost: float

    @property
    def input(self) -> Shape:
        """Shape of one sample that the module gets."""
        return self.network.input

    @property
    def output(self) -> Shape:
        """Shape of one sample that the module passes on."""
        return output_shape(self.network)

    @cached_property
    def parameters(self) -> int:
        """Count the trainable numbers."""
        return self.network.parameters()

    @cached_property
    def flops(self) -> int:
        """Operations of a forward pass of one sample."""
        return self.network.flops()

    @cached_property
    def activations(self) -> int:
        """Numbers that the backward pass needs kept for one sample, the module's input among them."""
        return self.network.activations()


@dataclass(frozen=True)
class Partition:
    """A network as modules, in the order of the forward pass."""

    network: Network
    modules: tuple[Module, ...]

    @property
    def costs(self) -> tuple[float, ...]:
        """The cost of every module."""
        return tuple(module.cost for module in self.modules)

    @property
    def balance(self) -> float:
        """Mean cost of the modules over the largest one: 1 if all cost the same."""
        largest = max(self.costs)
        return sum(self.costs) / (len(self.costs) * largest) if largest else 1.0

    def bytes_between(self, number_bytes: int = FLOAT_BYTES) -> tuple[int, ...]:
        """Bytes a sample from every module to the next one; the gradients that come back are as many."""
        return tuple(number_bytes * math.prod(module.output) for module in self.modules[:-1])


def partition(
    network: Network, modules: int, grouping: str = "balanced", seconds: Mapping[str, float] | None = None
) -> Partition:
    """Cut a network in ``modules`` modules of consecutive sub-layers.

    Parameters
    ----------
    grouping
        A key of ``GROUPINGS``.
    seconds
        Measured time of every sub-layer by its name, in place of counted operations.

    Raises
    ------
    ValueError
        If there are fewer sub-layers than modules, or no modules, or the times are not those of the sub-layers; names
        the field, the rule, the value and the choices.

    References
    ----------
    Akintoye et al. 2023, Algorithm 1, lines 8 and 9.
    """
    entry = choose(GROUPINGS, grouping, "grouping")
    pieces = sub_layers(network, seconds)
    _check_count(modules, pieces)
    sizes: tuple[int, ...] = entry.load()([piece.cost for piece in pieces], modules)
    stops = [sum(sizes[: number + 1]) for number in range(modules)]
    parts = (pieces[stop - size : stop] for size, stop in zip(sizes, stops, strict=True))
    return Partition(network, tuple(_module(network, part) for part in parts))


def sub_layers(network: Network, seconds: Mapping[str, float] | None = None) -> tuple[SubLayer, ...]:
    """List the sub-layers of a network, in the order of the forward pass, with their costs.

    Layers before the first one that computes belong to the first sub-layer.

    Parameters
    ----------
    seconds
        Measured time of every sub-layer by its name, in place of counted operations.

    Raises
    ------
    ValueError
        If the times are not those of the sub-layers.
    """
    starts, shape, shapes = [], network.input, []
    for index, (_, layer) in enumerate(network.layers):
        starts += [index] if computes(layer, shape) else []
        shapes.append(shape)
        shape = layer.output(shape)
    names = [network.layers[start][0] for start in starts] or [""]
    found = []
    for name, (start, stop) in zip(names, pairwise([0, *starts[1:], len(network.layers)]), strict=True):
        alone = part_of(network, start, stop, shapes[start] if shapes else shape)
        found.append(SubLayer(name, alone, alone.flops()))
    if seconds is None:
        return tuple(found)
    _check_seconds(seconds, [piece.name for piece in found])
    return tuple(replace(piece, cost=seconds[piece.name]) for piece in found)


def computes(layer: Layer, shape: Shape) -> bool:
    """Tell whether a layer multiplies by weights: a cut may stand before it."""
    return isinstance(layer, Residual) or layer.flops(shape) > 0


def part_of(network: Network, start: int, stop: int, shape: Shape) -> Network:
    """Describe the layers ``start`` to ``stop`` of a network, which get an input of ``shape``, as one of their own."""
    layers = network.layers[start:stop]
    names = {name for name, _ in layers}
    cam_layer, classifier = (
        full if full.partition(".")[0] in names else "" for full in (network.cam_layer, network.classifier)
    )
    return Network(layers, shape, cam_layer, classifier, network.weights)


def output_shape(network: Network) -> Shape:
    """Shape of the output of one sample."""
    shape = network.input
    for _, layer in network.layers:
        shape = layer.output(shape)
    return shape


# ---- groupings: the number of sub-layers of every module, from their costs


def equal(costs: Sequence[float], modules: int) -> tuple[int, ...]:
    """Group by count: ``floor(K/n)`` sub-layers a module, the last one takes the remainder: 7 over 3 as 2, 2, 3.

    References
    ----------
    Akintoye et al. 2023, Section 3.2.
    """
    size = len(costs) // modules
    return (*[size] * (modules - 1), len(costs) - size * (modules - 1))


def balanced(costs: Sequence[float], modules: int) -> tuple[int, ...]:
    """Group by cost: the largest cost of a module is the least that consecutive sub-layers allow, exactly.

    Of the groupings that are as good, that with the least sum of squares is taken, so the other modules are even, too;
    of those, the one whose last modules have most sub-layers.
    """
    stops = range(1, len(costs) + 1)
    price = {(start, stop): math.fsum(costs[start:stop]) for stop in stops for start in range(stop)}
    largest, _ = _least(price, len(costs), modules, max)
    squares = {segment: cost**2 for segment, cost in price.items() if cost <= largest}
    _, sizes = _least(squares, len(costs), modules, operator.add)
    return sizes


def _least(
    price: Mapping[tuple[int, int], float], layers: int, modules: int, join: Callable[[float, float], float]
) -> tuple[float, tuple[int, ...]]:
    """The least joined price of ``modules`` segments that make up ``layers`` layers, and the segments' sizes.

    Dynamic programming over the layers from the front; segments without a price are not allowed.
    """
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for _ in range(modules):
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for stop in range(1, layers + 1):
            ways = (
                (join(total, price[start, stop]), (*sizes, stop - start))
                for start, (total, sizes) in best.items()
                if (start, stop) in price
            )
            way = min(ways, key=operator.itemgetter(0), default=None)
            if way is not None:
                longer[stop] = way
        best = longer
    return best[layers]


# ---- checks


def _module(network: Network, pieces: tuple[SubLayer, ...]) -> Module:
    names = [name for name, _ in network.layers]
    start, stop = names.index(pieces[0].network.layers[0][0]), names.index(pieces[-1].network.layers[-1][0]) + 1
    return Module(part_of(network, start, stop, pieces[0].network.input), pieces, sum(piece.cost for piece in pieces))


def _check_count(modules: int, pieces: Sequence[SubLayer]) -> None:
    if modules < 1:
        raise ValueError(f"modules: must be at least 1, got {modules}; choices: 1 to {len(pieces)}")
    if not any(piece.name for piece in pieces):
        raise ValueError("model: cannot be cut across its layers: none of them computes")
    if modules > 1 and len(pieces) == 1:
        raise ValueError(
            f"model: cannot be cut in {modules} modules: all of it is one sub-layer, {pieces[0].name!r}; choices: 1"
        )
    if modules > len(pieces):
        raise ValueError(
            f"modules: must be at most the model's {len(pieces)} sub-layers, got {modules}; choices: 1 to {len(pieces)}"
        )


def _check_seconds(seconds: Mapping[str, float], names: Sequence[str]) -> None:
    missing, unknown = [name for name in names if name not in seconds], [name for name in seconds if name not in names]
    if missing or unknown:
        raise ValueError(
            f"seconds: must name every sub-layer and nothing else; missing {shortened(missing)}, "
            f"unknown {shortened(unknown)}; choices: {', '.join(names)}"
        )
    wrong = {name: time for name, time in seconds.items() if not (math.isfinite(time) and time >= 0)}
    if wrong:
        raise ValueError(f"seconds: must be finite and not negative, got {shortened(wrong)}")
