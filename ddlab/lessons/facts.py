"""Facts of runs that lessons ask for, by names such as ``accuracy.average``: computed from files, never written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ddlab.lessons import readers
from ddlab.lessons.conditions import Condition
from ddlab.lessons.numbers import Numbers
from ddlab.lessons.units import Unit
from ddlab.registry import unknown
from ddlab.runs import RunFolder

Reader = Callable[[Numbers, str, str], float]
NOBODY: Mapping[str, "Facts"] = MappingProxyType({})


class Facts:
    """The facts of one run, with its first seed, and of others that stand beside it.

    Parameters
    ----------
    run
        Its folder.
    beside
        Facts of other runs: what begins with one of these names is asked of that run, as ``fine.accuracy.average``.

    Examples
    --------
    >>> from ddlab.runs import open_run
    >>> facts = Facts(open_run("example"))
    >>> round(facts["accuracy.average"] - facts["accuracy.majority"], 2)
    0.46
    """

    def __init__(self, run: RunFolder, beside: Mapping[str, "Facts"] = NOBODY) -> None:
        self.numbers = Numbers(run)
        self.beside = beside

    def __getitem__(self, name: str) -> float:
        """Return a fact.

        Raises
        ------
        ValueError
            If there is no such fact, or the run does not have it; names the choices.
        """
        facts, kind, rest = self._found(name)
        value = FACTS[kind].read(facts.numbers, kind, rest)
        if np.isnan(value):
            raise ValueError(f"{name}: run {facts.numbers.run.id} does not tell it")
        return float(value)

    def check(self, name: str) -> float:
        """Return a fact, but of one that takes seconds any number, once it is known to be there; raises likewise."""
        facts, kind, rest = self._found(name)
        if (refuse := FACTS[kind].refuse) is None:
            return self[name]
        refuse(facts.numbers, kind, rest)
        return 1.0

    def of(self, text: str) -> float | bool:
        """Compute an expression or a comparison over the facts; raises as reading one."""
        return Condition.parse(text).value(self.__getitem__)

    def _found(self, name: str) -> tuple["Facts", str, str]:
        """Return whose fact it is, its kind, and what else its name says."""
        first, _, rest = name.partition(".")
        if first in FACTS:
            return self, first, rest
        if first not in self.beside:
            raise ValueError(unknown("fact", first, [*FACTS, *self.beside]))
        kind, _, further = rest.partition(".")
        if kind not in FACTS:
            raise ValueError(unknown("fact", kind, FACTS))
        return self.beside[first], kind, further


@dataclass(frozen=True)
class Fact:
    """A kind of facts.

    Parameters
    ----------
    title
        What it is.
    example
        One of its names.
    refuse
        Refuses what the run has not, where reading takes seconds; None where it takes none.
    """

    title: str
    unit: Unit
    example: str
    read: Reader
    refuse: Callable[[Numbers, str, str], None] | None = None


def unit_of_fact(name: str) -> Unit:
    """Return the unit of a fact by its name, of another run's, too; that of a plain number where there is none."""
    first, _, rest = name.partition(".")
    kind = first if first in FACTS else rest.partition(".")[0]
    return FACTS[kind].unit if kind in FACTS else "times"


def _of(title: str, unit: Unit, example: str, read: Reader) -> Fact:
    return Fact(title, unit, example, read)


FACTS: dict[str, Fact] = {
    "accuracy": _of("accuracy on the test images", "share", "accuracy.average", readers.judged),
    "validation": _of("accuracy on the validation images", "share", "validation.average", readers.column),
    "train": _of("accuracy on the training images", "share", "train.average", readers.column),
    "baseline": _of("accuracy of always naming the most frequent class", "share", "baseline", readers.baseline),
    "work": _of("work of training, as a share of the global network's", "share", "work.average", readers.column),
    "epochs": _of("epochs, those of local networks included", "count", "epochs.average", readers.column),
    "seconds": _of("time of training", "s", "seconds.average", readers.column),
    "parameters": _of("parameters of what decides", "count", "parameters.average", readers.column),
    "flops": _of("operations for one image", "count", "flops.average", readers.column),
    "bytes": _of("bytes that ranks send in a training step", "byte", "bytes.coherent", readers.payload),
    "local": _of(
        "accuracy of local networks alone, on validation images: best, worst, mean, or one by its number",
        "share",
        "local.best",
        readers.local,
    ),
    "believes": _of("probability of the true class by a local network", "share", "believes.i3.n2", readers.believes),
    "sure": _of("probability of the class that a local network names", "share", "sure.i3.n2", readers.sure),
    "evidence": _of("share of an image's evidence in a subdomain", "share", "evidence.i3.n2", readers.evidence),
    "covers": _of("share of an image that is evidence", "share", "covers.i3", readers.covers),
    "looks": Fact(
        "share of a class activation map's positive part that lies in the evidence",
        "share",
        "looks.i3.global",
        readers.looks,
        readers.can_be_looked_at,
    ),
    "failing": _of("premises of the theorems that do not hold", "count", "failing", readers.failing),
    "bubble": _of("idle share of all ranks in a traced step", "share", "bubble.layerwise", readers.traced),
    "speed_up": _of("time on one rank over that of a traced step", "times", "speed_up.layerwise", readers.traced),
    "subdomains": _of("number of subdomains", "count", "subdomains", readers.subdomains),
    "classes": _of("number of classes", "count", "classes", readers.classes),
}
"""What a lesson can ask for, by the first word of its name."""
