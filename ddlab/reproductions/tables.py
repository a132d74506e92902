"""The table of a target: the paper's numbers and ours, as Markdown, LaTeX and JSON."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddlab.analyses.comparison.identity import flatten
from ddlab.analyses.comparison.setup import recoded
from ddlab.files import write_json, write_text
from ddlab.fingerprint import decisive
from ddlab.reproductions import BUDGETS, TARGETS
from ddlab.reproductions.cells import Cell
from ddlab.reproductions.plan import Reproduction, Work
from ddlab.runs.health import says_the_same, stuck_networks

FILES = ("table.md", "table.tex", "table.json")
NOT_RUN = "n/a"  # not run, or not by this budget
MARK = " ⚠"  # behind a number of a network that says the same for every image
NOT_THERE = "–"  # no such number in the paper's table
LONGEST = 32  # characters of a setting in a caption
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "⚠": r"$^{!}$",
    "×": r"$\times$",
    "–": "--",
    "δ": r"$\delta$",
}


@dataclass(frozen=True)
class Line:
    """A line of the table: the paper's numbers of a row, or ours."""

    head: str
    cells: tuple[str, ...]
    is_paper: bool


# ---- numbers


def ours(reproduction: Reproduction, cell: Cell) -> dict[int, float]:
    """Return our number of every seed that has it; of runs that are not finished, of the seeds that are."""
    work = reproduction.work_of(cell)
    return cell.quantity.values(work.run) if work and work.run else {}


def _has_died(reproduction: Reproduction, cell: Cell) -> bool:
    """Whether its strategy says the same for every image with one seed or more."""
    work = reproduction.work_of(cell)
    results = work.run.results() if work and work.run else []
    return any(says_the_same(row.get("one_class")) for row in results if row.get("stage") == cell.quantity.strategy)


def _shown(cell: Cell, values: Sequence[float]) -> str:
    """Write a mean and its standard deviation; of accuracies in percent."""
    if not values:
        return NOT_RUN
    factor, digits = (100, 2) if cell.quantity.is_share else (1, 3)
    text = f"{factor * statistics.fmean(values):.{digits}f}"
    return text + (f" ± {factor * statistics.stdev(values):.{digits}f}" if len(values) > 1 else "")


def columns(reproduction: Reproduction) -> tuple[str, ...]:
    """The heads of the columns, in the order of the cells."""
    return tuple(dict.fromkeys(cell.column for cell in reproduction.cells))


def lines(reproduction: Reproduction) -> list[Line]:
    """Make two lines a row: the paper's numbers, and ours below them."""
    heads = columns(reproduction)
    rows: dict[str, dict[str, Cell]] = {}
    for cell in reproduction.cells:
        rows.setdefault(cell.row, {})[cell.column] = cell
    found = []
    for row, cells in rows.items():
        theirs = tuple(_shown(cells[head], [cells[head].paper]) if head in cells else NOT_THERE for head in heads)
        values = {head: list(ours(reproduction, cell).values()) for head, cell in cells.items()}
        marks = {head: MARK if values[head] and _has_died(reproduction, cell) else "" for head, cell in cells.items()}
        mine = tuple(_shown(cells[head], values[head]) + marks[head] if head in cells else NOT_THERE for head in heads)
        head = _head(reproduction, cells.values(), [len(numbers) for numbers in values.values() if numbers])
        found += [Line(f"{row}: paper", theirs, True), Line(head, mine, False)]
    return found


def _head(reproduction: Reproduction, cells: Iterable[Cell], counts: Sequence[int]) -> str:
    """Describe the line of our numbers: the budget, what was trained, and how many seeds of it are done."""
    works = [reproduction.work_of(cell) for cell in cells]
    names = " and ".join(dict.fromkeys(work.experiment.name for work in works if work))
    seeds = " or ".join(map(str, sorted(set(counts)))) + (" seed" if set(counts) == {1} else " seeds")
    title = BUDGETS[reproduction.budget].title
    return f"ours, {title}" + (f" ({names})" if names else "") + f", {seeds if counts else 'not run'}"


# ---- what differs


def caption(reproduction: Reproduction) -> list[str]:
    """Describe the table and what differs from the paper: a sentence or two each."""
    entry, budget = TARGETS[reproduction.name], BUDGETS[reproduction.budget]
    said = [f"{entry.title}: {entry.reference}. {entry.description}", budget.description]
    said.append(f"Ours is the mean ± the standard deviation over the seeds; {NOT_RUN}: not run.")
    return said + _grouped(reproduction, _changes)


def states(reproduction: Reproduction) -> list[str]:
    """List what is not finished, or cannot be trained because its data are missing, and where they come from."""
    return _grouped(reproduction, _state)


def _grouped(reproduction: Reproduction, tell: Callable[[Work], str]) -> list[str]:
    """Say something of every training; those of which the same is said are named together."""
    names: dict[str, list[str]] = {}
    for work in reproduction.works:
        names.setdefault(tell(work), []).append(work.experiment.name)
    return [f"{', '.join(members)}: {told}." for told, members in names.items() if told]


def _changes(work: Work) -> str:
    """List in which settings a training differs from the paper's size, and of what files its images are."""
    asked = [
        tree.model_dump(mode="json") | {"seeds": len(tree.seeds)}
        for tree in (work.cells[0].full.experiment, work.experiment)
    ]
    there, here = map(flatten, asked)
    matters = {**flatten(decisive(asked[0])), **flatten(decisive(asked[1])), "seeds": None}.keys() - {"strategies"}
    paths = [path for path in here if path in matters and there.get(path) != here[path]]
    changes = [f"{path} {_value(here[path])} for {_value(there.get(path))}" for path in paths]
    words = "" if work.missing else recoded(work.experiment.dataset)
    return ", ".join([*([words] if words else []), *changes])


def _value(value: Any) -> str:
    text = NOT_THERE if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _state(work: Work) -> str:
    told = [] if work.state == "finished" else [work.state]
    dead = [network.sentence.rstrip(".") for network in stuck_networks(work.run)] if work.run else []
    return ": ".join([*told, *([work.missing] if work.missing else []), *([f"⚠ {'; '.join(dead)}"] if dead else [])])


# ---- written


def markdown(reproduction: Reproduction) -> str:
    """The table with its caption below."""
    heads = columns(reproduction)
    rows = [f"| | {' | '.join(map(_bars, heads))} |", f"|---|{'---:|' * len(heads)}"]
    for line in lines(reproduction):
        cells = line.cells if line.is_paper else map(_bold, line.cells)
        rows.append(f"| {_bars(line.head)} | {' | '.join(map(_bars, cells))} |")
    said = [*caption(reproduction), *states(reproduction)]
    title = f"## {TARGETS[reproduction.name].title} ({reproduction.name}, {BUDGETS[reproduction.budget].title})"
    return "\n".join([title, "", *rows, "", *(f"- {_bars(sentence)}" for sentence in said), ""])


def _bold(cell: str) -> str:
    return cell if cell in (NOT_RUN, NOT_THERE) else f"**{cell}**"


def _bars(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def latex(reproduction: Reproduction) -> str:
    """The table as an environment that needs no package."""
    heads = columns(reproduction)
    rows = []
    for line in lines(reproduction):
        rows.append(" & ".join(map(escaped, (line.head, *line.cells))) + r" \\" + ("" if line.is_paper else r" \hline"))
    label = f"tab:{reproduction.name}-{reproduction.budget}"
    body = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\hline"]
    body += [" & ".join(map(escaped, ("", *heads))) + r" \\ \hline", *rows, r"\end{tabular}"]
    body += [rf"\caption{{{escaped(' '.join(caption(reproduction)))}}}", rf"\label{{{label}}}", r"\end{table}", ""]
    return "\n".join(body)


def escaped(text: str) -> str:
    """A text as LaTeX shows it letter by letter."""
    return "".join(_LATEX.get(letter, letter) for letter in text.replace("\n", " "))


def as_tree(reproduction: Reproduction) -> dict[str, Any]:
    """Return the whole table as plain values; what is not known is null."""
    cells = []
    for cell in reproduction.cells:
        work, values = reproduction.work_of(cell), list(ours(reproduction, cell).values())
        made = {"recipe": work.training.recipe, "settings": dict(work.training.settings)} if work else {}
        run = work.run.id if work and work.run else None
        mean = statistics.fmean(values) if values else None
        sd = statistics.stdev(values) if len(values) > 1 else None
        place = {"row": cell.row, "column": cell.column, "paper": cell.paper, "ours": mean, "sd": sd, "values": values}
        cells.append({**place, **made, "run": run, "state": work.state if work else "not at this budget"})
    entry = TARGETS[reproduction.name]
    about = {"target": reproduction.name, "title": entry.title, "reference": entry.reference}
    return {
        **about,
        "budget": reproduction.budget,
        "caption": caption(reproduction),
        "open": states(reproduction),
        "cells": cells,
    }


def write(reproduction: Reproduction) -> Path:
    """Write all files, each in one step, and give their folder."""
    folder = reproduction.folder
    folder.mkdir(parents=True, exist_ok=True)
    table, typeset, tree = (folder / name for name in FILES)
    write_text(table, markdown(reproduction))
    write_text(typeset, latex(reproduction))
    write_json(tree, as_tree(reproduction))
    return folder
