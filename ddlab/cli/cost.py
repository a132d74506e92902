"""``cost``: what networks hold and work, counted in several ways."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from ddlab.cli.output import Json, write_json, write_table

commands = typer.Typer()

Options = TypeVar("Options")


def takes(options: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Give a command the fields of a dataclass as its options."""

    def decorate(command: Callable[[Options], None]) -> Callable[..., None]:
        @wraps(command)
        def called(**values: Any) -> None:
            command(options(**values))

        called.__signature__ = inspect.signature(options)  # type: ignore[attr-defined]  # what typer reads
        return called

    return decorate


@dataclass(frozen=True)
class Asked:
    """The options of ``cost``."""

    model: Annotated[str, typer.Option(help="The network.")] = "vgg9"
    input: Annotated[str, typer.Option(metavar="CxHxW", help="Shape of an image.")] = "3x32x32"
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2)] = 10
    width: Annotated[float, typer.Option(help="Factor on all channels and hidden units.")] = 1.0
    batch_norm: Annotated[bool, typer.Option(help="In networks that can do without.")] = True
    grid: Annotated[str, typer.Option(metavar="RxC", help="Subdomains along every axis.")] = "2x2"
    overlap: Annotated[int, typer.Option(help="Overlap in pixels.")] = 0
    layout: Annotated[
        str, typer.Option(help="grid, shifted or centre of a grid; eight or sixteen windows without one.")
    ] = "grid"
    reduction: Annotated[str, typer.Option(help="1/N, 1/sqrt(N) or 1.")] = "1/sqrt(N)"
    convention: Annotated[str, typer.Option(help="Of parameters: torch, keras or keras_trainable.")] = "torch"
    flops: Annotated[str, typer.Option(help="Of operations: torch, eq210, profiler or profiler_plain.")] = "torch"
    batch_size: Annotated[int, typer.Option(help="Images in memory at once.", min=1)] = 128
    ways: Annotated[bool, typer.Option("--ways", help="Count in all ways, and say how they differ.")] = False
    json: Json = False


@commands.command()
@takes(Asked)
def cost(asked: Asked) -> None:
    """Count parameters, operations and training memory of the global network and of every local one.

    Bytes are those of training with Adam in float32, and do not depend on the conventions.
    """
    from ddlab.analyses.comparison.cost import cost_table, ways_table, work_ratio
    from ddlab.models.counting import FLOPS, PARAMETERS, Counting

    counting = Counting(asked.convention, asked.flops)
    problem = _posed(asked)
    rows = cost_table(problem, asked.batch_size, counting).to_dict("records")
    ratio, ways = work_ratio(problem, counting=counting), ways_table(problem).to_dict("records")
    if asked.json:
        told: dict[str, Any] = {"convention": asked.convention, "flops": asked.flops, "networks": rows}
        told |= {"batch_size": asked.batch_size, "parameters_ratio": ratio.parameters, "ways": ways}
        write_json(told | {"work_ratio": ratio.total, "work_ratio_longest": ratio.longest})
        return
    _write_costs(rows)
    typer.echo(f"all local networks together: {ratio.total:.1f} times fewer operations than the global one")
    counted = f"parameters {PARAMETERS[asked.convention].title}, operations {FLOPS[asked.flops].title}"
    typer.echo(f"counted: {counted}; memory in MB with Adam in float32, {asked.batch_size} images a batch")
    if asked.ways:
        _write_ways(ways)


def _write_costs(rows: Sequence[dict[Any, Any]]) -> None:
    parts = ("weights", "gradients", "optimizer", "activations", "memory")
    heads = ("network", "input", "parameters", "times fewer", "flops/image", "times fewer", *parts[:-1], "together")
    shown = [
        (row["network"], row["input"], row["parameters"], round(row["parameters_ratio"], 2))
        + (row["flops"], round(row["flops_ratio"], 2), *(round(row[part] / 1e6, 2) for part in parts))
        for row in rows
    ]
    write_table(heads, shown)


def _write_ways(ways: Sequence[dict[Any, Any]]) -> None:
    columns = ("quantity", "way", "global", "local 1", "over_torch")
    typer.echo("")
    write_table(
        ("quantity", "way", "global", "local 1", "more than torch"), [[row[key] for key in columns] for row in ways]
    )
    for row in ways:
        typer.echo(f"{row['way']} ({row['quantity']}): {row['explanation']}")


def _posed(asked: Asked) -> Any:
    from ddlab.data.source import Description
    from ddlab.experiment import parse_experiment
    from ddlab.layouts import LAYOUTS, WINDOWS, lay_out
    from ddlab.problem import assemble
    from ddlab.registry import choose

    channels, *shape = numbers("input", asked.input)
    choose({**LAYOUTS, **WINDOWS}, asked.layout, "--layout")
    if asked.layout in WINDOWS and asked.overlap:
        raise ValueError(f"--overlap: the windows of {asked.layout!r} have one already, got {asked.overlap}")
    decomposition = lay_out(asked.layout, shape, numbers("grid", asked.grid), asked.overlap)
    model = {"name": asked.model, "reduction": asked.reduction, "width": asked.width, "batch_norm": asked.batch_norm}
    tree = {"decomposition": decomposition.model_dump(), "model": model}
    described = Description(tuple(map(str, range(asked.classes))), channels, tuple(shape), 1, 1, "", "")
    return assemble(parse_experiment(tree), described)


def numbers(field: str, text: str) -> tuple[int, ...]:
    """Read numbers above 0 joined by x, such as 3x32x32.

    Raises
    ------
    ValueError
        If they are none; names the field, the rule and the value.
    """
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) < 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--{field}: needs positive whole numbers joined by x, such as 2x2, got {text!r}")
    return tuple(map(int, parts))
