"""The tables of the machines that we had: a file each in ``results/machines``, and the chapter that shows them.

``benchmarks/README.md`` holds the tables between two marks, written from the files, so that no number is kept twice.
"""

import os
import platform
import re
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks import stored
from benchmarks.rows import BENCHES
from benchmarks.table import Row, lines, mean_and_sd
from ddlab.files import write_text
from ddlab.machine.kept import machine_name

FOLDER, TEXTBOOK = stored.RESULTS / "machines", stored.RESULTS / "textbook.json"
README = Path(__file__).parent / "README.md"
BEGINS, ENDS = "<!-- tables: written by python -m benchmarks --write -->", "<!-- end of the tables -->"
PACKAGES = ("torch", "torchvision", "numpy", "streamlit", "plotly", "captum")
FORMAT = 1
Tree = dict[str, Any]


def file() -> Path:
    """The file of this machine."""
    return FOLDER / f"{re.sub(r'[^a-z0-9]+', '-', machine_name().lower()).strip('-')}.json"


def facts() -> Tree:
    """What the numbers depend on: the machine, its cores, versions, and the date."""
    cores = len(psutil.Process().cpu_affinity())
    return {
        "format": FORMAT,
        "machine": machine_name(),
        "cores": cores,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "measured": datetime.now().astimezone().isoformat(timespec="minutes"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def merged(before: Tree, now: Tree, rows: Mapping[str, Row]) -> Tree:
    """What is kept of a machine: rows measured now, those of before that were not, in the order of the benches.

    Parameters
    ----------
    before
        What was kept; empty if nothing was.
    now
        As :func:`facts` gives it, and how many rounds there were.
    """
    known = before.get("rows", {}) if before.get("format") == FORMAT else {}
    fresh = {name: row.plain() | {"date": now["measured"][:10]} for name, row in rows.items()}
    order = [question.name for bench in BENCHES.values() for question in bench.questions]
    every = fresh | known | {name: row for name, row in fresh.items() if "value" in row}
    return now | {"rows": {name: every[name] for name in order if name in every}}


def section(tree: Tree) -> str:
    """The chapter of one machine."""
    versions = ", ".join(f"{name} {number}" for name, number in tree["versions"].items())
    told = (
        f"{tree['memory_gib']:g} GiB, {tree['system']}, Python {tree['python']}, {versions}; "
        f"{tree['measured'][:10]}, {tree['rounds']} rounds, load before {tree['load_before']:g}."
    )
    dates = {row["date"] for row in tree["rows"].values()}
    told += f" Rows were measured from {min(dates)} to {max(dates)}." if len(dates) > 1 else ""
    return "\n".join([f"### {tree['machine']}", "", told, "", *lines(list(tree["rows"].values()))])


def accuracies(tree: Tree) -> str:
    """The chapter of what our loop and a textbook's reach, as :mod:`benchmarks.textbook` stores it."""
    told = (
        f"Accuracy on 2,000 images that neither saw, mean ± standard deviation of {len(tree['seeds'])} seeds; "
        f"{tree['images']:,} images of {tree['data']}, {tree['epochs']} epochs, the same first weights and "
        "augmentation (`python -m benchmarks.textbook --write`)."
    )
    rows = [
        f"| {family} | {mean_and_sd(of['ours'])} | {mean_and_sd(of['textbook'])} |"
        for family, of in tree["accuracy"].items()
    ]
    heads = ["| network | our loop | a textbook's |", "|---|---|---|"]
    return "\n".join(["### Is it as good as a textbook's loop?", "", told, "", *heads, *rows])


def tables() -> str:
    """The chapters of all machines, and of the accuracies."""
    chapters = [section(stored.read(path)) for path in sorted(FOLDER.glob("*.json"))]
    return "\n\n".join([*chapters, accuracies(stored.read(TEXTBOOK))])


def documented(text: str) -> str:
    """The text of the README with the tables that are stored between its marks."""
    head, _, rest = text.partition(BEGINS)
    _, found, tail = rest.partition(ENDS)
    if not found:
        raise ValueError(f"{README.name}: needs the lines {BEGINS!r} and {ENDS!r}")
    return f"{head}{BEGINS}\n\n{tables()}\n\n{ENDS}{tail}"


def write_tables() -> None:
    """Write the tables into the README."""
    write_text(README, documented(README.read_text(encoding="utf-8")))
