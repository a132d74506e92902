"""The best that a machine does: operations a second, and bytes a second by how much memory is at work.

No torch: :mod:`ddlab.machine.measuring` measures, :mod:`ddlab.machine.kept` keeps what it found.

References
----------
Williams, Waterman, Patterson 2009, "Roofline", Communications of the ACM 52(4). Ilic, Pratas, Sousa 2014, "Cache-aware
Roofline model", IEEE Computer Architecture Letters 13(1): a bandwidth for each level of the memory.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ddlab.machine.links import Link
from ddlab.models.work import FLOAT32, LayerWork, Work

MOST = 1e18  # operations or bytes a second that nothing reaches: more is a mistake
Bound = Literal["operations", "bytes"]


@dataclass(frozen=True)
class Rates:
    """The best rates of a machine with a number of threads, in float32.

    Parameters
    ----------
    operations
        Floating-point operations a second.
    bandwidth
        Bytes that are at work, and bytes a second that are read and written then: pairs of growing sizes. Smaller
        ones fit caches, so that their rates are never below those of larger ones.
    convolutions
        Channels, and operations a second of torch's convolutions of so many, forward and backward: pairs of growing
        numbers; empty where they were not measured.
    kinds
        Bytes a second of torch's other operations, by kind of layer (:data:`ddlab.models.work.KINDS`).

    Raises
    ------
    ValueError
        If a rate is none; names the field, the rule and the value.
    """

    operations: float
    bandwidth: tuple[tuple[float, float], ...]
    convolutions: tuple[tuple[int, float], ...] = ()
    kinds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check("operations", self.operations)
        if not self.bandwidth:
            raise ValueError("bandwidth: needs a size with its rate at least, got none")
        for name in ("bandwidth", "convolutions"):
            for _, rate in getattr(self, name):
                _check(name, rate)
        for rate in self.kinds.values():
            _check("kinds", rate)
        sizes, rates = zip(*self.bandwidth, strict=True)
        if list(sizes) != sorted(set(sizes)) or list(rates) != sorted(rates, reverse=True):
            raise ValueError(f"bandwidth: needs growing sizes with falling rates, got {self.bandwidth}")

    @property
    def memory(self) -> float:
        """Bytes a second beyond all caches."""
        return self.bandwidth[-1][1]

    @property
    def balance(self) -> float:
        """Operations a byte from which on memory beyond all caches is fast enough."""
        return self.operations / self.memory

    def part(self, count: int) -> "Rates":
        """The rates of one of ``count`` equal parts: as much less, and of as much less cache."""
        return Rates(
            self.operations / count,
            tuple((size / count, rate / count) for size, rate in self.bandwidth),
            tuple((channels, rate / count) for channels, rate in self.convolutions),
            {kind: rate / count for kind, rate in self.kinds.items()},
        )

    def bandwidth_of(self, size: float) -> float:
        """Bytes a second while ``size`` bytes are at work: those of the next smaller size that is known, a bound."""
        fitting = [rate for least, rate in self.bandwidth if least <= size]
        return fitting[-1] if fitting else self.bandwidth[0][1]

    def ceilings(self, layer: LayerWork) -> "Rates":
        """The rates that torch's own operations reach for a layer, below the roof; the roof where none was measured.

        Of convolutions, those of the next larger number of channels that was measured.
        """
        operations, bandwidth = self.operations, self.bandwidth
        if layer.channels and self.convolutions:
            wider = [rate for channels, rate in self.convolutions if channels >= layer.channels]
            operations = wider[0] if wider else operations
        if layer.kind in self.kinds:
            bandwidth = tuple((size, min(rate, self.kinds[layer.kind])) for size, rate in bandwidth)
        return Rates(operations, bandwidth)

    def seconds(self, work: Work, number_bytes: int = FLOAT32, at_once: int = 1) -> tuple[float, Bound]:
        """The least time of a piece of work, and what bounds it: the larger of both parts.

        Parameters
        ----------
        number_bytes
            Of the arithmetic: numbers of twice the bytes take twice the time a product.
        at_once
            How many such pieces are worked on side by side, and share the caches. The rates are those of all.
        """
        products = work.operations / self.operations * number_bytes / FLOAT32
        # What works in place touches half of what it moves: the smaller size bounds the time from below.
        moved = work.bytes / self.bandwidth_of(at_once * work.bytes / 2)
        return (products, "operations") if products > moved else (moved, "bytes")


def _check(field: str, rate: float) -> None:
    if not (math.isfinite(rate) and 0 < rate < MOST):
        raise ValueError(f"{field}: must be a rate above 0 and below {MOST:g}, got {rate:g}")


@dataclass(frozen=True)
class Machine:
    """A machine as the roofline sees it.

    Parameters
    ----------
    name
        Of its processor with the number of cores, or of its GPU.
    rates
        By number of threads; of a GPU, by 1.
    measured
        When, as ISO date and time; empty: the numbers are a data sheet's.
    source
        What was measured, or which data sheet.
    busy
        Whether other programs worked while it was measured, so that it may do better.
    link
        Between two of its ranks; None where it was not measured.

    Raises
    ------
    ValueError
        If it has no rates.
    """

    name: str
    rates: Mapping[int, Rates]
    measured: str = ""
    source: str = ""
    busy: bool = False
    link: Link | None = None

    def __post_init__(self) -> None:
        if not self.rates:
            raise ValueError(f"machine {self.name!r}: needs rates of one thread at least, got none")

    @property
    def threads(self) -> int:
        """The most threads that it was measured with: those of the whole machine."""
        return max(self.rates)

    @property
    def all_threads(self) -> Rates:
        """The rates of the whole machine."""
        return self.rates[self.threads]

    def rank_rates(self, ranks: int) -> Rates:
        """The rates of one of so many ranks, a core or a GPU each, which fill one such machine after the other.

        Ranks of one machine share its memory: each has its part of what all of them reach together.
        """
        working = max(threads for threads in self.rates if threads <= max(ranks, min(self.rates)))
        return self.rates[working].part(working)

    @property
    def has_ceilings(self) -> bool:
        """Whether it is known how fast torch's own operations are on it."""
        return bool(self.all_threads.convolutions)

    def plain(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        rates = {str(threads): asdict(each) for threads, each in self.rates.items()}
        told = {"name": self.name, "measured": self.measured, "source": self.source, "busy": self.busy, "rates": rates}
        return told | {"link": self.link and self.link.plain()}

    @classmethod
    def of_plain(cls, tree: Mapping[str, Any]) -> "Machine":
        """Read what :meth:`plain` gave.

        Raises
        ------
        ValueError
            If that is no machine.
        """
        try:
            rates = {
                int(threads): Rates(
                    float(each["operations"]),
                    tuple((float(size), float(rate)) for size, rate in each["bandwidth"]),
                    tuple((int(channels), float(rate)) for channels, rate in each.get("convolutions", ())),
                    {str(kind): float(rate) for kind, rate in each.get("kinds", {}).items()},
                )
                for threads, each in tree["rates"].items()
            }
            link = Link.of_plain(tree["link"]) if tree.get("link") else None
            told = str(tree["measured"]), str(tree["source"]), bool(tree.get("busy", False))
            return cls(str(tree["name"]), rates, *told, link)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"machine: {error!r} is missing or of another kind") from None


def _of_sheet(name: str, operations: float, bandwidth: float, source: str) -> Machine:
    return Machine(name, {1: Rates(operations, ((0.0, bandwidth),))}, source=source)


# By their makers' data sheets: products of float32, as torch computes them, and bandwidth of the GPU's memory. TF32
# rounds the factors to 10 bits; torch takes it for convolutions unless told otherwise. Caches are left out.
DATA_SHEETS: dict[str, Machine] = {
    "v100": _of_sheet("V100, float32", 15.7e12, 900e9, "NVIDIA V100 (SXM2) data sheet, 2020: 15.7 TFLOP/s, 900 GB/s"),
    "a100": _of_sheet("A100, float32", 19.5e12, 1555e9, "NVIDIA A100 40 GB data sheet, 2021: 19.5 TFLOP/s, 1,555 GB/s"),
    "a100_tf32": _of_sheet("A100, TF32", 156e12, 1555e9, "NVIDIA A100 40 GB data sheet, 2021: 156 TFLOP/s, 1,555 GB/s"),
}
