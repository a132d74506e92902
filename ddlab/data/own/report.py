"""The report on files of one's own: what can be used of them, and every file that is not as it should be."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ddlab.data.messages import shown

Kind = Literal["images", "volumes", "arrays"]
Problem = Literal["unreadable", "unused", "conflict", "twin", "odd"]
PROBLEMS: dict[Problem, str] = {
    "unreadable": "cannot be read",
    "unused": "is not used",
    "conflict": "is in two classes",
    "twin": "is there twice",
    "odd": "is odd",
}
MOST_FINDINGS = 10_000  # in a report that is kept; the counts are those of all
LONGEST = 200  # characters of a file's name


@dataclass(frozen=True)
class Finding:
    """A file that is not as it should be, and why: ``"it is empty: it has 0 bytes"``."""

    name: str
    problem: Problem
    why: str


@dataclass(frozen=True)
class ClassCount:
    """Files of a class: all that there are, and those that can be used."""

    name: str
    found: int
    usable: int


@dataclass(frozen=True)
class Report:
    """The content of a folder, an archive or an npz, after a look at every file.

    Parameters
    ----------
    kind
        Images in files, volumes in NIfTI files, or images or volumes in the arrays of an npz.
    classes
        Every class, in the order of the labels.
    findings
        Every file that is not as it should be, the unreadable ones first.
    counts
        Number of findings of every problem.
    sizes
        Extents of the smallest, the middle and the largest usable image, by the number of pixels.
    obstacle
        The reason why nothing can be trained with what is usable; empty if it can.
    num_bytes
        Of all files together.
    """

    kind: Kind
    classes: tuple[ClassCount, ...]
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    sizes: tuple[tuple[int, ...], ...]
    obstacle: str = ""
    num_bytes: int = 0

    @property
    def num_found(self) -> int:
        """Files that belong to a class."""
        return sum(count.found for count in self.classes)

    @property
    def num_usable(self) -> int:
        """Files of those that can be used."""
        return sum(count.usable for count in self.classes)

    @property
    def num_unreadable(self) -> int:
        """Files that would end a training."""
        return self.counts.get("unreadable", 0)

    def of(self, problem: Problem) -> tuple[Finding, ...]:
        """Findings of one problem."""
        return tuple(finding for finding in self.findings if finding.problem == problem)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a tree for JSON, with no more findings than a record can hold."""
        return asdict(replace(self, findings=self.findings[:MOST_FINDINGS]))

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> "Report":
        """Read what :meth:`to_json` gave.

        Raises
        ------
        KeyError, TypeError
            If it is something else.
        """
        fields = dict(tree)
        fields["classes"] = tuple(ClassCount(**count) for count in tree["classes"])
        fields["findings"] = tuple(Finding(**finding) for finding in tree["findings"])
        fields["sizes"] = tuple(map(tuple, tree["sizes"]))
        return cls(**fields)


def ordered(findings: list[Finding]) -> tuple[tuple[Finding, ...], dict[str, int]]:
    """Sort findings, the worst first and else as they came, and count those of every problem."""
    places = {problem: place for place, problem in enumerate(PROBLEMS)}
    counts = Counter[str](finding.problem for finding in findings)
    return tuple(sorted(findings, key=lambda finding: places[finding.problem])), dict(counts)


class Twins:
    """Images that look the same: finds for each the first one like it."""

    def __init__(self) -> None:
        self.first: dict[bytes, tuple[str, str]] = {}

    def find(self, digest: bytes, name: str, label: str) -> Finding | None:
        """Look whether an image with this content was there before, in this class or, worse, in another one."""
        other, others_label = self.first.setdefault(digest, (name, label))
        if other == name:
            return None
        if others_label != label:
            why = f"it looks the same as {shown(other, LONGEST)}, of the class '{shown(others_label)}'"
            return Finding(shown(name, LONGEST), "conflict", why)
        return Finding(shown(name, LONGEST), "twin", f"it looks the same as {shown(other, LONGEST)}")


def three_sizes(sizes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The smallest, the middle and the largest of some extents; none of none."""
    if not sizes:
        return ()
    by_area = sorted(sizes, key=lambda size: (math.prod(size), size))
    return by_area[0], by_area[len(by_area) // 2], by_area[-1]
