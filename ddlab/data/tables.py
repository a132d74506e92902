"""Tables as CSV: rows by the names of their columns; capitals and the kind of separator do not matter."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path

from ddlab.data import limits
from ddlab.data.files import read_file, readable
from ddlab.data.messages import shown

AS_CSV = " as CSV"
Names = Mapping[str, Sequence[str]]
"""Names that each column may have, in small letters."""
Row = tuple[int, dict[str, str]]
"""The number of a line, and its entries by column."""


def read_table(path: Path, names: Names, needed: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a table that are not empty, with the columns that are known.

    Raises
    ------
    ValueError
        If the table cannot be read, is too large, lacks a needed column, or a line ends too soon; names file and line.
    """
    physical, delimiter = _physical(path)
    lines = _lines(path, physical, delimiter)
    head = [name.strip().lower() for name in next(lines, (0, []))[1]]
    columns = _columns(path, head, names, needed)
    last, most = max(columns.values()), limits.most_files()
    with_text = ((number, line) for number, line in lines if any(map(str.strip, line)))
    for count, (number, line) in enumerate(with_text, 1):
        if count > most:
            raise ValueError(
                f"path: {shown(path.name)} has more than {most:,} rows; DDLAB_MOST_FILES changes the limit"
            )
        if len(line) <= last:
            raise ValueError(f"path: {shown(path.name)}, line {number}: has {len(line)} columns, needs {len(head)}")
        yield number, {column: line[place].strip() for column, place in columns.items()}


def has_columns(path: Path, names: Names, needed: Sequence[str]) -> bool:
    """Whether the first line of a table names all needed columns.

    Raises
    ------
    ValueError
        If the table cannot be read, or is too large.
    """
    physical, delimiter = _physical(path)
    head = {name.strip().lower() for name in next(_lines(path, physical[:1], delimiter), (0, []))[1]}
    return all(head & set(names[column]) for column in needed)


def _physical(path: Path) -> tuple[list[str], str]:
    """Lines of the file, and what separates their columns."""
    with readable(path, AS_CSV):
        text = read_file(path, limits.MOST_TABLE_BYTES).decode("utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    physical = text.splitlines()
    widest = max(map(str.count, physical, repeat(delimiter)), default=0) + 1
    if widest > limits.MOST_COLUMNS:
        raise ValueError(
            f"path: {shown(path.name)} has {widest:,} columns; at most {limits.MOST_COLUMNS:,} are allowed"
        )
    return physical, delimiter


def _lines(path: Path, physical: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of the CSV, each with its number."""
    reader = csv.reader(physical, delimiter=delimiter)
    with readable(path, AS_CSV):
        for line in reader:
            yield reader.line_num, line


def _columns(path: Path, head: list[str], names: Names, needed: Sequence[str]) -> dict[str, int]:
    """Find the index of each known column."""
    columns = {}
    for column, choices in names.items():
        found = next((head.index(name) for name in choices if name in head), None)
        if found is not None:
            columns[column] = found
        elif column in needed:
            others = f" (or {', '.join(choices[1:])})" if choices[1:] else ""
            raise ValueError(
                f"path: {shown(path.name)} has no column {choices[0]!r}{others}; its first line names "
                f"{shown(', '.join(filter(None, head)), 200) or 'none'}"
            )
    return columns
