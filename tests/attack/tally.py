"""What an attack came to: how many cases were tried, and every fault with the seed that repeats it."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["lost", "hung", "orphans", "uncaught", "outside"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHOWN = 12  # seeds of one fault that are listed; the file has all


@dataclass(frozen=True)
class Fault:
    """Something that must not happen.

    Parameters
    ----------
    kind
        ``lost``: data, a run or a number is gone or has changed; ``hung``: no end in time; ``orphans``: a process
        outlives its run; ``uncaught``: anything but one short sentence; ``outside``: what is not ours was touched.
    seed
        Of the case: ``--only NAME:SEED`` repeats it alone.
    what
        What happened and where. Faults that say the same are one fault.
    case
        What it was done with.
    """

    kind: Kind
    seed: int
    what: str
    case: str = ""


@dataclass
class Tally:
    """One attack: cases tried, and the faults they found."""

    name: str
    tried: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, faults: Iterable[Fault]) -> None:
        """Count one more case, and tell its faults at once: the table comes at the end, if it comes."""
        self.tried += 1
        found = list(faults)
        self.faults.extend(found)
        for fault in found:
            sys.stderr.write(f"{fault.kind}: {fault.what}\n    {fault.case}\n    --only {self.name}:{fault.seed}\n")

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.name, self.tried + other.tried, self.faults + other.faults)

    def say(self, count: int) -> None:
        """Tell whoever waits how far it is."""
        sys.stderr.write(f"{self.name}: {self.tried} of {count}, {len(self.faults)} faults\n")

    def count(self, kind: Kind) -> int:
        """How many cases had a fault of this kind."""
        return len({fault.seed for fault in self.faults if fault.kind == kind})


def table(tallies: Sequence[Tally]) -> str:
    """All attacks as a Markdown table."""
    rows = [("attack", "tried", *KINDS), ("---", *("---:",) * (1 + len(KINDS)))]
    rows += [(t.name, f"{t.tried:,}", *(str(t.count(kind)) for kind in KINDS)) for t in tallies]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def listing(tally: Tally) -> str:
    """Every different fault once, the most frequent first: its smallest case, and the seeds that repeat it."""
    alike: dict[tuple[Kind, str], list[Fault]] = {}
    for fault in tally.faults:
        alike.setdefault((fault.kind, fault.what), []).append(fault)
    lines = []
    for (kind, what), faults in sorted(alike.items(), key=lambda item: -len(item[1])):
        smallest = min(faults, key=lambda fault: len(fault.case))
        seeds = sorted({fault.seed for fault in faults} - {smallest.seed})
        others = f" (and {', '.join(map(str, seeds[:SHOWN]))}{', ...' if len(seeds) > SHOWN else ''})" if seeds else ""
        lines += [f"{kind} in {len(seeds) + 1} cases: {what}", f"    {smallest.case}"]
        lines += [f"    --only {tally.name}:{smallest.seed}{others}"]
    return "\n".join(lines)


def write(path: Path, tallies: Sequence[Tally]) -> None:
    """All attacks with all of their faults as JSON."""
    rows = [{**asdict(tally), **{kind: tally.count(kind) for kind in KINDS}} for tally in tallies]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
