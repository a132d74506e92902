"""Functions that read a fact: of what is known of a run, the first word of the fact's name, and the rest of it."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from ddlab.analyses.comparison.baseline import most_frequent
from ddlab.analyses.decisions.visibility import evidence_share
from ddlab.analyses.maps.scores import energy
from ddlab.data.source import SplitName
from ddlab.lessons.numbers import Numbers
from ddlab.registry import shortened, unknown


def judged(about: Numbers, kind: str, strategy: str) -> float:
    """Read the accuracy on the images that judge: test images where there are some."""
    row = _row(about, kind, strategy)
    return float(row["validation"] if np.isnan(row["test"]) else row["test"])


def column(about: Numbers, kind: str, strategy: str) -> float:
    """Read a column of the table of strategies."""
    return float(_row(about, kind, strategy)[kind])


def _row(about: Numbers, kind: str, strategy: str) -> dict[Hashable, Any]:
    if strategy not in about.table.index:
        raise ValueError(f"{kind}: {unknown('strategy', strategy, about.table.index)}")
    return about.table.loc[[strategy]].to_dict("records")[0]


def payload(about: Numbers, kind: str, strategy: str) -> float:
    """Read the bytes of a training step."""
    if strategy not in about.payloads:
        raise ValueError(f"{kind}: {unknown('strategy', strategy, about.payloads)}")
    return about.payloads[strategy]


def baseline(about: Numbers, kind: str, rest: str) -> float:
    """Compute the accuracy of always naming the most frequent class, on the images that judge."""
    split: SplitName = "test" if about.data.test else "validation"
    found = most_frequent(np.asarray(about.data.split(split).labels), about.data.description.classes, split)
    return float("nan") if found is None else found.share


def local(about: Numbers, kind: str, which: str) -> float:
    """Compute the accuracy of the local networks alone: ``best``, ``worst``, ``mean``, or one by its number."""
    right = (about.local.argmax(axis=2) == about.outcomes.labels[:, None]).mean(axis=0)
    picks = {"best": right.max(), "worst": right.min(), "mean": right.mean()}
    numbered = {f"n{number}": share for number, share in enumerate(right, 1)}
    if which not in picks and which not in numbered:
        raise ValueError(unknown(kind, which, [*picks, *numbered]))
    return float((picks | numbered)[which])


def believes(about: Numbers, kind: str, rest: str) -> float:
    """Read the probability of the true class: of one image, by one local network."""
    image, number = _two(about, kind, rest)
    return float(about.local[image, number, about.outcomes.labels[image]])


def sure(about: Numbers, kind: str, rest: str) -> float:
    """Read the probability of the class that a local network names: of one image."""
    image, number = _two(about, kind, rest)
    return float(about.local[image, number].max())


def evidence(about: Numbers, kind: str, rest: str) -> float:
    """Compute the share of an image's evidence that a subdomain holds."""
    image, number = _two(about, kind, rest)
    return float(evidence_share(about.problem.decomposition, about.mask(image))[number])


def _two(about: Numbers, kind: str, rest: str) -> tuple[int, int]:
    """Read the number of an image, and that of a subdomain from 0; written ``i3.n2``, from 1."""
    first, _, second = rest.partition(".")
    image, number = _number(first, "i"), _number(second, "n")
    if image is None or number is None:
        raise ValueError(f"{kind}: needs an image and a subdomain such as {kind}.i3.n2, got {shortened(rest)}")
    count = len(about.problem.decomposition)
    if not (image < len(about.data.validation) and 1 <= number <= count):
        raise ValueError(
            f"{kind}: run {about.run.id} has images i0 to i{len(about.data.validation) - 1} and subdomains n1 to "
            f"n{count}, got {rest}"
        )
    return image, number - 1


def _number(text: str, letter: str) -> int | None:
    digits = text.removeprefix(letter)
    return int(digits) if text != digits and digits.isascii() and digits.isdecimal() and len(digits) < 8 else None


def looks(about: Numbers, kind: str, rest: str) -> float:
    """Compute the share of a map that lies in the evidence: of what speaks for one image's class, by one viewer."""
    image, viewer = _viewed(about, kind, rest)
    mapped, place = about.maps_of(image)
    values = mapped.maps(viewer)[place, about.outcomes.labels[image]]
    return float(energy(values[None], about.mask(image)[None])[0])


def covers(about: Numbers, kind: str, rest: str) -> float:
    """Compute the share of an image that is evidence, which an even map reaches."""
    image = _number(rest, "i")
    if image is None:
        raise ValueError(f"{kind}: needs an image such as {kind}.i3, got {shortened(rest)}")
    return float((about.mask(image) > 0).mean())


def can_be_looked_at(about: Numbers, kind: str, rest: str) -> None:
    """Refuse an image or a viewer that the run has not; no map is computed for it."""
    image, _ = _viewed(about, kind, rest)
    about.mask(image)


def _viewed(about: Numbers, kind: str, rest: str) -> tuple[int, str]:
    """Read the number of an image and the name of a viewer, written ``i3.global``."""
    first, _, viewer = rest.partition(".")
    image, viewers = _number(first, "i"), about.viewers
    if image is None:
        raise ValueError(f"{kind}: needs an image and a network such as {kind}.i3.global, got {shortened(rest)}")
    if viewer not in viewers:
        raise ValueError(f"{kind}: {unknown('network', viewer, viewers)}")
    return image, viewer


def failing(about: Numbers, kind: str, rest: str) -> float:
    """Count the premises of the theorems of composition that the experiment does not meet."""
    return sum(not one.holds for one in about.premises)


def traced(about: Numbers, kind: str, strategy: str) -> float:
    """Read a column of the traced steps."""
    if strategy not in about.traces.index:
        raise ValueError(f"{kind}: {unknown('traced strategy', strategy, about.traces.index)}")
    return float(about.traces.loc[[strategy]].to_dict("records")[0][kind])


def subdomains(about: Numbers, kind: str, rest: str) -> float:
    """Count the subdomains."""
    return len(about.problem.decomposition)


def classes(about: Numbers, kind: str, rest: str) -> float:
    """Count the classes."""
    return about.problem.description.num_classes
