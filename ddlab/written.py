"""Shares, their differences, and quantities as sentences write them: a number is never torn from its unit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

NO_BREAK = "\u00a0"
PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
SMALL = 0.05  # points that are written as none


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 in percent, such as an accuracy; a dash if there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f}{NO_BREAK}%"


def points(share: float) -> str:
    """The size of a difference of two shares, in percentage points."""
    return f"{abs(100 * share):.1f}{NO_BREAK}points"


def gained(share: float) -> str:
    """A difference of two shares as a verb: gains or loses so many points."""
    if abs(100 * share) < SMALL:
        return "gains nothing"
    return f"{'gains' if share > 0 else 'loses'} {points(share)}"


def compared(share: float, of: str, others: str) -> str:
    """Compare accuracies on some images and on others, of which the first has ``share`` more."""
    if abs(100 * share) < SMALL:
        return f"as good on {of} as on {others}"
    return f"{points(share)} {'better' if share > 0 else 'worse'} on {of} than on {others}"


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does: ``a, b and c``; empty without any."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def si(value: float, unit: str = "") -> str:
    """A number of three digits with an SI prefix and a unit, such as 1.21 MB."""
    for factor, prefix in PREFIXES:
        if abs(value) >= factor:
            return f"{value / factor:.3g}{NO_BREAK}{prefix}{unit}"
    return f"{value:.3g}{NO_BREAK}{unit}".rstrip()


def spreadsheet_text(value: Any) -> Any:
    """A value for a CSV file as spreadsheets take it: no text that they would compute."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def as_csv(table: "pd.DataFrame") -> str:
    """A table as a CSV file, for programs and for spreadsheets."""
    return str(table.map(spreadsheet_text).rename(columns=spreadsheet_text).to_csv(index=False, lineterminator="\n"))
