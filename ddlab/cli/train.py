"""``train`` and ``wait``: start a run, follow it, write its results."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.cli.place import Place, placed
from ddlab.registry import MOST_SHOWN, shortened
from ddlab.runs import RunFolder, delete, open_run
from ddlab.words import duration

if TYPE_CHECKING:
    from ddlab.experiment import Experiment

commands = typer.Typer()
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a setting: training.epochs=3.")
]


@commands.command()
@placed
def train(
    what: Annotated[str, typer.Argument(metavar="RECIPE|FILE", help="A recipe's name, or a YAML or JSON file.")],
    settings: Changes = None,
    *,
    place: Place,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for it.")] = False,
    json: Json = False,
) -> None:
    """Train an experiment in the background and follow it; Ctrl-C cancels it."""
    from ddlab.engine.batch_script import batch_script
    from ddlab.engine.launch import launch
    from ddlab.problem import pose
    from ddlab.strategies.stage import plan

    changes = dict(parse_setting(text) for text in settings or ())
    changes |= place.changes | ({} if name is None else {"name": name})
    experiment = find_experiment(what).with_settings(changes)
    plan(pose(experiment))
    place.check(experiment)
    if place.dry_run:
        typer.echo(batch_script(experiment), nl=False)
        return
    script = place.edited()
    run = RunFolder.create(experiment, shlex.join(["ddlab", *sys.argv[1:]]))
    if script:
        run.write_batch_script(script)
    try:
        launch(run)
    except ValueError:
        delete(run)
        raise
    if detach:
        write_json({"id": run.id, "path": str(run.path)}) if json else typer.echo(run.id)
        return
    typer.echo(f"run {run.id}", err=True)
    if chosen := run.status().get("place"):
        typer.echo(chosen["because"], err=True)
    raise typer.Exit(_follow(run, json))


@commands.command()
def wait(run: Annotated[str, typer.Argument(help="Its id, or 'latest'.")], json: Json = False) -> None:
    """Follow a run until it ends; Ctrl-C leaves it alone."""
    folder = open_run(run)
    watch(folder)
    raise typer.Exit(_tell(folder, json))


def find_experiment(what: str) -> "Experiment":
    """Return the recipe of that name, or the experiment in that file."""
    from ddlab.experiment import load_experiment
    from ddlab.recipes import RECIPES
    from ddlab.registry import unknown

    if what in RECIPES:
        return RECIPES[what]()
    if Path(what).suffix in (".yaml", ".yml", ".json") or os.path.exists(what):
        return load_experiment(Path(what))
    raise ValueError(unknown("recipe", what, RECIPES) + "; or the name of a YAML or JSON file")


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``PATH=VALUE`` and read the value, as :func:`ddlab.plain.read_plain` does.

    Raises
    ------
    ValueError
        If there is no path or no value, or the value cannot be read.
    """
    from ddlab.plain import read_plain

    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ValueError(f"--set {text[:MOST_SHOWN]}: needs the form PATH=VALUE, such as training.epochs=3")
    try:
        return path.strip(), read_plain(value)
    except ValueError as error:
        raise ValueError(f"--set {path.strip()[:MOST_SHOWN]}: the value {shortened(value)} {error}") from None


def _follow(run: RunFolder, json: bool) -> int:
    """Watch a run that we started: the first Ctrl-C cancels it, the second leaves it to itself."""
    from ddlab.engine.control import cancel

    try:
        watch(run)
    except KeyboardInterrupt:
        typer.echo("\ncancelling (Ctrl-C again: leave it alone)", err=True)
        try:
            cancel(run)
        except (KeyboardInterrupt, ValueError):  # it may have ended just now
            pass
    return _tell(run, json)


def watch(run: RunFolder) -> None:
    """Write a line a stage to stderr until the run has ended; on a terminal the line moves."""
    from ddlab.engine.follow import follow

    moves = sys.stderr.isatty()

    def tell(line: str) -> None:
        typer.echo(f"\r\033[K{line}" if moves else line, err=True, nl=not moves)

    follow(run, tell, detailed=moves)
    if moves:
        typer.echo("\r\033[K", err=True, nl=False)


def _tell(run: RunFolder, json: bool) -> int:
    """Write what the run came to; the exit code is 0 only if it finished."""
    state = run.state()
    strategies, judged = results(run)
    if json:
        about: dict[str, Any] = {"id": run.id, "name": run.name, "state": state.state, "message": state.message}
        about |= {"seconds": state.seconds, "path": str(run.path)}
        write_json({**about, "strategies": strategies, "judged": judged})
    else:
        write_results(strategies, judged)
    if state.state != "finished":
        typer.echo(f"{state.state}: {state.message or 'nothing more is known'}", err=True)
        return 1
    if not json:
        for line in (f"finished after {duration(state.seconds)}: {run.id}", *run.summary()["stuck"]):
            typer.echo(line, err=True)
    return 0


def results(run: RunFolder) -> tuple[dict[str, dict[str, Any]], str]:
    """Return every strategy's results, for JSON, and who judged: means over the seeds; unknown numbers are null."""
    from ddlab.analyses.comparison.accuracy import strategy_table
    from ddlab.analyses.comparison.baseline import baseline_of
    from ddlab.analyses.comparison.choosing import choosing_in_words

    table = strategy_table([run])
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    dropped = ("run_id", "run", "strategy")
    kept = {str(row["strategy"]): {str(key): value for key, value in row.items() if key not in dropped} for row in rows}
    baseline = None if table.empty else baseline_of(run)
    return kept, " ".join(filter(None, (choosing_in_words([run], table), baseline and baseline.sentence)))


def write_results(strategies: dict[str, dict[str, Any]], judged: str) -> None:
    """Write the table of strategies, and who judged them."""
    from ddlab.analyses.comparison.readable import written_columns

    columns = written_columns(list(strategies.values()))
    if columns:
        write_table(tuple(columns), list(zip(*columns.values(), strict=True)))
        typer.echo(f"\n{judged}")
