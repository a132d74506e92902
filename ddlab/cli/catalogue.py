"""Lists of the recipes, data sets, models and strategies."""

import warnings
from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.registry.entry_points import LeftOut, Registry

commands = typer.Typer()


@commands.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="Show this one as YAML.")] = None, json: Json = False
) -> None:
    """List the named experiments, or write one of them as YAML."""
    from ddlab.recipes import RECIPES, title
    from ddlab.registry import unknown

    if name is not None:
        if name not in RECIPES:
            raise ValueError(unknown("recipe", name, RECIPES))
        experiment = RECIPES[name]()
        write_json(experiment.model_dump(mode="json")) if json else typer.echo(experiment.to_yaml(), nl=False)
        return
    _tell_left_out(RECIPES)
    if json:
        write_json([{"name": name, "title": title(name)} for name in RECIPES])
    else:
        write_table(("recipe", "what"), [(name, title(name)) for name in RECIPES])


@commands.command()
def datasets(json: Json = False) -> None:
    """List the data sets."""
    from ddlab.registry.datasets import DATASETS

    _write_registry("data set", DATASETS, json)


@commands.command()
def models(json: Json = False) -> None:
    """List the networks."""
    from ddlab.registry.models import MODELS

    _write_registry("model", MODELS, json)


@commands.command()
def strategies(json: Json = False) -> None:
    """List the strategies."""
    from ddlab.registry.strategies import STRATEGIES

    _write_registry("strategy", STRATEGIES, json)


def _write_registry(head: str, registry: Registry[Any], json: bool) -> None:
    _tell_left_out(registry)
    entries = [(name, entry.title, entry.description, entry.reference) for name, entry in registry.items()]
    if json:
        keys = ("name", "title", "description", "reference")
        write_json([dict(zip(keys, entry, strict=True)) for entry in entries])
    else:
        write_table((head, "title", "description"), [entry[:3] for entry in entries])


def _tell_left_out(registry: Registry[Any]) -> None:
    """Write what other packages meant to add and cannot, a sentence each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOut)  # told here, as a sentence
        faults = registry.left_out
    for fault in faults:
        typer.echo(fault, err=True)
