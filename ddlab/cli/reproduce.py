"""``reproduce``: make a paper's table again."""

import json as json_format
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ddlab.cli.cost import takes
from ddlab.cli.output import Json, write_json, write_table
from ddlab.cli.train import watch
from ddlab.runs import RunFolder
from ddlab.words import duration

if TYPE_CHECKING:
    from ddlab.reproductions.plan import Reproduction, Work

commands = typer.Typer()


@dataclass(frozen=True)
class Asked:
    """The options of ``reproduce``."""

    target: Annotated[str, typer.Argument(metavar="TARGET", help="Which table or figure; --list shows them.")] = ""
    budget: Annotated[str, typer.Option(metavar="small|full", help="What two cores can carry, or all of it.")] = "small"
    only: Annotated[str, typer.Option(metavar="ROW", help="Rows whose name has this text.")] = ""
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be trained, and its cost.")] = False
    table: Annotated[bool, typer.Option("--table", help="Only rewrite the table, from what is there.")] = False
    show_list: Annotated[bool, typer.Option("--list", help="List the targets.")] = False
    json: Json = False


@commands.command()
@takes(Asked)
def reproduce(asked: Asked) -> None:
    """Train what a paper's table needs, run after run, and write it beside the paper's: Markdown, LaTeX and JSON.

    What is finished is not trained again. Ctrl-C cancels the run at work, and the same command goes on with it.
    """
    from ddlab.reproductions import TARGETS
    from ddlab.reproductions import plan as plans

    if asked.show_list or not asked.target:
        rows = [(name, entry.title, entry.reference) for name, entry in TARGETS.items()]
        names = ("target", "title", "reference")
        write_json([dict(zip(names, row, strict=True)) for row in rows]) if asked.json else write_table(names, rows)
        return
    planned = plans.reproduce(asked.target, asked.budget, asked.only)
    if asked.dry_run:
        _tell_plan(planned, asked.json)
        return
    whole = plans.reproduce(asked.target, asked.budget) if asked.only else planned
    finished = asked.table or _train(planned, whole)
    _tell(whole.updated(), asked.json)
    raise typer.Exit(0 if finished else 1)


def _train(planned: "Reproduction", whole: "Reproduction") -> bool:
    """Train what is left, one run after the other; return whether all of it finished.

    The table is written after every run, with all of its rows also where some alone are trained.
    """
    from ddlab.reproductions import tables

    _tell_missing(planned)
    left = [work for work in planned.works if work.is_left]
    for number, work in enumerate(left, 1):
        typer.echo(f"{number} of {len(left)}: {work.experiment.name}", err=True)
        try:
            run = _one(work)
        except KeyboardInterrupt:
            typer.echo("cancelled; the same command goes on from here", err=True)
            return False
        if run.state().state != "finished":
            typer.echo(f"{run.id}: {run.state().state}: {run.state().message or 'nothing more is known'}", err=True)
        tables.write(whole.updated())
    return all(work.state == "finished" or work.missing for work in planned.updated().works)


def _one(work: "Work") -> RunFolder:
    """Start, resume or join the run of a training, and wait for its end; Ctrl-C cancels it."""
    from ddlab.engine.control import cancel
    from ddlab.sweeps.decompositions import PlannedRun, start

    (run,) = start([PlannedRun(work.experiment, work.run)], shlex.join(["ddlab", *sys.argv[1:]]))
    try:
        watch(run)
    except KeyboardInterrupt:
        typer.echo("\ncancelling", err=True)
        try:
            cancel(run)
        except ValueError:  # it ended just now
            pass
        raise
    return run


def _tell(written: "Reproduction", json: bool) -> None:
    from ddlab.reproductions import tables

    folder = tables.write(written)
    typer.echo(json_format.dumps(tables.as_tree(written), indent=1) if json else tables.markdown(written))
    typer.echo(f"{folder}: {', '.join(tables.FILES)}", err=True)


def _tell_plan(planned: "Reproduction", json: bool) -> None:
    """Write what would be trained, what it costs, what is missing, and where the tables will be."""
    rows = [
        {"run": work.experiment.name, "rows": list(dict.fromkeys(cell.row for cell in work.cells))}
        | {"seeds": len(work.experiment.seeds), "flops": work.flops, "seconds": work.seconds}
        | {"state": work.state, "missing": work.missing, "id": work.run.id if work.run else None}
        for work in planned.works
    ]
    left = [work for work in planned.works if work.is_left]
    flops, seconds = (sum(getattr(work, cost) or 0.0 for work in left) for cost in ("flops", "seconds"))
    if json:
        write_json({"folder": str(planned.folder), "left": len(left), "flops": flops, "seconds": seconds, "runs": rows})
        return
    cells = [
        (work.experiment.name, len(work.experiment.seeds), *_cost(work), work.state, len(work.cells))
        for work in planned.works
    ]
    write_table(("run", "seeds", "gflop", "about", "state", "cells"), cells)
    _tell_missing(planned)
    cost = f"{flops / 1e9:,.0f} GFLOP, about {duration(seconds)} here"
    typer.echo(f"{len(left)} of {len(planned.works)} runs to train: {cost}", err=True)
    typer.echo(f"the tables will be in {planned.folder}", err=True)


def _tell_missing(planned: "Reproduction") -> None:
    for reason in dict.fromkeys(work.missing for work in planned.works if work.missing):
        names = ", ".join(work.experiment.name for work in planned.works if work.missing == reason)
        typer.echo(f"cannot be trained here: {names}: {reason}", err=True)


def _cost(work: "Work") -> tuple[str, str]:
    return f"{work.flops / 1e9:,.0f}" if work.flops is not None else "–", duration(work.seconds)
