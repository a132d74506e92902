"""Data sets from the command line: what a folder or archive would give, and decoding ahead of time."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json

commands = typer.Typer(no_args_is_help=True)


@commands.command()
def check(
    path: Annotated[Path, typer.Argument(help="A folder or archive of class folders, or an npz.")], json: Json = False
) -> None:
    """Tell what a folder, an archive or an npz of your own would give."""
    from ddlab.data.cache import describe
    from ddlab.experiment import DatasetSettings

    _write(describe(DatasetSettings(name="folder", path=str(path))), json)


@commands.command()
def prepare(
    name: Annotated[str, typer.Argument(help="The data set.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a setting: size=32.")
    ] = None,
    json: Json = False,
) -> None:
    """Decode a data set into the cache, so that training and pages need not."""
    from ddlab.cli.train import parse_setting
    from ddlab.data.cache import load
    from ddlab.experiment import parse_experiment

    tree = {"name": name, **dict(map(parse_setting, settings or ()))}
    _write(load(parse_experiment({"dataset": tree}).dataset).description, json)


def _write(description: Any, json: bool) -> None:
    facts = {
        "classes": list(description.classes),
        "channels": description.channels,
        "shape": list(description.shape),
        "num_train": description.num_train,
        "num_validation": description.num_validation,
        "has_masks": description.has_masks,
        "source": description.source,
        "licence": description.licence,
    }
    if json:
        write_json(facts)
        return
    for key, value in facts.items():
        typer.echo(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
