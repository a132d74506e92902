"""Output of the command line: JSON for programs, aligned columns for people."""

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
