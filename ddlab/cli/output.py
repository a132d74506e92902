"""How the command line writes: JSON for programs, aligned columns for people."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def write_json(tree: Any) -> None:
    """Write a tree of plain values."""
    typer.echo(json.dumps(tree, indent=1, ensure_ascii=False))


def write_table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write aligned columns; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    numeric = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(heads))]
    for line in ([head.upper() for head in heads], *cells):
        parts = (
            f"{text:>{width}}" if right else f"{text:<{width}}"
            for text, width, right in zip(line, widths, numeric, strict=True)
        )
        typer.echo("  ".join(parts).rstrip())


def duration(seconds: float | None) -> str:
    """Write seconds the way people say them: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float | None) -> str:
    """Write a share of 1 in per cent."""
    return "" if share is None else f"{100 * share:.1f} %"
