"""``sweep``: one experiment in many decompositions."""

import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.cli.train import Changes, find_experiment, parse_setting
from ddlab.runs import RunFolder, list_runs
from ddlab.words import duration
from ddlab.written import percent

if TYPE_CHECKING:
    import pandas as pd

commands = typer.Typer()
PlanOrDetach = Annotated[
    bool | None, typer.Option("--plan/--detach", help="Only say what would be trained; or do not wait for it.")
]
POLL = 1.0  # seconds between two checks of the runs


@commands.command()
def sweep(
    what: Annotated[str, typer.Argument(metavar="RECIPE|FILE", help="A recipe's name, or a YAML or JSON file.")] = "",
    grids: Annotated[str, typer.Option(help="Grids; default: the experiment's and a finer one.")] = "",
    layouts: Annotated[str, typer.Option(help="What is made of every grid; default: all layouts.")] = "",
    overlaps: Annotated[str, typer.Option(help="Overlaps in pixels.")] = "0,2,4,8",
    settings: Changes = None,
    plan: PlanOrDetach = None,
    json: Json = False,
) -> None:
    """Train an experiment in many decompositions, a run each; what is finished already is not trained again.

    The sweep has the experiment's name; '--set name=...' gives it another. Ctrl-C cancels what is left, and the same
    command goes on with it.
    """
    from ddlab.sweeps.decompositions import (
        DEFAULT,
        by_sweep,
        default_grids,
        plan_sweep,
        planned_runs,
        start,
        sweep_name,
    )

    base = find_experiment(what or DEFAULT).with_settings(dict(map(parse_setting, settings or ())))
    cuts = [_numbers("grids", grid, "x") for grid in split_commas(grids)] or default_grids(base)
    chosen = {"layouts": split_commas(layouts)} if layouts else {}
    variants = plan_sweep(base, cuts, overlaps=_numbers("overlaps", overlaps, ","), **chosen)
    todo = planned_runs(variants, by_sweep(list_runs()).get(sweep_name(base), []))
    if plan:
        return _tell_plan(variants, todo, json)
    runs = start(todo, shlex.join(["ddlab", *sys.argv[1:]]))
    if plan is False:
        write_json([{"id": run.id, "path": str(run.path)} for run in runs]) if json else write_ids(runs)
        return None
    follow(runs)
    raise typer.Exit(_tell(runs, json))


def split_commas(text: str) -> list[str]:
    """Split a text at its commas; spaces around the parts and empty parts are dropped."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(option: str, text: str, between: str) -> tuple[int, ...]:
    parts = text.lower().replace("×", "x").split(between)
    if not all(part.strip().isdigit() for part in parts):
        example = "2x2,4x4" if between == "x" else "0,2,4"
        raise ValueError(f"--{option}: needs whole numbers such as {example}, got {text!r}")
    return tuple(map(int, parts))


def write_ids(runs: list[RunFolder]) -> None:
    """Write the ids of runs, a line each."""
    for run in runs:
        typer.echo(run.id)


def _tell_plan(variants: tuple[Any, ...], todo: list[Any], json: bool) -> None:
    """Write what would be trained, and about how long it would take."""
    from ddlab.analyses.comparison.cost import machine_rate
    from ddlab.analyses.sweeps.decompositions import plan_of_sweep, runs_at_once, wall_seconds

    table = plan_of_sweep(variants, machine_rate(list_runs()))
    fits = table["reason"].eq("")
    table["state"] = ""
    table.loc[fits, "state"] = [step.run.state().state if step.run else "" for step in todo]
    is_open = dict(zip(table.index[fits], [step.is_open for step in todo], strict=True))
    left = table[[is_open.get(index, False) for index in table.index]]
    seconds = wall_seconds(left["seconds"], runs_at_once(todo[0].experiment))
    if json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        write_json({"runs": int(fits.sum()), "left": len(left), "seconds": seconds, "decompositions": rows})
        return
    shown = [
        (row["title"], row["overlap"], row["subdomains"], row["size"])
        + (f"{row['work']:.2f}", f"{row['flops'] / 1e9:,.0f}", row["state"])
        for row in table[fits].to_dict("records")
    ]
    write_table(("layout", "overlap", "subdomains", "size", "work", "gflop", "state"), shown)
    for row in table[~fits].to_dict("records"):
        typer.echo(f"left out: {row['title']}, overlap {row['overlap']}: {row['reason']}", err=True)
    work = f"{left['flops'].sum() / 1e9:,.0f} GFLOP, about {duration(seconds)} here"
    typer.echo(f"{len(left)} of {fits.sum()} runs to train: {work}", err=True)


def follow(runs: list[RunFolder]) -> None:
    """Watch the runs; the first Ctrl-C cancels those that are not done, the last one first."""
    from ddlab.engine.control import cancel

    try:
        _watch(runs)
    except KeyboardInterrupt:
        typer.echo("\ncancelling (Ctrl-C again: leave them alone)", err=True)
        try:
            for run in reversed(runs):
                if run.state().is_live:
                    cancel(run)
        except (KeyboardInterrupt, ValueError):  # one may have ended just now
            pass


def _watch(runs: list[RunFolder]) -> None:
    shown = ""
    while True:
        counts = Counter(run.state().state for run in runs)
        line = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        if line != shown:
            typer.echo(f"\r\033[K{line}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty())
            shown = line
        if not counts["queued"] + counts["running"]:
            break
        time.sleep(POLL)
    if sys.stderr.isatty():
        typer.echo("\r\033[K", err=True, nl=False)


def _tell(runs: list[RunFolder], json: bool) -> int:
    """Write what the sweep came to; the exit code is 0 only if all runs finished."""
    from ddlab.analyses.sweeps.decompositions import sweep_table

    table = sweep_table(sorted(runs, key=lambda run: run.id, reverse=True))
    if json:
        write_json(table.astype(object).where(table.notna(), None).to_dict("records"))
    else:
        _write_accuracies(table)
    return how_they_ended(run.state().state for run in runs)


def how_they_ended(found: Iterable[str], good: tuple[str, ...] = ("finished",)) -> int:
    """Write the states of runs to stderr unless all are ``good``; return the exit code, which is 0 only then."""
    states = Counter(found)
    if not set(states) <= set(good):
        typer.echo(", ".join(f"{number} {state}" for state, number in sorted(states.items())), err=True)
        return 1
    return 0


def _write_accuracies(table: "pd.DataFrame") -> None:
    """Write the accuracies, a row a decomposition, a column a strategy."""
    strategies = list(dict.fromkeys(table["strategy"]))
    rows = []
    for (layout, overlap), part in table.groupby(["title", "overlap"], sort=False):
        found = dict(zip(part["strategy"], part["validation"], strict=True))
        marked = set(part["strategy"][part["same_answer"] > 0])
        shown = [
            percent(found[name]) + (" ⚠" if name in marked else "") if found.get(name) == found.get(name, 0.0) else ""
            for name in strategies
        ]
        rows.append((layout, overlap, *shown, part["state"].iloc[0]))
    write_table(("layout", "overlap", *strategies, "state"), rows)
