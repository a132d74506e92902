"""``maps``: where the networks of a run look, and whether their maps are any good."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table

commands = typer.Typer()


@commands.command()
def maps(
    run: Annotated[str, typer.Argument(help="Its id, or 'latest'.")],
    seed: Annotated[int | None, typer.Option(help="Of this seed; default: the run's first.")] = None,
    images: Annotated[
        str,
        typer.Option(
            help="Validation images such as 0,3,8-15, 'train:0-3', 'test:0-3', or a picture or volume of your own."
        ),
    ] = "0",
    layer: Annotated[str, typer.Option(help="Whose maps are weighted; default: the networks' last.")] = "",
    score: Annotated[
        str, typer.Option(help="Score the maps of this class: truth, prediction or a name.", metavar="CLASS")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="An npz file, or a folder for pictures (of volumes: NIfTI files).")
    ] = None,
    json: Json = False,
) -> None:
    """Compute the class activation maps of all classes, of every network of a run, its local networks and CNN-DNNs.

    Without --out they are scored or described, not kept.
    """
    from ddlab.analyses.maps.of_run import map_images, score_images
    from ddlab.runs import open_run

    folder = open_run(run)
    seed = folder.experiment.seeds[0] if seed is None else seed
    if score:
        found = score_images(folder, seed, images, layer, score)
        table = found.table()
        if out is not None:
            found.save(out)
    else:
        mapped = map_images(folder, seed, images, layer)
        table = mapped.table()
        if out is not None:
            _write(mapped, out)
    if json:
        write_json({"rows": _rows(table)})
    elif out is None or out.suffix != ".npz":
        write_table(list(table.columns), [_rounded(row) for row in table.itertuples(index=False)])


def _write(mapped: Any, out: Path) -> None:
    from ddlab.figures.maps.files import map_files
    from ddlab.files import write_bytes

    if out.suffix == ".npz":
        mapped.save(out)
        return
    if out.suffix:
        raise ValueError(f"out: needs an npz file, or a folder for pictures (of volumes: NIfTI files), got {out.name}")
    out.mkdir(parents=True, exist_ok=True)
    for place in range(len(mapped.images)):
        for name, content in map_files(mapped, place).items():
            write_bytes(out / name, content)


def _rows(table: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if value == value} for row in table.to_dict("records")]


def _rounded(row: Any) -> list[Any]:
    return [("-" if value != value else round(value, 3)) if isinstance(value, float) else value for value in row]
