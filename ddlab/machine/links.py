"""Links between ranks, and what the collectives of gloo and NCCL take and send over them; no torch.

A message of n bytes takes ``α + n/B``: a latency α, and a bandwidth B of every rank, which sends and receives at once.
With R ranks

- a ring all-reduce of n bytes takes ``2 (R - 1) (α + n/(R B))``, and each rank sends ``2 (R - 1)/R · n``. It is
  gloo's, and NCCL's for large vectors;
- a tree all-reduce takes ``2 ⌈log₂ R⌉ α + 2 n/B``, and each rank sends at most 2n: NCCL's, by two trees that are each
  other's complement, for small vectors. NCCL takes the faster one;
- a ring all-gather of a part of n bytes of every rank takes ``(R - 1)(α + n/B)``, and each sends ``(R - 1) n``;
- a message between neighbours takes ``α + n/B``.

References
----------
Thakur, Rabenseifner, Gropp 2005, "Optimization of Collective Communication Operations in MPICH", IJHPCA 19(1): the
cost model. Patarasuk, Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations", JPDC 69(2):
the ring. Sanders, Speck, Träff 2009, "Two-tree algorithms for full bandwidth broadcast, reduction and scan", Parallel
Computing 35(12). gloo's choice: ``gloo/allreduce.cc``, whose default is the ring.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

GLOO, NCCL = "gloo", "nccl"
LIBRARIES = (GLOO, NCCL)


@dataclass(frozen=True)
class Link:
    """The link of a rank to all others.

    Parameters
    ----------
    name
        For people.
    latency
        Seconds that a message takes however short it is, the library's own time included.
    bandwidth
        Bytes a second each way.
    library
        One of ``LIBRARIES``, which decides how ranks sum.
    source
        Where the numbers are from.

    Raises
    ------
    ValueError
        If a number cannot be; names the field, the rule and the value.
    """

    name: str
    latency: float
    bandwidth: float
    library: str = GLOO
    source: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.latency) and self.latency >= 0):
            raise ValueError(f"latency: must be seconds from 0 on, got {self.latency:g}")
        if not self.bandwidth > 0:
            raise ValueError(f"bandwidth: must be bytes a second above 0, or infinite, got {self.bandwidth:g}")
        if self.library not in LIBRARIES:
            raise ValueError(f"library: must be one of {', '.join(LIBRARIES)}, got {self.library!r}")

    def plain(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)

    @classmethod
    def of_plain(cls, tree: Mapping[str, Any]) -> "Link":
        """Read what :meth:`plain` gave; raises a ValueError if that is no link."""
        try:
            numbers = float(tree["latency"]), float(tree["bandwidth"])
            return cls(str(tree["name"]), *numbers, str(tree["library"]), str(tree["source"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"link: {error!r} is missing or of another kind") from None


@dataclass(frozen=True)
class Cost:
    """The cost of an exchange.

    Parameters
    ----------
    latency, transfer
        Seconds that latencies take, and seconds that bytes take.
    sent
        Bytes that the busiest rank sends.
    sent_by_all
        Bytes that all ranks send together.
    """

    latency: float = 0.0
    transfer: float = 0.0
    sent: float = 0.0
    sent_by_all: float = 0.0

    @property
    def seconds(self) -> float:
        """Time from the moment when the last rank comes."""
        return self.latency + self.transfer

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.latency + other.latency,
            self.transfer + other.transfer,
            self.sent + other.sent,
            self.sent_by_all + other.sent_by_all,
        )

    def times(self, count: float) -> "Cost":
        """The cost of so many such exchanges, one after the other."""
        return Cost(count * self.latency, count * self.transfer, count * self.sent, count * self.sent_by_all)


def all_reduce(link: Link, ranks: int, size: float) -> Cost:
    """Cost of the sum of a vector of ``size`` bytes over all ranks, on every rank."""
    ring = ring_all_reduce(link, ranks, size)
    if link.library != NCCL:
        return ring
    return min(ring, tree_all_reduce(link, ranks, size), key=lambda cost: cost.seconds)


def ring_all_reduce(link: Link, ranks: int, size: float) -> Cost:
    """Cost of a sum by a ring: every rank sends a share of the vector to its neighbour, 2 (R - 1) times."""
    hops, sent = 2 * (ranks - 1), 2 * (ranks - 1) / ranks * size
    return Cost(hops * link.latency, sent / link.bandwidth, sent, ranks * sent)


def tree_all_reduce(link: Link, ranks: int, size: float) -> Cost:
    """Cost of a sum by two complementary binary trees, each for half of the vector: up to the root and down again."""
    if ranks == 1:
        return Cost()
    return Cost(
        2 * math.ceil(math.log2(ranks)) * link.latency, 2 * size / link.bandwidth, 2 * size, 2 * (ranks - 1) * size
    )


def all_gather(link: Link, ranks: int, size: float) -> Cost:
    """Cost of giving every rank the parts of all, ``size`` bytes each, by a ring."""
    hops = ranks - 1
    return Cost(hops * link.latency, hops * size / link.bandwidth, hops * size, ranks * hops * size)


def message(link: Link, ranks: int, size: float) -> Cost:
    """Cost of one message of ``size`` bytes to a neighbour; nothing where there is none."""
    if ranks == 1:
        return Cost()
    return Cost(link.latency, size / link.bandwidth, size, size)


COLLECTIVES: dict[str, Callable[[Link, int, float], Cost]] = {
    "all_reduce": all_reduce,
    "all_gather": all_gather,
    "message": message,
}
"""Exchanges by name: functions of the link, the number of ranks and the bytes of a vector, of a part or of a
message."""

# Bandwidths are makers' figures each way, of which programs reach less. Latencies of GPUs are those that NCCL counts
# with for a step of a ring with its protocol Simple (hwLat in its src/graph/tuning.cc); that of Ethernet is usual for
# TCP between two machines of one switch.
LINKS: dict[str, Link] = {
    "nvlink2": Link("NVLink of V100", 3.4e-6, 150e9, NCCL, "NVIDIA V100 data sheet, 2020: 300 GB/s both ways together"),
    "nvlink3": Link("NVLink of A100", 3.4e-6, 300e9, NCCL, "NVIDIA A100 data sheet, 2021: 600 GB/s both ways together"),
    "edr": Link("InfiniBand EDR", 14e-6, 12.5e9, NCCL, "100 Gbit/s a port; NCCL's latency of a network"),
    "hdr": Link("InfiniBand HDR", 14e-6, 25e9, NCCL, "200 Gbit/s a port; NCCL's latency of a network"),
    "ethernet10": Link("10 Gbit Ethernet", 50e-6, 1.25e9, GLOO, "10 Gbit/s; TCP within one switch"),
    "ethernet1": Link("Gigabit Ethernet", 100e-6, 0.125e9, GLOO, "1 Gbit/s; TCP within one switch"),
}
"""Links by published figures."""
