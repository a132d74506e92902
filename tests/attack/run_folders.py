"""A run whose files are of another kind: values of wrong types, broken bytes, nothing, a folder in their place.

An older and a newer healthy run stand beside it: whatever is asked of all runs answers, with the numbers that these two
have. What is asked of the damaged run itself may be refused by a short sentence.
"""

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ddlab import cli
from ddlab.analyses.comparison.accuracy import learning_curves, strategy_table
from ddlab.analyses.comparison.communication import measured_communication
from ddlab.analyses.comparison.cost import machine_rate
from ddlab.analyses.comparison.effort import effort_curves
from ddlab.analyses.comparison.identity import differing_settings, run_labels
from ddlab.analyses.comparison.optimizers import passes_table
from ddlab.analyses.comparison.paper import paper_comparison, paper_overview
from ddlab.analyses.decisions.probabilities import read_outcomes
from ddlab.analyses.decisions.replay import timeline
from ddlab.analyses.sweeps.decompositions import sweep_table
from ddlab.analyses.sweeps.sensitivity import sensitivity_table
from ddlab.analyses.trust_region.history import histories
from ddlab.engine.control import queue_position
from ddlab.engine.tickets import tickets
from ddlab.home import home
from ddlab.runs import RunFolder, export_run, has_diverged, list_runs, open_run
from ddlab.runs.processes import identity
from ddlab.sweeps.decompositions import by_sweep
from tests.attack import cage
from tests.attack.pictures import damaged
from tests.attack.tally import Fault, Tally
from tests.made_run import made_run

SECONDS = 20.0
OLDER, ODD, NEWER = "20200101-000000-older", "20200102-000000-odd", "20200103-000000-newer"
PLAIN = ("status", "experiment", "progress", "failure", "environment", "cancel")
MANY = ("result.json", "predictions.npz")  # one a stage
STATES = ("finished", "finished", "failed", "cancelled", "lost", "running", "queued")
ODD_VALUES = (
    *(None, True, False, 0, -1, 10**40, 0.5, 1e308, float("nan"), float("inf"), "", "x", "x" * 5000, "\ud800"),
    *("\0", [], [[]], [None], [1, "a"], {}, {"a": {}}, [{}] * 3, ["x"] * 999, "../x", "/etc/passwd"),
    *("![x](http://attack.invalid/x)",),
)
ODD_JSON = (
    *("", "{", "[]", "null", "1", '"x"', "[" * 100_000, "9" * 5000, "NaN", "{}{}", '{"a": 1, "a": 2}'),
    *('{"\\ud800": 1}', "\ufeff{}"),
)

ALL: dict[str, Callable[[], object]] = {
    "summaries": lambda: [run.summary() for run in list_runs()],
    "names": lambda: [(run.name, run.given_name, run.state()) for run in list_runs()],
    "tickets": tickets,
    "places in the queue": lambda: [queue_position(open_run(id)) for id in (OLDER, NEWER)],
    "machine_rate": lambda: machine_rate(list_runs()),
    "differing_settings": lambda: differing_settings(list_runs()),
    "run_labels": lambda: run_labels(list_runs()),
    "by_sweep": lambda: [sweep_table(runs) for runs in by_sweep(list_runs()).values()],
    "by_sweep, tuned": lambda: by_sweep(list_runs(), tuned=True),
    "sweep_table": lambda: sweep_table(list_runs()),
    "sensitivity_table": lambda: sensitivity_table(list_runs()),
    "paper_overview": lambda: paper_overview(list_runs()),
    "ddlab runs": lambda: _command("runs"),
}
ONE: dict[str, Callable[[RunFolder], object]] = {
    "ddlab show": lambda run: _command("show", run.id),
    "ddlab show --json": lambda run: _command("show", run.id, "--json"),
    "ddlab log": lambda run: _command("log", run.id),
    "experiment": lambda run: run.experiment.to_yaml(),
    "what it says": lambda run: (run.command, run.asked(), run.progress(), run.failure(), run.environment(), run.size),
    "metrics": lambda run: run.metrics(),
    "results": lambda run: run.results(),
    "has_diverged": has_diverged,
    "queue_position": queue_position,
    "strategy_table": lambda run: strategy_table([run]),
    "learning_curves": learning_curves,
    "effort_curves": effort_curves,
    "communication": measured_communication,
    "paper_comparison": paper_comparison,
    "passes_table": lambda run: passes_table([run]),
    "outcomes": lambda run: read_outcomes(run, 0),
    "timeline": lambda run: timeline(run, 0),
    "histories": histories,
    "export_run": lambda run: export_run(run, Path(os.environ["TMPDIR"]) / "export"),
}


def attack(count: int, seed: int) -> Tally:
    """Damage ``count`` runs."""
    return cage.run("run_folders", opener, range(seed, seed + count), SECONDS)


def opener() -> cage.Case:
    """Make the healthy runs, and give the case."""
    for id in (OLDER, NEWER):
        made_run().path.rename(home() / "runs" / id)
    healthy = _numbers()
    return lambda seed: case(seed, healthy)


def case(seed: int, healthy: dict[str, Any]) -> list[Fault]:
    """One damaged run, and everything that may be asked."""
    rng = Random(seed)
    run = RunFolder(made_run(rng.choice(STATES)).path.rename(home() / "runs" / ODD))
    try:
        words = damage(rng, run)
        faults = [fault for name, ask in ALL.items() for fault in _answer(seed, f"{name}, beside {words}", ask)]
        for name, question in ONE.items():
            faults += cage.attempt(lambda ask=question: ask(RunFolder(run.path)), seed, f"{name} of {words}")  # type: ignore[misc]
        return faults + _answer(seed, f"numbers, beside {words}", lambda: _compare(healthy))
    finally:
        for path in (run.path, home() / "queue", Path(os.environ["TMPDIR"]) / "export"):
            shutil.rmtree(path, ignore_errors=True)


def damage(rng: Random, run: RunFolder) -> str:
    """Damage one file of a run, or its ticket; tells which and how."""
    files = [[run.path / f"{name}.json"] for name in PLAIN] + [[run.path / "metrics-0.jsonl"], [run.path / "name.txt"]]
    files += [[home() / "queue" / f"{7:020d}-{run.id}.json"], *(sorted(run.path.rglob(name)) for name in MANY)]
    path = rng.choice(rng.choice([some for some in files if some]))
    if path.parent.name == "queue":
        path.parent.mkdir(exist_ok=True)
        ticket = {"run": run.id, "kind": "cpu", "wanted": 1, "slots": rng.choice(([], ["cpu0"])), "process": identity()}
        path.write_text(json.dumps(ticket), encoding="utf-8")
    kinds = [_retyped] * 6 + [_rewritten, _broken, _replaced]
    return f"{run.state().state} run, {path.name} {rng.choice(kinds)(rng, path)}"


def _retyped(rng: Random, path: Path) -> str:
    """One value is of another type, the rest is as it was."""
    if path.suffix == ".npz":
        return _npz(rng, path)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ["{}"]
    tree = json.loads(lines[0] if path.suffix == ".jsonl" else "\n".join(lines)) if path.suffix != ".txt" else {}
    told, changed = _changed(rng, tree)
    others = lines[1:] if path.suffix == ".jsonl" else []
    path.write_text("\n".join([json.dumps(changed), *others]), encoding="utf-8")
    return told


def _changed(rng: Random, tree: Any) -> tuple[str, Any]:
    """Replace the value at a random place."""
    if isinstance(tree, dict | list) and tree and rng.random() < 0.85:
        key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        told, tree[key] = _changed(rng, tree[key])
        return f"{key} {told}", tree
    value = rng.choice(ODD_VALUES)
    return f"= {cage.shorten(value, 100)}", value


def _npz(rng: Random, path: Path) -> str:
    with np.load(path) as held:
        arrays = dict(held)
    key = rng.choice(list(arrays))
    odd: dict[str, Callable[[np.ndarray], Any]] = {
        "is a number": lambda array: 7,
        "is empty": lambda array: array[:0],
        "is text": lambda array: array.astype(str),
        "is NaN": lambda array: array * np.nan,
        "is huge": lambda array: array.astype(np.float64) + 1e300,
        "is negative": lambda array: -array - 1,
        "has another axis": lambda array: array[None],
        "has one axis less": lambda array: array[0],
        "is cut": lambda array: array[:-1],
        "is complex": lambda array: array.astype(complex),
    }
    told = rng.choice([*odd, "is not there"])
    arrays[key] = odd[told](arrays[key]) if told in odd else arrays[key]
    np.savez(path, **{name: array for name, array in arrays.items() if name != key or told in odd})
    return f"{key} {told}"


def _rewritten(rng: Random, path: Path) -> str:
    text = rng.choice(ODD_JSON)
    path.write_text(text, encoding="utf-8")
    return f"holds {cage.shorten(text, 60)}"


def _broken(rng: Random, path: Path) -> str:
    path.write_bytes(damaged(rng, path.read_bytes() if path.exists() else b"broken"))
    return "has broken bytes"


def _replaced(rng: Random, path: Path) -> str:
    path.unlink(missing_ok=True)
    told = rng.choice(("is gone", "is a folder", "is a link to itself", "cannot be read"))
    if told == "is a folder":
        (path / "x").mkdir(parents=True)
    elif told == "is a link to itself":
        path.symlink_to(path)
    elif told == "cannot be read":
        path.symlink_to("/proc/self/mem")  # whose first byte gives an error, even to root
    return told


# ---- what is asked


def _numbers() -> dict[str, Any]:
    """What lists say of the healthy runs."""
    listed = {row["id"]: row for row in json.loads(_command("runs", "--json"))}
    rows = strategy_table([open_run(id) for id in (OLDER, NEWER) if id in listed]).round(9)
    return {id: [listed.get(id), rows[rows["run_id"] == id].to_json()] for id in (OLDER, NEWER)}


def _compare(healthy: dict[str, Any]) -> None:
    found = _numbers()
    for id, known in healthy.items():
        if found[id] != known:
            raise AssertionError(f"{id} is listed as {found[id]}")


def _answer(seed: int, words: str, ask: Callable[[], object]) -> list[Fault]:
    """What is asked of all runs has an answer, whatever one of them looks like."""
    cage.note(words)
    try:
        ask()
    except AssertionError as error:
        return [Fault("lost", seed, f"another run: {error}"[:300], words)]
    except Exception as error:  # that is what we are here for
        return [Fault("uncaught", seed, f"{type(error).__name__} for all runs, {cage.where(error)}", words)]
    return []


def _command(*arguments: str) -> str:
    """What a command writes to a terminal.

    Raises
    ------
    ValueError
        What it says when it refuses; anything else that escapes it is a traceback there, too.
    """
    output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before, sys.argv = sys.argv, ["ddlab", *arguments]
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            cli.main()
    except SystemExit as end:
        if end.code:
            said = errors.buffer.getvalue().decode()  # type: ignore[attr-defined]
            raise ValueError(said or f"exit code {end.code}") from end.__context__
    finally:
        sys.argv = before
    return output.buffer.getvalue().decode()  # type: ignore[attr-defined]
