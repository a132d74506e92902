"""Data sets from the command line: what a folder or archive would give, and decoding ahead of time."""

import sys
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json

commands = typer.Typer(no_args_is_help=True)
MOST_TOLD = 50  # files on the screen; --json has all

Where = Annotated[Path, typer.Argument(help="A folder or archive of class folders, an npz, or NIfTI with a CSV.")]


@commands.command()
def check(path: Where, json: Json = False) -> None:
    """Decode every file of your own; say what a data set of them would be, and which files are not as they should be.

    Ends with exit code 1 where a training would end: files that cannot be read, or too few that can.
    """
    from ddlab.data.own import inspect

    report = inspect(path.absolute(), _progress()).report
    facts = _facts_of(path, report.kind)
    if json:
        write_json({**facts, "report": report.to_json()})
    else:
        _echo(facts)
        _tell(report)
    if report.num_unreadable or report.obstacle or "refused" in facts:
        raise typer.Exit(1)


@commands.command()
def add(
    path: Where,
    name: Annotated[str, typer.Option("--name", help="What it shall be called.")] = "",
    skip: Annotated[bool, typer.Option("--skip", help="Leave out what cannot be read.")] = False,
    json: Json = False,
) -> None:
    """Keep a copy of what can be read among the data sets that the pages offer, under a name."""
    from ddlab.data.own import inspect, keep
    from ddlab.data.own.shelf import checked_name, proposed_name

    wanted = checked_name(name or proposed_name(path.name))
    inspection = inspect(path.absolute(), _progress())
    report = inspection.report
    if report.num_unreadable and not skip:
        _tell(report)
        raise ValueError(f"path: {report.num_unreadable} of its files cannot be read; --skip leaves them out")
    entry = keep(inspection, wanted, _progress())
    if json:
        write_json(_row(entry))
        return
    _tell(report)
    command = f"ddlab train FILE --set dataset.name={entry.source} --set dataset.path={entry.settings['path']}"
    typer.echo(f"kept as {entry.name}; {command} takes it")


@commands.command("list")
def list_kept(json: Json = False) -> None:
    """List the data sets of your own that are kept."""
    from ddlab.data.own import kept

    rows = [_row(entry) for entry in kept()]
    if json:
        write_json(rows)
        return
    for row in rows:
        classes = ", ".join(row["classes"])
        typer.echo(f"{row['name']}: {row['num_usable']:,} images of {classes}; {row['dataset']}, {row['path']}")


@commands.command()
def delete(name: Annotated[str, typer.Argument(help="A data set of your own, as list names it.")]) -> None:
    """Delete a data set of your own and all that was decoded of it; runs keep their results."""
    from ddlab.data.own import delete as delete_kept

    delete_kept(name)


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


def _progress() -> Any:
    return _report if sys.stderr.isatty() else None


def _facts_of(path: Path, kind: str) -> dict[str, Any]:
    """Return facts on what a training on the path would get, or what it would say."""
    from ddlab.data.cache import describe
    from ddlab.data.nifti import is_labelled
    from ddlab.experiment import parse_experiment

    if kind == "volumes" and not is_labelled(path):
        return {"note": "volumes are read from a folder with a labels.csv; ddlab data add makes one of this"}
    settings = {"name": "nifti" if is_labelled(path) else "folder", "path": str(path.absolute())}
    try:
        return _facts(describe(parse_experiment({"dataset": settings}).dataset))
    except ValueError as error:
        return {"refused": str(error)}


def _row(entry: Any) -> dict[str, Any]:
    report = entry.report
    return {
        "name": entry.name,
        "added": entry.added,
        "dataset": entry.source,
        "path": entry.settings["path"],
        "classes": [count.name for count in report.classes],
        "num_usable": report.num_usable,
        "num_left_out": report.num_unreadable,
        "num_bytes": report.num_bytes,
    }


def _tell(report: Any) -> None:
    from ddlab.data.own.report import PROBLEMS
    from ddlab.data.own.words import headline, sizes_in_words

    typer.echo(headline(report))
    for count in report.classes:
        typer.echo(f"  {count.name}: {count.usable:,} of {count.found:,}")
    if report.sizes:
        typer.echo(sizes_in_words(report))
    for finding in report.findings[:MOST_TOLD]:
        typer.echo(f"{finding.name} {PROBLEMS[finding.problem]}: {finding.why}")
    if len(report.findings) > MOST_TOLD:
        typer.echo(f"and {len(report.findings) - MOST_TOLD:,} more; --json has all of them")
    if report.obstacle:
        typer.echo(f"nothing can be trained: {report.obstacle}")


def _write(description: Any, json: bool) -> None:
    facts = _facts(description)
    if json:
        write_json(facts)
    else:
        _echo(facts)


def _facts(description: Any) -> dict[str, Any]:
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
    return facts


def _echo(facts: dict[str, Any]) -> None:
    for key, value in facts.items():
        typer.echo(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
