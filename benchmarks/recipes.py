"""What the recipes reach: accuracy of every strategy as mean ± standard deviation of the seeds, and the time.

``python -m benchmarks.recipes [RECIPE ...] --seeds 0 1 2`` trains and stores in ``benchmarks/results/recipes.json``; a
recipe whose numbers are there already, of the same experiment and seeds, is left alone (``--again`` trains it anew),
and a run that was interrupted is gone on with. Without names: the classroom's recipes, about four minutes on two cores.

``--write`` puts what is stored into the docstrings of the recipes, ``--table`` prints it for ``docs/results``, with
intervals of 95 %; alone they train nothing. The runs stay in ``DDLAB_HOME``.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from benchmarks import measured
from ddlab.analyses.comparison.setup import recoded
from ddlab.cli.train import parse_setting
from ddlab.data.shapes import BAYES_ACCURACY
from ddlab.fingerprint import repeats
from ddlab.recipes import RECIPES
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, has_diverged, list_runs
from ddlab.words import duration, mark

DDLAB = (sys.executable, "-m", "ddlab")
CLASSROOM = ("classroom", "pairs", "relation", "digits")
INTERRUPTED = 130  # the exit code of what Ctrl-C has ended
BUSY = 20.0  # percent of the processor that others use before we begin, from which on the machine counts as busy
LOW = ("nice", "-n", "19") if shutil.which("nice") else ()  # before a command that others must not notice


def train(recipe: str, **settings: Any) -> dict[str, Any]:
    """Train a recipe as a user would, with ``path__to__field=value`` set, and give what the command says of it."""
    changes = {path.replace("__", "."): value for path, value in settings.items()}
    return _command([*DDLAB, "train", recipe, *_set(changes), "--json"])


def reached(entry: dict[str, Any]) -> str:
    """Validation accuracy, mean ± standard deviation over the seeds, of what the command says of a strategy."""
    return measured.shown({"mean": entry["validation"], "sd": entry["validation_sd"]})


# ---- measuring


def measure(recipe: str, settings: Mapping[str, Any], seeds: Sequence[int], note: str = "") -> measured.Entry:
    """Train a recipe, or go on with a run of it that was interrupted, and give its entry.

    Raises
    ------
    RuntimeError
        If the run does not finish; what went wrong is written by the command.
    """
    busy = psutil.cpu_percent(interval=1.0) > BUSY
    experiment = measured.asked(recipe, settings, seeds)
    tree = experiment.model_dump(mode="json")
    same = [run for run in repeats(list_runs(), tree) if {*run.asked()["strategies"]} == {*experiment.strategies}]
    begun = [run for run in same if _may_go_on(run)]
    if begun:
        if begun[0].state().can_resume:
            _command([*LOW, *DDLAB, "resume", begun[0].id])
        told = _command([*LOW, *DDLAB, "wait", begun[0].id, "--json"])
    else:
        told = _command([*LOW, *DDLAB, "train", recipe, *_set({**settings, "seeds": list(seeds)}), "--json"])
    if told.get("state") != "finished":
        raise RuntimeError(f"{recipe}: {told.get('state', 'was not trained')}")
    note = note or recoded(experiment.dataset).partition(" (")[0]
    return measured.entry_of(RunFolder(told["path"]), settings, busy=busy, note=note)


def _may_go_on(run: RunFolder) -> bool:
    state = run.state()
    return (state.can_resume or state.is_live) and not has_diverged(run)


def _set(settings: Mapping[str, Any]) -> list[str]:
    return [part for path, value in settings.items() for part in ("--set", f"{path}={json.dumps(value)}")]


def _command(command: Sequence[str]) -> dict[str, Any]:
    """Run a command to its end, also where Ctrl-C is pressed, which it answers itself; gives the JSON it writes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        written = process.communicate()[0]
    except KeyboardInterrupt:
        process.communicate()
        raise
    if process.returncode not in (0, 1):  # 1: the run did not finish, which the command tells
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    return json.loads(written) if written else {}


# ---- showing


def table(entries: Mapping[str, measured.Entry]) -> str:
    """Markdown, a table a module of recipes; in brackets what is possible at best, where that is known."""
    groups: dict[str, dict[str, measured.Entry]] = {}
    for name, entry in entries.items():
        groups.setdefault(RECIPES[name].__module__.rpartition(".")[2], {})[name] = entry
    return "\n\n".join(f"### {group}\n\n{_table(members)}" for group, members in groups.items())


def _table(entries: Mapping[str, measured.Entry]) -> str:
    known = {measured.LOCAL: "Local networks"} | {name: entry.title for name, entry in STRATEGIES.items()}
    columns = {
        name: title for name, title in known.items() if any(name in entry["strategies"] for entry in entries.values())
    }
    rows = [f"| recipe | {' | '.join(columns.values())} | measured | |", f"|---|{'---|' * (len(columns) + 2)}"]
    for name, entry in entries.items():
        bounds = BAYES_ACCURACY.get(RECIPES[name]().dataset.name, {})
        cells = [_cell(entry, column, bounds) for column in columns]
        words = {"validation": "validation", "test": "test", "balanced": "balanced", "test_balanced": "test, balanced"}
        said = measured.circumstances(entry) + (
            f"; before the {before}" if (before := entry.get("measured_before")) else ""
        )
        rows.append(f"| `{name}` | {' | '.join(cells)} | {words[measured.measure(entry)]} | {said} |")
    return "\n".join(rows)


def _cell(entry: measured.Entry, strategy: str, bounds: Mapping[str, float]) -> str:
    row = entry["strategies"].get(strategy)
    if row is None:
        return "–"
    judged = measured.measure(entry)
    chosen = f", validation {row['validation']['mean']:.3f}" if judged.startswith("test") and judged in row else ""
    bound = f" ({bounds[strategy]:.2f})" if strategy in bounds else ""
    number = measured.shown(row.get(judged) or row["validation"])
    if measured.INTERVAL in row and judged in ("test", "validation"):
        number += " [{:.3f}, {:.3f}]".format(*row[measured.INTERVAL])
    return mark(number, row.get(measured.SAME, 0), len(entry["seeds"])) + chosen + bound


# ---- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is asked and not yet stored, then write or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="change a setting, and say so")
    parser.add_argument("--note", default="", help="what a reader must know, such as: images re-coded as JPEG")
    parser.add_argument("--again", action="store_true", help="train what is stored already, too")
    parser.add_argument("--write", action="store_true", help="write the docstrings of the recipes")
    parser.add_argument("--table", action="store_true", help="print Markdown")
    asked = parser.parse_args(arguments)
    for name in asked.recipes:
        if name not in RECIPES:
            parser.error(unknown("recipe", name, RECIPES))
    names = asked.recipes or (() if asked.write or asked.table else CLASSROOM)
    try:
        failed = _measure_all(names, asked)
    except KeyboardInterrupt:
        print("cancelled; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    entries = measured.read()
    if asked.write:
        changed = [name for name, recipe in RECIPES.items() if measured.write_docstring(recipe, entries.get(name))]
        print(f"docstrings written: {', '.join(changed) or 'none, all were up to date'}")
    if asked.table or (names and not asked.write):
        print(table({name: entry for name, entry in entries.items() if not names or name in names}))
    return 1 if failed else 0


def _measure_all(names: Sequence[str], asked: argparse.Namespace) -> list[str]:
    """Measure one recipe after the other at low priority; gives those that failed, which keep none from the others."""
    settings, failed = dict(map(parse_setting, asked.set)), []
    for name in names:
        if not asked.again and _is_stored(name, settings, asked.seeds):
            print(f"{name}: is stored already ({duration(measured.read()[name]['seconds'])})", file=sys.stderr)
            continue
        print(f"{name}: seeds {', '.join(map(str, asked.seeds))}", file=sys.stderr)
        try:
            measured.store(name, measure(name, settings, asked.seeds, asked.note))
        except (RuntimeError, ValueError) as error:
            print(error, file=sys.stderr)
            failed.append(name)
    return failed


def _is_stored(name: str, settings: Mapping[str, Any], seeds: Sequence[int]) -> bool:
    entry = measured.read().get(name)
    if entry is None or (entry.get("settings") or {}) != settings or sorted(entry["seeds"]) != sorted(seeds):
        return False
    return measured.is_current(name, entry)


if __name__ == "__main__":
    sys.exit(main())
