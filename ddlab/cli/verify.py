"""``verify``: whether the composed network of a run reproduces its local networks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.decomposition import times
from ddlab.written import percent

commands = typer.Typer()


@commands.command()
def verify(
    run: Annotated[str, typer.Argument(help="Its id, or 'latest'.")],
    seed: Annotated[int | None, typer.Option(help="Of this seed; default: the run's first.")] = None,
    images: Annotated[int, typer.Option(help="Validation images to compare on; all, if there are fewer.")] = 256,
    float64: Annotated[bool, typer.Option("--float64", help="Compute in float64.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write all of it to this npz file, with maps of four images.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare the network that the local networks make with them: layer by layer, their sum, the bound of its cost.

    The composed network is the run's own, or made here. Exit code 1 if something does not hold that must.
    """
    from ddlab.analyses.composition.verification import verify as verified
    from ddlab.runs import open_run

    folder = open_run(run)
    seed = folder.experiment.seeds[0] if seed is None else seed
    found = verified(folder, seed, images, double=float64)
    if out is not None:
        found.save(out)
    if json:
        write_json(found.about)
    elif out is None:
        _write(found.about)
    if not found.about["holds"] and out is None:
        raise typer.Exit(1)


def _write(about: dict[str, Any]) -> None:
    heads = ("layer", "map", "sees ± px", "largest", "relative", "where it must agree", "equal", "must be")
    write_table(heads, [_layer(row) for row in about["layers"]])
    typer.echo(
        f"\n{about['images']} images in {about['precision']}; equal means to {about['tolerance']:g} of the largest"
    )
    for line in _sentences(about["statements"], about["images"]):
        typer.echo(line)
    typer.echo("")
    rows = [("yes" if row["holds"] else "NO", row["premise"], row["why"]) for row in about["premises"]]
    write_table(("holds", "premise", "why"), rows)
    typer.echo("")
    for fault in about["faults"]:
        typer.echo(f"wrong: {fault}")
    if about["holds"]:
        typer.echo("everything holds that must")


def _layer(row: dict[str, Any]) -> tuple[Any, ...]:
    numbers = [f"{row[key]:.1e}" for key in ("difference", "relative", "promised_difference")]
    numbers[2] = numbers[2] if row["promised"] else "-"
    size = times(row["map"]) or f"{row['channels']} units"
    return (row["layer"], size, row["radius"], *numbers, percent(row["equal"]), percent(row["promised"]))


def _sentences(numbers: dict[str, float], images: int) -> list[str]:
    return [
        f"(2.16) sum of the logits: difference {numbers['sum']:.1e}, with means over the activation fields "
        f"{numbers['sum_masked']:.1e}; largest logit {numbers['scale']:.3g}",
        f"(2.17) probabilities: difference {numbers['softmax']:.1e}, with means over the activation fields "
        f"{numbers['softmax_masked']:.1e}",
        f"(2.19) cost below its bound: {percent(numbers['obey'])} of the images, {percent(numbers['obey_of_sum'])} "
        f"with the plain sum; mean cost {numbers['cost']:.3g}, bound {numbers['bound']:.3g}",
        f"Theorem 2.2: all local networks are right in {numbers['all_right']} of {images} images"
        + f", the composed network in {numbers['all_right_and_composed']} of these" * bool(numbers["all_right"]),
    ]
