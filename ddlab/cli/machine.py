"""``machine``: what this machine does at best, measured and kept."""

from pathlib import Path
from typing import Annotated

import typer

from ddlab.cli.output import Json, write_json, write_table

commands = typer.Typer()


@commands.command()
def machine(
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure it now, 10 to 30 s, and keep the result.")
    ] = False,
    device: Annotated[str, typer.Option(help="What to measure: cpu, or cuda for the first GPU.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="Also write what was measured there, as JSON.")] = None,
    json: Json = False,
) -> None:
    """Say what this machine does at best: operations and bytes a second, from which the limits on the pages follow.

    Measure while nothing else works: a busy machine is recognised, and refused where its numbers make no sense.
    """
    from ddlab.files import write_json as write_file
    from ddlab.machine import kept

    if measure:
        from ddlab.machine.measuring import measure as measured

        found = measured(device)
        kept.keep(found)
        if out is not None:
            write_file(out, found.plain())
    machines = kept.machines()
    if json:
        write_json({"here": kept.machine_name(), "machines": [each.plain() for each in machines.values()]})
        return
    rows = [
        (each.name, threads, round(rates.operations / 1e9, 1), round(rates.bandwidth[0][1] / 1e9, 1))
        + (round(rates.memory / 1e9, 1), round(rates.balance, 1), each.measured[:10])
        for each in machines.values()
        for threads, rates in each.rates.items()
    ]
    if rows:
        heads = ("machine", "threads", "gflop/s", "gb/s in caches", "gb/s beyond", "flop/byte", "measured")
        write_table(heads, rows)
    for each in machines.values():
        if told := kept.beware(each):
            typer.echo(f"{each.name}: {told}")
    if kept.machine_name() not in machines:
        typer.echo(f"{kept.not_here()} Measure it: ddlab machine --measure")
