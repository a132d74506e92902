"""``layers``: what every layer of a network makes of an image."""

from pathlib import Path
from typing import Annotated

import typer

from ddlab.cli.output import Json, write_json, write_table

commands = typer.Typer()


@commands.command()
def layers(
    run: Annotated[str, typer.Argument(help="Its id, or 'latest'.")],
    seed: Annotated[int | None, typer.Option(help="Of this seed; default: the run's first.")] = None,
    image: Annotated[
        str,
        typer.Option(help="A validation image such as 7, 'train:7', 'test:7', or a picture or volume of your own."),
    ] = "0",
    network: Annotated[
        str, typer.Option(help="Such as global or local-3, of the third subdomain; default: the run's first.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="An npz file for the activations.")] = None,
    json: Json = False,
) -> None:
    """Compute what every layer of a network makes of an image: activations, their range, the share of dead channels.

    Without --out they are described, not kept.
    """
    from ddlab.analyses.layers.networks import families
    from ddlab.analyses.layers.of_run import activations
    from ddlab.runs import open_run

    folder = open_run(run)
    seed = folder.experiment.seeds[0] if seed is None else seed
    first = network or next(iter(families(folder, seed).values())).members[0].name
    found = activations(folder, seed, image, first)
    if out is not None:
        found.save(out)
    table = found.table().astype({"dead": object})
    table["dead"] = table["dead"].where(table["dead"].notna(), None)
    rows = table.to_dict("records")
    if json:
        write_json({"network": first, "image": found.about["image"], "layers": rows})
    elif out is None:
        shown = [{name: _rounded(value) for name, value in row.items()} for row in rows]
        write_table(list(table.columns), [list(row.values()) for row in shown])


def _rounded(value: object) -> object:
    return "-" if value is None else round(value, 3) if isinstance(value, float) else value
