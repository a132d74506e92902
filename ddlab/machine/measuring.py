"""Measure what a machine does at best: products of matrices, convolutions, and memory read and written.

A ceiling is the best of many short tries, not their mean: what disturbs a try can only slow it down. Tries go in
rounds over everything, so that a disturbance of a second spoils one round of all and not all rounds of one.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ddlab.engine.devices import slots
from ddlab.machine.kept import machine_name
from ddlab.machine.measuring_links import measure_link
from ddlab.machine.rates import Machine, Rates
from ddlab.models.architecture import BatchNorm, Conv, Layer, MaxPool, Network, ReLU
from ddlab.models.work import KINDS, network_work
from ddlab.written import percent

ROUNDS = 15
MATRIX = 1024  # rows and columns
MAPS = ((128, 32, 16), (256, 64, 8))  # images, channels, pixels a side: convolutions from these to as many channels
GPU_MATRIX, GPU_IMAGES = 8192, 16  # times as many images
NARROW = ((8, 16), (16, 16), (32, 8), (64, 8), (128, 8), (256, 8))  # channels and pixels a side, as local networks have
BATCH = 64  # images
OTHERS = ((128, 32, 16), (128, 64, 8))  # images, channels, pixels a side of norms, rectifiers and pooling
NUMBER = 4  # bytes
SIZES = tuple(2**power for power in range(18, 29, 2))  # bytes at work: 256 KiB to 256 MiB
GPU_SIZES = tuple(2**power for power in range(24, 31, 2))
LEAST = 0.004  # seconds of a try: shorter work is repeated
BUSY, TOO_BUSY = 0.95, 0.6  # of the time, one thread had a core for itself: below, other programs were at work
GAIN = 0.8  # all threads do at least this much of what one does, or the machine is too busy to be measured


@dataclass
class _Try:
    """A piece of work with what it amounts to, and the seconds that it took, a round each."""

    work: Callable[[], object]
    amount: float
    repeats: int = 1
    seconds: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Amount a second of the best round."""
        return self.amount / min(self.seconds)


def measure(device: str = "cpu") -> Machine:
    """Measure this machine's processor, with one thread and with all, and its link; or its first GPU; 10 to 30 s.

    Parameters
    ----------
    device
        ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    ValueError
        If there is no such device, or the machine is so busy that the numbers make no sense.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device: must be cpu or cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: 'cuda' needs an NVIDIA GPU, and torch finds none here; choices: cpu")
    cores = len(slots("cpu")) if device == "cpu" else 1
    counts = sorted({1, cores})
    before, rates, shares = torch.get_num_threads(), {}, []
    try:
        for threads in counts:
            if device == "cpu":
                torch.set_num_threads(threads)
            began, worked = time.perf_counter(), time.process_time()
            rates[threads] = _rates(device)
            shares.append((time.process_time() - worked) / (time.perf_counter() - began))
    finally:
        torch.set_num_threads(before)
    refuse_nonsense(rates, shares[0])
    rates[counts[-1]] = side_by_side(rates[1], rates[counts[-1]], counts[-1])
    name = machine_name() if device == "cpu" else torch.cuda.get_device_name()
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    link = measure_link() if cores > 1 else None
    return Machine(name, rates, now, _told(device), shares[0] < BUSY, link)


def refuse_nonsense(rates: dict[int, Rates], share: float) -> None:
    """Compare the rates of all threads with those of one.

    Parameters
    ----------
    share
        Of the time that one thread worked, in which it had a core.

    Raises
    ------
    ValueError
        If it had none for long, or all threads together do less than one: something else held the cores.
    """
    if share < TOO_BUSY:
        raise ValueError(
            f"machine: one thread had a core for {percent(share, 0)} of the time, and needs {percent(TOO_BUSY, 0)}: "
            "the machine is too busy to be measured; try again when it is quiet"
        )
    one, every = rates[min(rates)], rates[max(rates)]
    for what, few, many in (("operations", one.operations, every.operations), ("bytes", one.memory, every.memory)):
        if many < GAIN * few:
            raise ValueError(
                f"machine: {max(rates)} threads did fewer {what} a second than one ({many:.3g} against {few:.3g}): "
                "the machine is too busy to be measured; try again when it is quiet"
            )


def side_by_side(one: Rates, every: Rates, threads: int) -> Rates:
    """The rates of all threads, where torch's operations are at least as fast as in a process a core.

    A narrow convolution gains little from a second thread, and two of them in two processes do.
    """
    convolutions = tuple(
        (channels, max(rate, threads * alone))
        for (channels, rate), (_, alone) in zip(every.convolutions, one.convolutions, strict=True)
    )
    kinds = {kind: max(rate, threads * one.kinds[kind]) for kind, rate in every.kinds.items()}
    return Rates(every.operations, every.bandwidth, convolutions, kinds)


def _rates(device: str) -> Rates:
    """Rates with the threads that are set."""
    products, narrow, others = list(_products(device)), _narrow(device), _others(device)
    moves = {size: list(_moves(size, device)) for size in (SIZES if device == "cpu" else GPU_SIZES)}
    several = (*moves.values(), *others.values())
    tries = [*products, *narrow.values(), *(each for alike in several for each in alike)]
    with torch.no_grad():
        for each in tries:
            each.repeats = max(1, round(LEAST / _seconds(each, device)))
        for each in tries * ROUNDS:
            each.seconds.append(_seconds(each, device))
    reached: list[tuple[float, float]] = []
    for size in sorted(moves, reverse=True):  # a rate of a larger size can be had for a smaller one
        best = max(each.best for each in moves[size])
        reached.insert(0, (float(size), max([best, *(rate for _, rate in reached)])))
    widths, peak = sorted(narrow), max(each.best for each in (*products, *narrow.values()))
    convolutions = tuple((width, max(narrow[less].best for less in widths if less <= width)) for width in widths)
    kinds = {kind: max(each.best for each in alike) for kind, alike in others.items()}
    return Rates(peak, tuple(reached), convolutions, kinds)


def _products(device: str) -> Iterator[_Try]:
    """A product of matrices and convolutions as wide networks have them, channels last."""
    rows = MATRIX if device == "cpu" else GPU_MATRIX
    left, right = torch.randn(2, rows, rows, device=device)
    out = torch.empty(rows, rows, device=device)
    yield _Try(lambda: torch.mm(left, right, out=out), 2 * rows**3)
    for channels, images, side in MAPS:
        images *= 1 if device == "cpu" else GPU_IMAGES
        maps = _channels_last(torch.randn(images, channels, side, side, device=device))
        weights = _channels_last(torch.randn(channels, channels, 3, 3, device=device))
        work = _convolution(maps, weights)
        yield _Try(work, 2 * 9 * channels**2 * side**2 * images)


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _convolution(maps: Tensor, weights: Tensor) -> Callable[[], object]:
    return lambda: conv2d(maps, weights, padding=1)


def _narrow(device: str) -> dict[int, _Try]:
    """Convolutions forward and backward, by their number of channels."""
    found = {}
    for channels, side in NARROW:
        maps, gradient = (_maps(BATCH, channels, side, device) for _ in range(2))
        weights = _channels_last(torch.randn(channels, channels, 3, 3, device=device))
        found[channels] = _Try(_both_ways(maps, gradient, weights), 3 * 2 * 9 * channels**2 * side**2 * BATCH)
    return found


def _both_ways(maps: Tensor, gradient: Tensor, weights: Tensor) -> Callable[[], object]:
    sides, none = [1, 1], [0, 0]
    backward = torch.ops.aten.convolution_backward

    def work() -> None:
        conv2d(maps, weights, padding=1)
        backward(gradient, maps, weights, None, sides, sides, sides, False, none, 1, [True, True, False])

    return work


def _others(device: str) -> dict[str, list[_Try]]:
    """Layers without products, forward and backward, by their kind; bytes as :mod:`ddlab.models.work` counts them."""
    found: dict[str, list[_Try]] = {}
    for layer in (BatchNorm, ReLU, MaxPool):
        kind = KINDS[layer]
        found[kind] = [
            _Try(_OTHER[kind](*(_maps(*shape, device) for _ in range(2))), _bytes(layer, shape)) for shape in OTHERS
        ]
    return found


def _bytes(layer: type[Layer], shape: tuple[int, int, int]) -> float:
    """Bytes of a layer behind one that learns, forward and backward."""
    images, channels, side = shape
    made: Layer = BatchNorm(channels) if layer is BatchNorm else layer()
    stem = Conv(channels, channels, 1)
    network = Network((("stem", stem), ("layer", made)), (channels, side, side))
    _, work = network_work(network, images)
    return work.forward.bytes + work.backward.bytes


def _norm(maps: Tensor, gradient: Tensor) -> Callable[[], object]:
    channels = maps.shape[1]
    ones, zeros = torch.ones(channels, device=maps.device), torch.zeros(channels, device=maps.device)
    forward, backward = torch.native_batch_norm, torch.ops.aten.native_batch_norm_backward
    running = zeros.clone(), ones.clone()

    def work() -> None:
        _, mean, deviation = forward(maps, ones, zeros, *running, True, 0.1, 1e-5)
        backward(gradient, maps, ones, *running, mean, deviation, True, 1e-5, [True, True, True])

    return work


def _rectifier(maps: Tensor, gradient: Tensor) -> Callable[[], object]:
    def work() -> None:
        torch.relu_(maps)
        torch.ops.aten.threshold_backward(gradient, maps, 0)

    return work


def _pooling(maps: Tensor, gradient: Tensor) -> Callable[[], object]:
    size, none, one = [2, 2], [0, 0], [1, 1]
    forward = torch.ops.aten.max_pool2d_with_indices
    backward = torch.ops.aten.max_pool2d_with_indices_backward
    pooled, _ = forward(maps, size, size)

    def work() -> None:
        _, places = forward(maps, size, size)
        backward(pooled, maps, size, size, none, one, False, places)

    return work


_OTHER = {KINDS[BatchNorm]: _norm, KINDS[ReLU]: _rectifier, KINDS[MaxPool]: _pooling}


def _maps(images: int, channels: int, side: int, device: str) -> Tensor:
    return _channels_last(torch.randn(images, channels, side, side, device=device))


def _moves(size: int, device: str) -> Iterator[_Try]:
    """``c = a + 3 b`` of three vectors with ``size`` bytes together, and one vector of that size scaled in place."""
    a, b, c = torch.ones(3, size // (3 * NUMBER), device=device)
    yield _Try(lambda: torch.add(a, b, alpha=3.0, out=c), 3 * NUMBER * len(a))
    vector = torch.ones(size // NUMBER, device=device)
    yield _Try(lambda: vector.mul_(1.0), 2 * NUMBER * len(vector))


def _seconds(each: _Try, device: str) -> float:
    """Time of the work once, from as many repetitions as it has."""
    began = time.perf_counter()
    for _ in range(each.repeats):
        each.work()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / each.repeats


def _told(device: str) -> str:
    largest = (SIZES if device == "cpu" else GPU_SIZES)[-1] // 2**20
    rows = MATRIX if device == "cpu" else GPU_MATRIX
    return (
        f"torch {torch.__version__}, float32: the best of {rows}² matrix products and 3×3 convolutions of "
        f"{MAPS[0][0]} and {MAPS[1][0]} channels; a + 3 b and scaling in place up to {largest} MiB; the best of "
        f"{ROUNDS} rounds"
    )
