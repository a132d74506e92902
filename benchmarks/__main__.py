"""How near this machine's limits we are, as one table: ``python -m benchmarks``, or ``make bench``.

::

    python -m benchmarks                                  # all rows, about a quarter of an hour; kept
    python -m benchmarks --quick                          # in four minutes, with less of everything; not kept
    python -m benchmarks --rows workers textbook_cnn --rounds 9
    python -m benchmarks --list                           # all rows, and all other benchmarks and studies
    python -m benchmarks --write                          # the tables of ``benchmarks/README.md`` from what is kept

Every row is a ratio, a share or a time: the median of rounds, with what bounds it, and how near it is. The result is
kept in ``benchmarks/results/machines``, a file a machine.
"""

import argparse
import ast
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import machines, stored
from benchmarks.rows import BENCHES, Bench
from benchmarks.table import Row, lines

ROUNDS, QUICK = 5, 2
SECONDS, QUICK_SECONDS = 780.0, 200.0  # after which no further round begins
OTHERS = {  # runnable by themselves: python -m benchmarks.NAME
    "speed, in more detail than the table": (
        *("local_against_global", "textbook", "loop_overhead", "trust_region", "cam", "answers", "pages", "seats"),
        *("lasting", "opened", "volume_viewer", "operations", "scale", "gpu"),
    ),
    "studies of what is learned": (
        *("recipes", "local_epochs", "transfer_start", "order", "dying", "composing", "partitions", "pipelines"),
        *("published_apts", "split_or_shared"),
    ),
    "the project itself": ("mutants", "recorded"),
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print the table, keep it; ``--help`` names the options."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # in order: nothing is left behind
    asked = _asked(words)
    if asked.list:
        _list()
        return
    if asked.write:
        machines.write_tables()
        return
    benches = chosen(asked.rows)
    rounds = asked.rounds or (QUICK if asked.quick else ROUNDS)
    began, tree = time.monotonic(), machines.facts() | {"quick": asked.quick, "rounds": rounds}
    rows = _measured(benches, rounds, asked)
    tree |= {"seconds": round(time.monotonic() - began), "load_after": round(os.getloadavg()[0], 2)}
    _print(rows, tree["seconds"])
    path = asked.out or (None if asked.quick else machines.file())
    if path:
        stored.write(path, machines.merged(stored.read(path), tree, rows))
        print(f"kept in {path}")
    if path == machines.file():
        machines.write_tables()
    sys.exit(any(row.failed and not row.samples for row in rows.values()))


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="rows, or the benches that measure several")
    parser.add_argument("--rounds", type=int, help=f"of every row; default: {ROUNDS}, of a quick table {QUICK}")
    parser.add_argument("--quick", action="store_true", help="less of everything, not kept")
    parser.add_argument("--busy", action="store_true", help="measure though other programs hold the cores")
    parser.add_argument("--out", type=Path, help="keep the table there")
    parser.add_argument("--list", action="store_true", help="name all rows and all other benchmarks")
    parser.add_argument("--write", action="store_true", help="write what is kept into benchmarks/README.md")
    asked = parser.parse_args(words)
    if asked.rounds is not None and asked.rounds < 1:
        parser.error(f"--rounds: needs one at least, got {asked.rounds}")
    try:
        chosen(asked.rows)
    except ValueError as error:
        parser.error(str(error))
    return asked


def chosen(names: Sequence[str] | None) -> dict[str, Bench]:
    """The benches that measure what is named, rows or benches; all if nothing is.

    Raises
    ------
    ValueError
        If there is no such row; names the choices.
    """
    rows = {question.name: name for name, bench in BENCHES.items() for question in bench.questions}
    wanted = [rows.get(name, name) for name in names or BENCHES]
    if unknown := set(wanted) - set(BENCHES):
        choices = ", ".join(dict.fromkeys([*BENCHES, *rows]))
        raise ValueError(f"--rows: there is no {', '.join(sorted(unknown))}; choices: {choices}")
    return {name: bench for name, bench in BENCHES.items() if name in wanted}


def _measured(benches: Mapping[str, Bench], rounds: int, asked: argparse.Namespace) -> dict[str, Row]:
    """Look whether the machine is quiet, know what it does at best, measure."""
    from benchmarks import frame  # torch
    from ddlab.machine import kept, measuring

    if not asked.busy:
        try:
            frame.refuse_when_busy()
        except ValueError as error:
            sys.exit(str(error))
    if kept.this_machine() is None:
        print("what this machine does at best, once: half a minute", flush=True)
        try:
            kept.keep(measuring.measure())
        except ValueError as error:
            print(f"{error}: rows that need it have no limit")
    with tempfile.TemporaryDirectory(prefix="ddlab-bench-") as folder:
        for name in benches:
            _give_machine(kept.file(), Path(folder) / name)
        effort = frame.Effort(rounds, QUICK_SECONDS if asked.quick else SECONDS, asked.quick)
        return frame.measure(benches, Path(folder), effort, lambda line: print(f"  {line}", flush=True))


def _give_machine(known: Path, home: Path) -> None:
    """Let a bench's home know what the machine does at best."""
    home.mkdir()
    if known.exists():
        shutil.copy(known, home)


def _print(rows: Mapping[str, Row], seconds: int) -> None:
    print(f"\n{machines.machine_name()}, {seconds} s\n")
    print("\n".join(lines([row.plain() for row in rows.values()])))
    if any(row.disturbed for row in rows.values()):
        print("* other programs worked in some of these rounds")
    for failed in dict.fromkeys(row.failed for row in rows.values() if row.failed):
        print(f"\n{', '.join(name for name, row in rows.items() if row.failed == failed)}:\n{failed}")


def _list() -> None:
    for name, bench in BENCHES.items():
        print(f"{name}")
        for question in bench.questions:
            print(f"    {question.name:24} {question.title}")
    for title, names in OTHERS.items():
        print(f"\n{title}: python -m benchmarks.NAME")
        for name in names:
            print(f"    {name:24} {about(name)}")


def about(name: str) -> str:
    """The first line of a module's docstring; nothing is imported for it."""
    place = Path(__file__).parent / name
    path = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return told.split("\n", maxsplit=1)[0]


if __name__ == "__main__":
    main()
