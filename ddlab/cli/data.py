"""Data sets from the command line: what a folder or archive would give, and decoding ahead of time."""

import sys
from json import loads
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

    _write(describe(DatasetSettings(name="folder", path=str(path.absolute()))), json)


@commands.command()
def prepare(
    what: Annotated[str, typer.Argument(metavar="NAME|JSON", help="The data set, or all of its settings as JSON.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a setting: size=32.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch what is missing.")] = False,
    json: Json = False,
) -> None:
    """Decode a data set into the cache, so that training and pages need not."""
    from ddlab.cli.train import parse_setting
    from ddlab.data import cache
    from ddlab.experiment import parse_experiment

    tree = loads(what) if what.startswith("{") else {"name": what}
    dataset = parse_experiment({"dataset": {**tree, **dict(map(parse_setting, settings or ()))}}).dataset
    cache.prepare(dataset, _report if sys.stderr.isatty() else None, download=download)
    _write(cache.describe(dataset), json)


def _report(done: int, total: int) -> None:
    typer.echo(f"\r{done} of {total} images", err=True, nl=done == total)


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
