"""The time of a stage on R ranks, and what it is made of.

The parts of a step, in seconds, add up to its time:

- ``divided``: what one rank alone takes, over R;
- ``repeated``: what a rank does beyond that on average. Every rank updates all weights and reads them for few images
  where batches are divided, computes the whole DNN of the coherent model, and shares the memory of its machine;
- ``waiting``: what the busiest rank does beyond the average: N networks that R does not divide, more ranks than parts,
  the bubble of a pipeline;
- ``latency`` and ``transfer``: of what is exchanged, by :mod:`ddlab.machine.links`. Nothing hides it: exchanges begin
  when all ranks are done, as they do with one bucket of gradients, and in the coherent model;
- ``alone``: what one rank does while all others wait for it.

A rank computes at the roofline of :mod:`ddlab.machine.rates`, layer by layer, or at the best rates of torch's own
operations and none of them faster than an operation starts. Loading and augmenting images is left out. Checkpoints
are left out: ``placement.checkpoint_overhead`` bounds their share of the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ddlab.analyses.scale.cluster import Cluster, Worker
from ddlab.analyses.scale.ordered import order_costs, order_seconds
from ddlab.machine.links import COLLECTIVES, Cost, Link, message
from ddlab.strategies.growth import Growth, Load

PARTS = {
    "divided": "compute",
    "repeated": "repeated work",
    "waiting": "imbalance",
    "latency": "latency",
    "transfer": "bandwidth",
    "alone": "one rank alone",
}


@dataclass(frozen=True)
class Time:
    """Seconds by their ``PARTS``, and the bytes that ranks send meanwhile."""

    divided: float = 0.0
    repeated: float = 0.0
    waiting: float = 0.0
    latency: float = 0.0
    transfer: float = 0.0
    alone: float = 0.0
    sent: float = 0.0
    sent_by_all: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.compute + self.latency + self.transfer

    @property
    def compute(self) -> float:
        """All but exchanges."""
        return self.divided + self.repeated + self.waiting + self.alone

    @property
    def parts(self) -> dict[str, float]:
        """Seconds by part."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def bound(self) -> str:
        """The part that takes most of the time."""
        return max(PARTS, key=lambda name: self.parts[name])

    def __add__(self, other: "Time") -> "Time":
        return Time(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def times(self, count: float) -> "Time":
        """So many of them, one after the other."""
        return Time(*(count * getattr(self, name) for name in self.__dataclass_fields__))

    @property
    def by_one(self) -> "Time":
        """The same, done by one rank while all others wait."""
        return Time(alone=self.compute, latency=self.latency, transfer=self.transfer)


def step_time(growth: Growth, one: Growth, cluster: Cluster, ranks: int) -> Time:
    """The time of a training step on ``ranks`` ranks.

    Parameters
    ----------
    one
        The same stage on one rank.
    """
    worker, alone = cluster.at(ranks), cluster.at(1)
    alone_seconds = sum(alone.step(load) for share in one.shares for load in share.loads)
    if growth.order is not None:
        return _ordered(growth, alone_seconds, cluster, ranks) + _exchanged(growth, cluster.link)
    return _spread(busy_seconds(growth, worker), alone_seconds, ranks) + _exchanged(growth, cluster.link)


def busy_seconds(growth: Growth, worker: Worker) -> list[tuple[int, float]]:
    """Numbers of ranks, and the seconds of a step that each of them works."""
    return [(share.ranks, sum(map(worker.step, share.loads))) for share in growth.shares]


def update_seconds(growth: Growth, worker: Worker) -> float:
    """Seconds in which the busiest rank updates its weights."""
    return max(sum(worker.passes(load.network, load.images)[2] for load in share.loads) for share in growth.shares)


def epoch_time(growth: Growth, one: Growth, cluster: Cluster, ranks: int) -> Time:
    """The time of an epoch, its evaluation included; parameters as of :func:`step_time`."""
    steps = step_time(growth, one, cluster, ranks).times(growth.steps)
    return steps + _forward(growth, one, cluster, ranks, Worker.evaluation)


def stage_time(growth: Growth, one: Growth, cluster: Cluster, ranks: int) -> Time:
    """The time of all epochs of a stage, and of its predictions at the end; parameters as of :func:`step_time`."""
    epochs = epoch_time(growth, one, cluster, ranks).times(growth.epochs)
    return epochs + _forward(growth, one, cluster, ranks, Worker.prediction)


def _forward(
    growth: Growth, one: Growth, cluster: Cluster, ranks: int, seconds: Callable[[Worker, Load], float]
) -> Time:
    """Forward passes that every rank makes of its loads, without exchanges."""
    worker, alone = cluster.at(ranks), cluster.at(1)
    alone_seconds = sum(seconds(alone, load) for share in one.shares for load in share.loads)
    found = [(share.ranks, sum(seconds(worker, load) for load in share.loads)) for share in growth.shares]
    if growth.order is not None:  # one module after the other
        found = [(found[0][0], sum(each for _, each in found))]
    return _spread(found, alone_seconds, ranks)


def _spread(found: Sequence[tuple[int, float]], alone: float, ranks: int) -> Time:
    """Seconds that ranks work, as parts: numbers of ranks with their seconds, against those of one rank alone."""
    busiest = max((seconds for _, seconds in found), default=0.0)
    mean = sum(count * seconds for count, seconds in found) / ranks
    divided = min(alone / ranks, busiest)
    repeated = min(max(mean - divided, 0.0), busiest - divided)
    return Time(divided, repeated, busiest - divided - repeated)


def _exchanged(growth: Growth, link: Link) -> Time:
    costs = [exchange_cost(link, each.collective, each.ranks, each.size).times(each.times) for each in growth.exchanges]
    whole = sum(costs, Cost())
    return Time(latency=whole.latency, transfer=whole.transfer, sent=whole.sent, sent_by_all=whole.sent_by_all)


def exchange_cost(link: Link, collective: str, ranks: int, size: float) -> Cost:
    """The cost of one exchange; nothing where a rank is alone."""
    return COLLECTIVES[collective](link, ranks, size) if ranks > 1 else Cost()


# ---- ranks that hold consecutive layers


def _ordered(growth: Growth, alone: float, cluster: Cluster, ranks: int) -> Time:
    """A step of a pipeline: by its schedule, with transfers and without."""
    order, worker = growth.order, cluster.at(ranks)
    assert order is not None
    busy = busy_seconds(growth, worker)
    costs = order_costs(order, cluster, ranks)
    free = replace(costs, transfer=(0.0,) * len(costs.transfer))
    updates = update_seconds(growth, worker)
    still, whole = (order_seconds(order, each) + updates for each in (free, costs))
    mean = sum(count * seconds for count, seconds in busy) / ranks
    divided = min(alone / ranks, still)
    repeated = min(max(mean - divided, 0.0), still - divided)
    hops = [message(cluster.link, 2, size) for size in costs.hop_bytes if size]
    latency, transfer = sum(hop.latency for hop in hops), sum(hop.transfer for hop in hops)
    share = latency / (latency + transfer) if latency + transfer else 0.0
    sent = 2 * order.placement.schedule.num_micro_batches * sum(costs.hop_bytes)
    replicas = growth.shares[0].ranks
    times = (divided, repeated, still - divided - repeated, share * (whole - still), (1 - share) * (whole - still))
    # The busiest rank sends over one hop there and over one back.
    most = 2 * order.placement.schedule.num_micro_batches * max(costs.hop_bytes, default=0.0)
    return Time(*times, sent=min(most, sent), sent_by_all=replicas * sent)
