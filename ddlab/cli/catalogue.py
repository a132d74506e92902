"""What there is: recipes, data sets, models, strategies; and what networks cost."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table

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
    elif json:
        write_json([{"name": name, "title": title(name)} for name in RECIPES])
    else:
        write_table(("recipe", "what"), [(name, title(name)) for name in RECIPES])


@commands.command()
def datasets(json: Json = False) -> None:
    """List the data sets."""
    from ddlab.data import DATASETS

    _write_registry("data set", DATASETS, json)


@commands.command()
def models(json: Json = False) -> None:
    """List the networks."""
    from ddlab.models import MODELS

    _write_registry("model", MODELS, json)


@commands.command()
def strategies(json: Json = False) -> None:
    """List the strategies."""
    from ddlab.strategies import STRATEGIES

    _write_registry("strategy", STRATEGIES, json)


@commands.command()
def cost(
    model: Annotated[str, typer.Option(help="The network.")] = "vgg9",
    input: Annotated[str, typer.Option(metavar="CxHxW", help="Shape of an image.")] = "3x32x32",
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2)] = 10,
    grid: Annotated[str, typer.Option(metavar="RxC", help="Subdomains along every axis.")] = "2x2",
    overlap: Annotated[int, typer.Option(help="Overlap in pixels.")] = 0,
    reduction: Annotated[str, typer.Option(help="1/N, 1/sqrt(N) or 1.")] = "1/sqrt(N)",
    json: Json = False,
) -> None:
    """Count parameters, operations and training memory of the global network and of every local one."""
    from ddlab.analyses.cost import cost_table, work_ratio
    from ddlab.data.source import Description
    from ddlab.experiment import parse_experiment
    from ddlab.problem import assemble

    channels, *shape = _numbers("input", input)
    tree = {
        "decomposition": {"grid": _numbers("grid", grid), "overlap": overlap},
        "model": {"name": model, "reduction": reduction},
    }
    described = Description(tuple(map(str, range(classes))), channels, tuple(shape), 1, 1, "", "")
    problem = assemble(parse_experiment(tree), described)
    table = cost_table(problem)
    ratio = work_ratio(problem)
    if json:
        rows = table.to_dict("records")
        write_json({"networks": rows, "work_ratio": ratio.total, "work_ratio_longest": ratio.longest})
        return
    columns = ("network", "input", "parameters", "flops", "memory")
    units = ("network", "input", "parameters", "flops/image", "bytes in training")
    write_table(units, [tuple(row[column] for column in columns) for row in table.to_dict("records")])
    typer.echo(f"all local networks together: {ratio.total:.1f} times fewer operations than the global one")


def _numbers(field: str, text: str) -> tuple[int, ...]:
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) < 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--{field}: needs positive whole numbers joined by x, such as 2x2, got {text!r}")
    return tuple(map(int, parts))


def _write_registry(head: str, registry: Mapping[str, Any], json: bool) -> None:
    entries = [(name, entry.title, entry.description, entry.reference) for name, entry in registry.items()]
    if json:
        keys = ("name", "title", "description", "reference")
        write_json([dict(zip(keys, entry, strict=True)) for entry in entries])
    else:
        write_table((head, "title", "description"), [entry[:3] for entry in entries])
