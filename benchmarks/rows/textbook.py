"""Our loop against a textbook's, as :mod:`benchmarks.textbook` compares them, on made images.

The limit: bare steps on a batch that is there already; no loop is faster with these operations.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from benchmarks.loop_overhead import bare
from benchmarks.made import CLASSES, SHAPE, images, seconds
from benchmarks.rows import Measure
from benchmarks.table import Sample
from benchmarks.textbook import BATCH, FAMILIES, Textbook, ours
from ddlab.data.source import Dataset
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

STEPS, QUICK = 15, 4  # an epoch
BARE = 8  # steps
MOST_EPOCHS = 10_000


def textbook(spec: NetworkSpec, family: str, dataset: Dataset) -> Textbook:
    """The textbook's loop, with no loading processes or one a core, whichever is faster."""
    candidates = [
        Textbook(build(MODELS[family].load()(spec), 1), dataset, processes)
        for processes in (0, torch.get_num_threads())
    ]
    times = []
    for candidate in candidates:
        candidate.epoch()
        times.append(min(seconds(candidate.epoch) for _ in range(2)))
    return candidates[times.index(min(times))]


def bare_steps(spec: NetworkSpec, family: str) -> Callable[[], None]:
    """Steps on a batch that is there, channels last as ours."""
    module = build(MODELS[family].load()(spec), 1).to(memory_format=torch.channels_last)
    inputs = torch.randn(BATCH, 3, *SHAPE).to(memory_format=torch.channels_last)
    return bare(module, inputs, torch.randint(CLASSES, (BATCH,)), BARE)


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Make the loops of all families; a round is an epoch of each, and some bare steps."""
    number = QUICK if quick else STEPS
    dataset = images(number * BATCH)
    specs = {family: NetworkSpec((3, *SHAPE), CLASSES, width=width) for family, width in FAMILIES.items()}
    mine = {family: ours(family, spec, dataset, MOST_EPOCHS) for family, spec in specs.items()}
    theirs = {family: textbook(spec, family, dataset) for family, spec in specs.items()}
    least = {family: bare_steps(spec, family) for family, spec in specs.items()}
    turn = 0

    def measure() -> dict[str, Sample]:
        nonlocal turn
        turn += 1
        found = {}
        for family, loop in mine.items():
            own = seconds(lambda loop=loop: loop.back_propagate(turn, loop.trainees)) / number
            other = seconds(theirs[family].epoch) / number
            bare_step = seconds(least[family]) / BARE
            parts = {"ours, ms a step": 1e3 * own, "textbook, ms": 1e3 * other, "bare, ms": 1e3 * bare_step}
            parts["loading processes"] = float(theirs[family].processes)
            found[f"textbook_{family}"] = Sample(other / own, other / bare_step, parts)
        return found

    measure()
    measure()
    yield measure
