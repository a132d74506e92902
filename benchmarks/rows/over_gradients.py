"""What APTS and SAPTS take beside the losses and gradients that they ask for, by :mod:`benchmarks.trust_region`."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.made import seconds
from benchmarks.rows import Measure
from benchmarks.table import Sample
from benchmarks.trust_region import stepper

LEARNING, QUICK = 3, 1  # steps from which second order has its pairs


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Make both methods of both orders; a round is a step of each."""
    methods = {f"{kind.lower()}_{order}": stepper(kind, order) for kind in ("APTS", "SAPTS") for order in (1, 2)}

    def measure() -> dict[str, Sample]:
        found = {}
        for name, (made, step, _) in methods.items():
            made.inside = 0.0
            time = seconds(step)
            found[name] = Sample(time / made.inside, 1.0, {"a step, s": time, "its closures, s": made.inside})
        return found

    for _ in range(QUICK if quick else LEARNING):
        measure()
    yield measure
