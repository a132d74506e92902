"""The optimizers without a rate: second order over first, work beside the closures, the subproblem, bytes a step.

Run: ``python -m benchmarks.trust_region``; about three minutes on one core. The network is the paper's for MNIST,
784-512-256-10 with n = 535,818 parameters, on a batch of 10,000 random images.

What is possible, in gradients of the batch (a loss is a third): TrustRegion takes 1.33 of first order, and 2 of second
if the pair is of the whole batch; with the 5 % that two minibatches share 1.43, so 1.08 times as many. SAPTS takes
ν + 1.67 = 6.67 and 7.33: 1.10. A pair and a subproblem read a table of 2·5 vectors four times, 0.1 GB: 10 ms at 10 GB/s
beside a gradient of 3.2e10 operations.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.made import alternate, seconds
from ddlab.optim.apts import APTS, SAPTS
from ddlab.optim.lsr1 import LimitedMemorySR1
from ddlab.optim.model import StepModel
from ddlab.optim.preconditioner import Preconditioner
from ddlab.optim.subproblem import solve
from ddlab.optim.trust_region import TrustRegion

BATCH, WIDTHS, ROUNDS, LOCAL_STEPS = 10_000, (784, 512, 256, 10), 7, 5
OVERLAP = BATCH // 20


@dataclass
class Bench:
    """A network with an optimizer, and the time that its closures take."""

    network: nn.Sequential
    inputs: Tensor
    labels: Tensor
    inside: float = 0.0

    def closure(self, part: slice, backward: bool = True) -> Callable[[], Tensor]:
        """The loss on a part of the batch; with its gradient or without."""

        def timed() -> Tensor:
            began = time.perf_counter()
            loss = cross_entropy(self.network(self.inputs[part]), self.labels[part])
            if backward:
                loss.backward()
            self.inside += time.perf_counter() - began
            return loss.detach()

        return timed


def bench() -> Bench:
    """The same weights and images every time."""
    torch.manual_seed(0)
    layers = [layer for a, b in zip(WIDTHS, WIDTHS[1:], strict=False) for layer in (nn.Linear(a, b), nn.ReLU())]
    return Bench(nn.Sequential(*layers[:-1]), torch.randn(BATCH, WIDTHS[0]), torch.randint(WIDTHS[-1], (BATCH,)))


def stepper(kind: str, order: int, num_subdomains: int = 2) -> tuple[Bench, Callable[[], object], Callable[[], int]]:
    """A step of a method, ready to be repeated, and the vectors that it has exchanged."""
    made = bench()
    parameters, model, everything = list(made.network.parameters()), StepModel(order), slice(None)
    if kind == "TrustRegion":
        plain = TrustRegion(parameters, model=model)
        closures = made.closure(everything), made.closure(everything, backward=False), made.closure(slice(OVERLAP))
        overlap = closures[2] if order > 1 else None
        return made, lambda: plain.step(*closures[:2], overlap=overlap), lambda: plain.tally.vectors
    additive = (SAPTS if kind == "SAPTS" else APTS)(
        parameters, preconditioner=Preconditioner(num_subdomains, LOCAL_STEPS), model=model
    )
    size = BATCH // num_subdomains
    parts = [slice(start, start + size) for start in range(0, BATCH, size)]
    with_gradients = [made.closure(part) for part in parts]
    values = [made.closure(part, backward=False) for part in parts]
    return made, lambda: additive.step(with_gradients, values), lambda: additive.tally.vectors


def steps() -> None:
    """Second order against first, in turns; and what a step takes beside its closures."""
    vectors = {}
    for kind in ("TrustRegion", "SAPTS", "APTS"):
        found = {order: stepper(kind, order) for order in (1, 2)}
        for _, step, _ in found.values():
            for _ in range(3):  # pairs to learn from
                step()
        shares: dict[int, list[float]] = {1: [], 2: []}
        times: dict[int, list[float]] = {1: [], 2: []}
        counts = {order: told() for order, (_, _, told) in found.items()}
        for _ in range(ROUNDS):
            for order, (made, step, _) in found.items():
                made.inside = 0.0
                times[order].append(seconds(step))
                shares[order].append(times[order][-1] / made.inside - 1)
        ratio = statistics.median(b / a for a, b in zip(times[1], times[2], strict=True))
        for order, (_, _, told) in found.items():
            vectors[kind, order] = (told() - counts[order]) / ROUNDS
            print(
                f"{kind:12} order {order}: {statistics.median(times[order]):6.2f} s a step, "
                f"{100 * statistics.median(shares[order]):5.1f} % beside the closures, "
                f"{vectors[kind, order]:.1f} vectors"
            )
        print(f"{kind:12} second order over first: {ratio:.2f} (asked: at most 1.3)")
    n = sum(p.numel() for p in bench().network.parameters())
    descent = (LOCAL_STEPS + 2) * 4 * n
    for (kind, order), number in vectors.items():
        if kind != "TrustRegion":
            print(
                f"{kind:12} order {order}: {number * 4 * n / 1e6:.1f} MB a step; descent by as many gradients "
                f"{descent / 1e6:.1f} MB, {descent / (number * 4 * n):.1f} times as much"
            )


def subproblem(n: int = 10**6, history: int = 5) -> None:
    """A pair taken in, and the step of least model value in the ball, at the boundary."""
    torch.manual_seed(0)
    curvatures = torch.randn(n)
    memory = LimitedMemorySR1(history)
    for _ in range(history):
        step = torch.randn(n)
        memory.update(step, curvatures * step)
    gradient = torch.randn(n)

    def learn() -> Callable[[], object]:
        step = torch.randn(n)
        change = curvatures * step
        return lambda: (memory.update(step, change), memory.spectrum())

    def find() -> Callable[[], object]:
        spectrum = memory.spectrum()
        return lambda: solve(gradient, spectrum, 0.1)

    learned, found = (1e3 * statistics.median(times) for times in alternate([learn, find], 5 * ROUNDS))
    print(f"n = {n:,}, history {history}: a pair {learned:.1f} ms, a solve {found:.1f} ms (asked: at most 50)")


def main() -> None:
    """All of it."""
    print(f"{torch.get_num_threads()} threads, batch {BATCH}, N = 2, ν = {LOCAL_STEPS}, median of {ROUNDS} rounds")
    subproblem()
    steps()


if __name__ == "__main__":
    main()
