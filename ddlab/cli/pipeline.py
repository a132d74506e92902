"""``pipeline``: what a network cut across its layers would take, and other ways to use as many machines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ddlab.cli.cost import numbers, takes
from ddlab.cli.output import Json, write_json, write_table
from ddlab.pipeline.partition import GROUPINGS
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.written import percent

commands = typer.Typer()

Rows = Sequence[dict[Any, Any]]


@dataclass(frozen=True)
class Asked:
    """The options of ``pipeline``."""

    model: Annotated[str, typer.Option(help="The network.")] = "resnet18"
    input: Annotated[str, typer.Option(metavar="CxHxW", help="Shape of an image.")] = "3x32x32"
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2)] = 10
    width: Annotated[float, typer.Option(help="Factor on all channels and hidden units.")] = 1.0
    machines: Annotated[int, typer.Option(help="n, a rank each.")] = 4
    schedule: Annotated[str, typer.Option(help=f"{', '.join(SCHEDULES)}.")] = "1f1b"
    micro_batches: Annotated[int, typer.Option(help="m, parts of a batch.")] = 8
    modules: Annotated[int, typer.Option(help="v, modules a machine; 0: the fewest of the schedule.", min=0)] = 0
    batch_size: Annotated[int, typer.Option(help="Images; a multiple of m.")] = 64
    grouping: Annotated[str, typer.Option(help=f"{', '.join(GROUPINGS)}.")] = "balanced"
    rate: Annotated[float, typer.Option(help="Operations a second that a machine reaches.")] = 5e12
    bandwidth: Annotated[float, typer.Option(help="Bytes a second of a link; inf: transfers take no time.")] = 25e9
    reduction: Annotated[str, typer.Option(help="Of local networks: 1/N, 1/sqrt(N) or 1.")] = "1/sqrt(N)"
    json: Json = False


@commands.command(name="pipeline")
@takes(Asked)
def pipeline(asked: Asked) -> None:
    """Tell what cutting a network across its layers buys, beside other methods and other ways to use n machines.

    Nothing is trained: times follow from counted operations and bytes. JSON also holds the paper's tables.
    """
    from ddlab.analyses.pipeline import equations, methods, paper, plan, ways

    model, made = _planned(asked)
    found = equations.Equations.of(made)
    tables = {
        "modules": plan.module_table(made),
        "memory": plan.memory_table(made),
        "methods": methods.method_table(made),
        "equations": equations.equation_table(found),
        "ways": ways.ways_table(model, made, [asked.machines]),
    }
    rows = {name: _plain(table.to_dict("records")) for name, table in tables.items()}
    if asked.json:
        published = _plain(paper.training_table().to_dict("records"))
        return write_json({**rows, "differences": equations.differences(found), "paper": published})
    _write(rows, made.simulation.bubble)
    return None


def _planned(asked: Asked) -> tuple[dict[str, Any], Any]:
    """Settings of the network, and the plan."""
    from ddlab.analyses.pipeline.assumed import assumed
    from ddlab.analyses.pipeline.plan import Machines, PipelinePlan
    from ddlab.registry import choose

    model = {"name": asked.model, "width": asked.width, "reduction": asked.reduction}
    modules = asked.modules or choose(SCHEDULES, asked.schedule, "--schedule").least_chunks
    network = assumed({"model": model}, numbers("input", asked.input), asked.classes).global_network
    machines = Machines(asked.machines, asked.rate, asked.bandwidth)
    sizes = (asked.schedule, asked.micro_batches, asked.batch_size, modules, asked.grouping)
    return model, PipelinePlan(network, machines, *sizes)


def _plain(rows: Rows) -> list[dict[str, Any]]:
    """Rows without NaN, which JSON does not know."""
    return [
        {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in rows
    ]


def _write(rows: dict[str, list[dict[str, Any]]], bubble: float) -> None:
    parts = ("module", "rank", "sub_layers", "flops", "parameters", "sent_bytes")
    shown = [[row[part] for part in parts] + [round(100 * row["share"], 1)] for row in rows["modules"]]
    write_table(("module", "rank", "sub-layers", "flops/image", "parameters", "bytes/image", "share %"), shown)
    typer.echo(f"\nThe schedule leaves machines idle for {percent(bubble)} of the time. All schedules and methods:")
    columns = ("name", "ms/batch", "speed-up", "idle %", "memory MB", "staleness", "versions", "sent MB")
    write_table(columns, [_method(row) for row in rows["methods"]])
    _write_reasons(rows["methods"], "name")
    typer.echo("\nWays to use as many machines, a step:")
    shown = [[row["way"], row["strategy"], *_scaled(row, "seconds", "bytes", "memory")] for row in rows["ways"]]
    write_table(("way", "strategy", "ms", "sent MB", "memory MB"), shown)
    _write_reasons(rows["ways"], "strategy")


def _write_reasons(rows: Rows, name: str) -> None:
    for row in rows:
        if row["reason"]:
            typer.echo(f"{row[name]}: {row['reason']}")


def _method(row: dict[str, Any]) -> tuple[Any, ...]:
    if row["reason"]:
        return (row["name"], *["-"] * 7)
    time, memory, sent = _scaled(row, "seconds", "memory", "bytes")
    shares = (round(row["speed_up"], 2), round(100 * row["bubble"], 1))
    return (row["name"], time, *shares, memory, int(row["staleness"]), int(row["weight_versions"]), sent)


def _scaled(row: dict[str, Any], *names: str) -> list[Any]:
    """Seconds in milliseconds, bytes in megabytes."""
    factors = {"seconds": 1e3, "bytes": 1e-6, "memory": 1e-6}
    return ["-" if row[name] is None else round(factors[name] * row[name], 3) for name in names]
