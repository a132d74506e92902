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
    path: Annotated[Path, typer.Argument(help="A folder or archive of class folders, an npz, or NIfTI with a CSV.")],
    json: Json = False,
) -> None:
    """Say what a folder, an archive or an npz of your own would give, or a folder of NIfTI files with a labels.csv."""
    from ddlab.data.cache import describe
    from ddlab.data.nifti import is_labelled
    from ddlab.experiment import parse_experiment

    name = "nifti" if is_labelled(path) else "folder"
    settings = {"name": name, "path": str(path.absolute())}
    _write(describe(parse_experiment({"dataset": settings}).dataset), json)


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

    tree = _tree(what) if what.startswith("{") else {"name": what}
    dataset = parse_experiment({"dataset": {**tree, **dict(map(parse_setting, settings or ()))}}).dataset
    cache.prepare(dataset, _report if sys.stderr.isatty() else None, download=download)
    _write(cache.describe(dataset), json)


@commands.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    name: Annotated[str, typer.Option("--name", help="The drawn scans: ct_phantom or mri_phantom.")] = "ct_phantom",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a setting: volume=[64,64,32].")
    ] = None,
) -> None:
    """Write drawn scans as NIfTI files with their masks and a labels.csv, as the data set nifti reads them."""
    from ddlab.cli.train import parse_setting
    from ddlab.data.drawn_scans import DrawnScans, write_scans
    from ddlab.experiment import parse_experiment
    from ddlab.registry.datasets import DATASETS

    changes = dict(map(parse_setting, settings or ()))
    dataset = parse_experiment({"dataset": {"name": name, **changes}}).dataset
    source = DATASETS[dataset.name].load()()
    if not isinstance(source, DrawnScans):
        drawn = [known for known in DATASETS if isinstance(DATASETS[known].load()(), DrawnScans)]
        raise ValueError(f"name: {dataset.name!r} is not drawn as scans; needs one of {', '.join(drawn)}")
    write_scans(folder, source, dataset, _report if sys.stderr.isatty() else lambda done, total: None)


def _tree(text: str) -> dict[str, Any]:
    """The settings that a text in JSON holds."""
    from ddlab.data.messages import reason

    try:
        tree: dict[str, Any] = loads(text)
        return tree
    except (ValueError, RecursionError) as error:
        raise ValueError(f"dataset: the settings cannot be read as JSON ({reason(error)})") from None


def _report(done: int, total: int) -> None:
    typer.echo(f"\r{done} of {total} images", err=True, nl=done == total)


def _write(description: Any, json: bool) -> None:
    facts = {
        "classes": list(description.classes),
        "channels": description.channels,
        "shape": list(description.shape),
        "num_train": description.num_train,
        "num_validation": description.num_validation,
        "num_test": description.num_test,
        "has_masks": description.has_masks,
        "source": description.source,
        "licence": description.licence,
    }
    if len(description.shape) == 3:
        spacing = [round(millimetres, 3) for millimetres in description.spacing]
        facts |= {"values": list(description.values), "unit": description.unit, "spacing": spacing}
    if json:
        write_json(facts)
        return
    for key, value in facts.items():
        typer.echo(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
