"""``sensitivity``: one training with many first radii and learning rates."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.cli.sweep import PlanOrDetach, follow, how_they_ended, split_commas, write_ids
from ddlab.cli.train import Changes, find_experiment, parse_setting
from ddlab.runs import RunFolder, list_runs
from ddlab.words import duration
from ddlab.written import percent

if TYPE_CHECKING:
    import pandas as pd

    from ddlab.sweeps.decompositions import PlannedRun


commands = typer.Typer()


@commands.command()
def sensitivity(
    what: Annotated[str, typer.Argument(metavar="RECIPE|FILE", help="A recipe's name, or a YAML or JSON file.")] = "",
    strategies: Annotated[str, typer.Option(help="Of sapts, apts, trust_region, adam and sgd.")] = "sapts,adam,sgd",
    values: Annotated[
        str, typer.Option(help="Numbers such as 1e-4,0.01; 'decades=5' up to 1; 'paper': its 13 rates of Adam.")
    ] = "decades=5",
    settings: Changes = None,
    plan: PlanOrDetach = None,
    json: Json = False,
) -> None:
    """Train with many initial radii and learning rates, a run each; what is there already is not trained again.

    Every value is the initial radius of the trust-region methods and the learning rate of Adam and SGD. The sweep is
    called after the experiment; '--set name=...' gives it another name. Ctrl-C cancels what is left, and the same
    command goes on with it; other values join the sweep.
    """
    from ddlab.sweeps.decompositions import start
    from ddlab.sweeps.sensitivity import DEFAULT, plan_runs

    base = find_experiment(what or DEFAULT).with_settings(dict(map(parse_setting, settings or ())))
    todo = plan_runs(base, split_commas(strategies), _numbers(values))
    if plan:
        return _tell_plan(todo, json)
    runs = start(todo, shlex.join(["ddlab", *sys.argv[1:]]))
    if plan is False:
        write_json([{"id": run.id, "path": str(run.path)} for run in runs]) if json else write_ids(runs)
        return None
    follow(runs)
    raise typer.Exit(_tell(runs, json))


def _numbers(text: str) -> tuple[float, ...]:
    from ddlab.sweeps.sensitivity import PAPER, PAPER_RATES, log_grid

    if text == PAPER:
        return PAPER_RATES
    try:
        if text.startswith("decades="):
            return log_grid(int(text.removeprefix("decades=")))
        return tuple(map(float, split_commas(text)))
    except ValueError as error:
        if str(error).startswith("decades: "):
            raise
        raise ValueError(f"--values: needs numbers such as 1e-4,0.01, decades=5 or paper, got {text!r}") from None


def _tell_plan(todo: "list[PlannedRun]", json: bool) -> None:
    """Write what would be trained, and about how long it would take."""
    from ddlab.analyses.comparison.cost import machine_rate
    from ddlab.analyses.sweeps.decompositions import runs_at_once, wall_seconds
    from ddlab.analyses.sweeps.sensitivity import plan_of_sensitivity

    table = plan_of_sensitivity(todo, machine_rate(list_runs()))
    left = table[table["open"]]
    seconds = wall_seconds(left["seconds"], runs_at_once(todo[0].experiment))
    if json:
        return write_json(
            {"runs": len(table), "left": len(left), "seconds": seconds, "values": table.to_dict("records")}
        )
    rows = [
        (row["title"], row["quantity"], f"{row['value']:g}", f"{row['flops'] / 1e9:,.0f}", row["state"])
        for row in table.to_dict("records")
    ]
    write_table(("strategy", "quantity", "value", "gflop", "state"), rows)
    typer.echo(f"{len(left)} of {len(table)} runs to train: about {duration(seconds)} here", err=True)


def _tell(runs: list[RunFolder], json: bool) -> int:
    """Write what the sweep came to; the exit code is 0 only if every run finished or diverged."""
    from ddlab.analyses.sweeps.sensitivity import DIVERGED, in_words, plateaus, sensitivity_table

    table = sensitivity_table(runs)
    widths = plateaus(table)
    if json:
        plain = {name: part.astype(object).where(part.notna(), None) for name, part in (("runs", table), ("p", widths))}
        write_json({"values": plain["runs"].to_dict("records"), "plateaus": plain["p"].to_dict("records")})
    else:
        _write_accuracies(table)
        typer.echo(in_words(widths), err=True)
    return how_they_ended(table["state"], good=("finished", DIVERGED))


def _write_accuracies(table: "pd.DataFrame") -> None:
    """Write the accuracies, a row a strategy and value."""
    rows = []
    for row in table.to_dict("records"):
        numbers = [percent(row[name]) if row[name] == row[name] else "" for name in ("last", "kept")]
        spread = f"± {100 * row['last_sd']:.1f}" if row["last_sd"] == row["last_sd"] else ""
        rows.append((row["title"], row["quantity"], f"{row['value']:g}", numbers[0], spread, numbers[1], row["state"]))
    write_table(("strategy", "quantity", "value", "last", "sd", "kept", "state"), rows)
