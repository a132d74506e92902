"""Reports of runs: what was asked and what it came to as one file, HTML for people, CSV for a table of many."""

from collections.abc import Callable
from pathlib import Path

from ddlab.files import write_bytes
from ddlab.reports.of_run import report_csv, report_html
from ddlab.runs import RunFolder

__all__ = ["KINDS", "report_csv", "report_html", "write_report"]

KINDS: dict[str, Callable[[RunFolder, int], str]] = {".html": report_html, ".csv": report_csv}
"""By the ending of the file."""


def write_report(run: RunFolder, seed: int, file: Path) -> None:
    """Write the report of a run to a file, whose ending says which kind it is.

    Raises
    ------
    ValueError
        If no report ends so, the run is somebody else's, its folder is damaged, or it has no such seed.
    """
    make = KINDS.get(file.suffix)
    if make is None:
        raise ValueError(f"file: needs one of {', '.join(KINDS)} at its end, got {file.name!r}")
    write_bytes(file, make(run, seed).encode())
