"""Declarations of how a stage grows: what each of any number of ranks does in a step, and what they exchange; no torch.

A stage says it by a function of the number of ranks and of the images a step (:data:`Grows`), next to the code that
divides its work. Times, bytes and memory follow from it on any machine (:mod:`ddlab.analyses.scale`). A stage that says
nothing is one of which nothing is known.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ddlab.models.architecture import Network
from ddlab.pipeline.methods import Method
from ddlab.pipeline.placement import Placement


@dataclass(frozen=True)
class Load:
    """Equal networks that a rank trains.

    Parameters
    ----------
    images
        Those of a step that each of the networks sees.
    copies
        How many networks.
    gradients, values
        Passes over these images a step: forward and back, and forward alone.
    evaluated
        Images of an epoch's evaluation, forward alone.
    predicted
        Images that are predicted when the stage ends, forward alone.
    """

    network: Network
    images: float
    copies: int = 1
    gradients: float = 1.0
    values: float = 0.0
    evaluated: float = 0.0
    predicted: float = 0.0


@dataclass(frozen=True)
class Share:
    """The loads of each of ``ranks`` ranks that have the same to do."""

    ranks: int
    loads: tuple[Load, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """Something that ranks exchange in every step.

    Parameters
    ----------
    collective
        A key of :data:`ddlab.machine.links.COLLECTIVES`.
    ranks
        How many take part in one exchange.
    size
        Bytes of a vector that is summed, of a part that is gathered, or of a message.
    times
        How often a step.
    """

    collective: str
    ranks: int
    size: float
    times: float = 1.0


@dataclass(frozen=True)
class Order:
    """The order in which ranks work that hold consecutive layers.

    Parameters
    ----------
    images
        Of a micro-batch.
    method
        With old gradients, whose modules all work at once; None: the placement's schedule.
    """

    placement: Placement
    images: float
    method: Method | None = None


@dataclass(frozen=True)
class Growth:
    """A stage on a number of ranks.

    Parameters
    ----------
    shares
        Of ranks that have something to do; all others are idle.
    parts
        In words, what the work can be cut in at most: ``16 local networks``.
    most
        How many such parts there are: further ranks are idle.
    steps, epochs
        Training steps an epoch, and epochs.
    exchanges
        One after the other, when all ranks have done their loads.
    order
        Of ranks that hold consecutive layers and hand each other micro-batches.
    """

    shares: tuple[Share, ...]
    parts: str
    most: int
    steps: float
    epochs: float
    exchanges: tuple[Exchange, ...] = ()
    order: Order | None = None

    @property
    def busy(self) -> int:
        """Ranks that have something to do."""
        return sum(share.ranks for share in self.shares if share.loads)


Grows = Callable[[int, int], Growth]
"""Of the number of ranks, and of the images a step: in weak scaling they grow with the ranks."""


def divided(images: float, ranks: int) -> list[tuple[int, float]]:
    """Divide a batch: numbers of ranks with the images of each; ranks without an image are left out."""
    least, more = divmod(round(images), ranks)
    return [(count, part) for count, part in ((more, least + 1), (ranks - more, least)) if count and part]
