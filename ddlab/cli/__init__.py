"""The command line: everything that the pages do. Commands import what they need when they are called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ddlab.cli import (
    ask,
    catalogue,
    classroom,
    cost,
    data,
    layers,
    lesson,
    machine,
    maps,
    pipeline,
    reproduce,
    runs,
    scale,
    sensitivity,
    sweep,
    train,
    trust_region,
    verify,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="ddlab",
    help="Train convolutional networks by domain decomposition, and look at what they do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (
    train.commands,
    sweep.commands,
    sensitivity.commands,
    reproduce.commands,
    runs.commands,
    catalogue.commands,
    cost.commands,
    pipeline.commands,
    scale.commands,
    verify.commands,
    maps.commands,
    layers.commands,
    ask.commands,
    machine.commands,
    trust_region.commands,
    classroom.commands,
):
    app.add_typer(commands)
app.add_typer(data.commands, name="data", help="Look at images before they are used.")
app.add_typer(lesson.commands, name="lesson", help="Lessons: list, show and check them, and see what was answered.")


@app.command(name="app")
def open_app(
    port: Annotated[int, typer.Option(help="Where the browser finds them, on this machine.")] = 8501,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="FOLDER", help="Let the pages read images of your own from there, too."),
    ] = None,
    processes: Annotated[
        str, typer.Option(metavar="N", help="Server processes for many visitors at once; auto: one a core.")
    ] = "1",
    edit_scripts: Annotated[
        bool, typer.Option("--edit-scripts", help="Let all who can open them edit what SLURM is sent: any program.")
    ] = False,
) -> None:
    """Open the pages."""
    from ddlab.cli.pages import serve

    serve(port, data or (), processes, edit_scripts=edit_scripts)


def main() -> None:
    """Run the command line; what a user can set wrong ends in one message and exit code 2, never in a traceback."""
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        typer.echo(f"ddlab: {_said(error)}", err=True)
        sys.exit(2)


def _said(error: Exception) -> str:
    """Say what went wrong; of a file that is gone, which one and what to do."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} is not there, or not any more: put it or its folder back, or choose another"
    return str(error)
