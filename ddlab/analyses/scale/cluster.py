"""Ranks that are all alike, and the seconds that one of them takes for the passes of a network."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ddlab.machine.links import Link
from ddlab.machine.rates import Machine, Rates
from ddlab.models.architecture import Network
from ddlab.models.work import LayerWork, Work, network_work
from ddlab.strategies.growth import Load

EVALUATED = 512  # images at once in evaluations, as training has it
KEPT = 4096  # networks with their images whose layers are kept


@dataclass(frozen=True)
class Cluster:
    """Ranks that are all alike, each with a link to all others.

    Parameters
    ----------
    machine
        A rank is one of its cores, or one such GPU.
    number_bytes
        Of the arithmetic.
    states
        Numbers that the optimizer keeps of every parameter.
    start
        Seconds that an operation takes however small it is: a pass of a layer is never faster.
    least
        Whether times are those of the roofline, which nothing is faster than; else of torch's operations at best.
    """

    machine: Machine
    link: Link
    number_bytes: int = 4
    states: int = 2
    start: float = 0.0
    least: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and self.start >= 0):
            raise ValueError(f"start: must be seconds from 0 on, got {self.start:g}")

    def at(self, ranks: int) -> "Worker":
        """One of so many ranks."""
        start = 0.0 if self.least else self.start
        return Worker(self.machine.rank_rates(ranks), self.number_bytes, self.states, start, self.least)


@dataclass(frozen=True)
class Worker:
    """One rank: its rates, and how times follow from them; as :class:`Cluster` has it."""

    rates: Rates
    number_bytes: int
    states: int
    start: float
    least: bool

    def passes(self, network: Network, images: float, copies: int = 1) -> tuple[float, float, float]:
        """Seconds of a forward pass, of a backward pass and of an update of equal networks as one bank."""
        layers = _layers(network, images, self.number_bytes, self.states)
        forward, backward = (
            sum(max(copies * self._pass(layer, place), self.start) for layer in layers) for place in (0, 1)
        )
        return forward, backward, copies * sum(self._pass(layer, 2) for layer in layers)

    def _pass(self, layer: LayerWork, place: int) -> float:
        work: Work = layer.passes[place]
        rates = self.rates if self.least else self._ceilings(layer)
        return rates.seconds(work, self.number_bytes)[0]

    def _ceilings(self, layer: LayerWork) -> Rates:
        known = self._known
        if (key := (layer.channels, layer.kind)) not in known:
            known[key] = self.rates.ceilings(layer)
        return known[key]

    @cached_property
    def _known(self) -> dict[tuple[int, str], Rates]:
        return {}

    def step(self, load: Load) -> float:
        """Seconds of a step of a load."""
        if not load.images:
            return 0.0
        forward, backward, update = self.passes(load.network, load.images, load.copies)
        return load.gradients * (forward + backward + update) + load.values * forward

    def evaluation(self, load: Load) -> float:
        """Seconds of an epoch's evaluation of a load."""
        return load.evaluated * self._image(load)

    def prediction(self, load: Load) -> float:
        """Seconds in which a load is predicted at the end of a stage."""
        return load.predicted * self._image(load)

    def _image(self, load: Load) -> float:
        return self.passes(load.network, EVALUATED, load.copies)[0] / EVALUATED


@lru_cache(maxsize=KEPT)
def _layers(network: Network, images: float, number_bytes: int, states: int) -> tuple[LayerWork, ...]:
    return tuple(network_work(network, images, number_bytes, states))  # type: ignore[arg-type]  # parts of an image, too
