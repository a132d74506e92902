"""Rows of the table of benchmarks: what is asked, what was measured, and how it is shown.

No torch: a table is also drawn from what is kept.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ddlab.written import NO_BREAK

Plain = Mapping[str, Any]
HEADS = ("row", "measured", "rounds", "wanted", "limit", "of the limit", "what bounds it")
MISSED, DISTURBED = "✗", "*"


@dataclass(frozen=True)
class Question:
    """A row before it is measured.

    Parameters
    ----------
    name
        In files and on the command line.
    title
        What is compared with what.
    unit
        ``"×"`` of a ratio, ``"%"`` of a share, ``"s"``, ``"ms"``.
    bound
        What bounds it.
    wanted
        The value that the project set itself; None: none.
    wanted_of_limit
        The share of the limit that it set itself, 0 to 1, where the wish is none of a value.
    better
        Whether more or less of it is better.
    is_allowance
        Whether the limit is what it may take at most, and no bound that nature sets.
    """

    name: str
    title: str
    unit: str
    bound: str
    wanted: float | None = None
    wanted_of_limit: float | None = None
    better: Literal["more", "less"] = "more"
    is_allowance: bool = False


@dataclass(frozen=True)
class Sample:
    """One round of a row.

    Parameters
    ----------
    value
        In the row's unit.
    limit
        What it is at best, as measured or computed in that round; None where there is no number.
    parts
        What the value is made of, by words with their units: ``{"global, s": 4.3, "local, s": 0.45}``.
    """

    value: float
    limit: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return plain values, for a line of JSON."""
        return {"value": self.value, "limit": self.limit, "parts": dict(self.parts)}


@dataclass
class Row:
    """A question with its rounds.

    Parameters
    ----------
    disturbed
        Rounds in which other programs held the cores.
    failed
        The last words of what was to measure it; empty where nothing failed.
    """

    question: Question
    samples: list[Sample] = field(default_factory=list)
    disturbed: int = 0
    failed: str = ""

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(sample.value for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most of the rounds."""
        values = [sample.value for sample in self.samples]
        return min(values), max(values)

    @property
    def limit(self) -> float | None:
        """The median of the limits of the rounds; None where no round has one."""
        known = [sample.limit for sample in self.samples if sample.limit is not None]
        return statistics.median(known) if known else None

    @property
    def near(self) -> float | None:
        """The share of the limit that is reached, 1 at the limit; of an allowance, the share that is used."""
        if not self.limit or not self.value:
            return None
        upwards = self.question.better == "more" or self.question.is_allowance
        return self.value / self.limit if upwards else self.limit / self.value

    @property
    def is_met(self) -> bool | None:
        """Whether what was wanted is reached; None where nothing was."""
        asked = self.question
        if asked.wanted_of_limit is not None:
            return None if self.near is None else self.near >= asked.wanted_of_limit
        if asked.wanted is None:
            return None
        return self.value >= asked.wanted if asked.better == "more" else self.value <= asked.wanted

    def plain(self) -> dict[str, Any]:
        """Return plain values, for a file."""
        asked = self.question
        told: dict[str, Any] = {"title": asked.title, "unit": asked.unit, "bound": asked.bound, "better": asked.better}
        told |= {"wanted": asked.wanted, "wanted_of_limit": asked.wanted_of_limit}
        if not self.samples:
            return told | {"failed": self.failed}
        least, most = self.spread
        told |= {"value": rounded(self.value), "least": rounded(least), "most": rounded(most)}
        told |= {"limit": rounded(self.limit), "near": rounded(self.near), "met": self.is_met}
        told |= {"samples": [rounded(sample.value) for sample in self.samples], "disturbed": self.disturbed}
        return told | {"parts": self._parts(), **({"failed": self.failed} if self.failed else {})}

    def _parts(self) -> dict[str, float | None]:
        names = dict.fromkeys(name for sample in self.samples for name in sample.parts)
        of = {name: [sample.parts[name] for sample in self.samples if name in sample.parts] for name in names}
        return {name: rounded(statistics.median(values)) for name, values in of.items()}


def rounded(value: float | None) -> float | None:
    """Four digits, which is more than any of the rounds agree on."""
    return None if value is None else float(f"{value:.4g}")


# ---- in words, from plain values


def shown(value: float | None, unit: str) -> str:
    """A value with its unit; a dash where there is none."""
    if value is None:
        return "–"
    digits = 0 if value >= 100 else 1 if value >= 20 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}{NO_BREAK}{unit}"


def mean_and_sd(shares: Sequence[float]) -> str:
    """Mean and standard deviation of shares, in percent."""
    spread = f" ± {100 * statistics.stdev(shares):.1f}" if len(shares) > 1 else ""
    return f"{100 * statistics.fmean(shares):.1f}{spread}{NO_BREAK}%"


def cells(row: Plain) -> list[str]:
    """The cells of a row, in the order of ``HEADS``."""
    unit, title = row["unit"], row["title"]
    wanted = _wanted(row)
    if "value" not in row:
        why = "".join(f": {line}" for line in row["failed"].splitlines()[-1:])
        return [title, f"not measured{why}", "", wanted, "", "", row["bound"]]
    mark = {False: f" {MISSED}"}.get(row["met"], "") + f" {DISTURBED}" * bool(row["disturbed"])
    rounds = f"{shown(row['least'], '').strip()} to {shown(row['most'], unit)}" if len(row["samples"]) > 1 else ""
    near = "" if row["near"] is None else f"{100 * row['near']:.0f}{NO_BREAK}%"
    limit = "" if row["limit"] is None else shown(row["limit"], unit)
    return [title, shown(row["value"], unit) + mark, rounds, wanted, limit, near, row["bound"]]


def _wanted(row: Plain) -> str:
    if row["wanted_of_limit"] is not None:
        return f"{100 * row['wanted_of_limit']:.0f}{NO_BREAK}% of the limit"
    if row["wanted"] is None:
        return ""
    return f"{'≥' if row['better'] == 'more' else '≤'}{NO_BREAK}{shown(row['wanted'], row['unit'])}"


def lines(rows: Sequence[Plain]) -> list[str]:
    """The lines of the table, as Markdown."""
    body = ["| " + " | ".join(cells(row)) + " |" for row in rows]
    return [f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|", *body]
