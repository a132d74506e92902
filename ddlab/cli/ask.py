"""``ask``: answers of the networks and strategies of a run about an image, and about the same image edited."""

from pathlib import Path
from typing import Annotated

import typer

from ddlab.cli.output import Json, write_json, write_table

commands = typer.Typer()


@commands.command()
def ask(
    run: Annotated[str, typer.Argument(help="Its id, or 'latest'.")],
    seed: Annotated[int | None, typer.Option(help="Of this seed; default: the run's first.")] = None,
    image: Annotated[
        str, typer.Option(help="A validation image, 'train:3', 'test:3', or a picture or volume of your own.")
    ] = "0",
    edits: Annotated[
        str,
        typer.Option(
            help="Such as occlude:2,shift:all:3:-2: what is done at a subdomain, from 1, or at all of the image; also "
            "brighten and multiply (percent), swap (another image) and exchange (another subdomain)."
        ),
    ] = "",
    maps: Annotated[bool, typer.Option("--maps", help="Compute the class activation maps of both, too.")] = False,
    out: Annotated[Path | None, typer.Option(help="An npz file.")] = None,
    json: Json = False,
) -> None:
    """Ask all networks and strategies of a run about an image before and after edits of it."""
    from ddlab.analyses.what_if.of_run import ask_run
    from ddlab.runs import open_run

    if out is not None and out.suffix != ".npz":
        raise ValueError(f"out: needs an npz file, got {out.name}")
    folder = open_run(run)
    seed = folder.experiment.seeds[0] if seed is None else seed
    answers = ask_run(folder, seed, image, edits, with_maps=maps)
    if out is not None:
        answers.save(out)
    table = answers.table()
    if json:
        write_json({"edits": answers.about["edits"], "rows": table.to_dict("records")})
    elif out is None:
        rows = table.assign(**{"saw a change": table["saw a change"].map({True: "yes", False: "no"})}).round(3)
        write_table(list(rows.columns), rows.to_numpy(dtype=object).tolist())
