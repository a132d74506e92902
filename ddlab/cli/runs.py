"""Runs: list, show, annotate, cancel, resume, rename, delete, restore, export, report, and one network alone."""

from pathlib import Path
from typing import Annotated

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.runs import RunFolder, annotate, damaged_files, export_run, list_runs, matches, open_run
from ddlab.runs import delete as delete_run
from ddlab.runs import restore as restore_run
from ddlab.words import duration
from ddlab.written import percent, si

commands = typer.Typer()
Run = Annotated[str, typer.Argument(help="Its id, or 'latest'.")]


@commands.command()
def runs(
    search: Annotated[
        str, typer.Option(help="Only runs with these words in name, id, note, tags, data, network or strategies.")
    ] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Only runs with this tag; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """List all runs, newest first, or those that are looked for."""
    everything = (run.summary() for run in list_runs())
    summaries = [summary for summary in everything if matches(summary, search, tag or ())]
    if json:
        write_json(summaries)
        return
    plain = ("id", "state", "name", "dataset", "model", "grid")
    columns = ["id", "state", "name", "data", "model", "grid", "best", "time", "tags"]
    rows = [
        (*(s[key] for key in plain), _best(s["accuracies"]), duration(s["seconds"]), " ".join(s["tags"]))
        for s in summaries
    ]
    tagged = any(summary["tags"] for summary in summaries)
    write_table(columns if tagged else columns[:-1], rows if tagged else [row[:-1] for row in rows])


@commands.command()
def show(run: Run, json: Json = False) -> None:
    """Show a run: where it stands, and what it came to so far."""
    from ddlab.cli.train import results, write_results
    from ddlab.engine.control import queue_position

    folder = open_run(run)
    experiment = folder.experiment
    state, progress, failure = folder.state(), folder.progress(), folder.failure()
    place, reason = queue_position(folder)
    chosen = folder.status().get("place")
    strategies, judged = results(folder)
    if json:
        tree = {**folder.summary(), "progress": progress, "queue": {"place": place, "reason": reason}}
        tree |= {"place": chosen, "failure": failure, "strategies": strategies, "judged": judged}
        tree |= {"experiment": experiment.model_dump(mode="json")}
        write_json({**tree, "environment": folder.environment(), "path": str(folder.path)})
        return
    typer.echo(f"{folder.name} ({folder.id}): {state.state} {duration(state.seconds)}".rstrip())
    damaged = [fault for fault in damaged_files(folder) if fault not in state.message]
    told = (state.message, state.restarted, chosen["because"] if chosen else "", reason)
    for line in filter(None, (*told, *damaged, *folder.summary()["stuck"], *_written(folder))):
        typer.echo(line)
    if state.is_live and progress:
        typer.echo(f"{percent(progress['done'])}: {progress['title']}, epoch {progress['epoch']}/{progress['epochs']}")
    typer.echo(f"\n{experiment.to_yaml()}")
    write_results(strategies, judged)
    typer.echo(f"\n{folder.path}")


@commands.command()
def log(
    run: Run, rank: Annotated[int | None, typer.Option(help="Of this rank; default: the launcher's.")] = None
) -> None:
    """Write the output of a run's processes."""
    typer.echo(open_run(run).log(rank), nl=False)


@commands.command()
def cancel(run: Run) -> None:
    """Stop a run; no process is left when this returns."""
    from ddlab.engine.control import cancel

    cancel(open_run(run))


@commands.command()
def join(
    run: Run, detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the run's end.")] = False
) -> None:
    """Let this machine work on a run of several machines that was started on another one; Ctrl-C leaves it again."""
    from ddlab.cli.train import watch
    from ddlab.engine.control import leave
    from ddlab.engine.launch import join

    machine = join(folder := open_run(run))
    if detach:
        return
    try:
        watch(folder)
    except KeyboardInterrupt:
        leave(machine)
    state = folder.state()
    typer.echo(f"{state.state} {state.message}".rstrip(), err=True)


@commands.command()
def resume(
    run: Run,
    workers: Annotated[int | None, typer.Option(help="On so many from now on; default: as before.", min=1)] = None,
    devices: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps; default: as before.")] = None,
) -> None:
    """Go on with a failed, cancelled or lost run from its last checkpoint, in the background."""
    from ddlab.engine.control import resume

    resume(open_run(run), workers=workers, devices=devices)


@commands.command()
def rename(run: Run, name: str) -> None:
    """Give a run another name."""
    open_run(run).rename(name)


@commands.command()
def note(
    run: Run,
    text: Annotated[str | None, typer.Argument(help="The new note; empty for none. Without it the note stays.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Add a tag; may be repeated.")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="Take a tag away; may be repeated.")] = None,
) -> None:
    """Note something about a run, or give it tags: 'ddlab runs --search' and '--tag' find it. Shows what it has."""
    folder = open_run(run)
    if text is not None or tag or untag:
        gone = {name.strip().lower() for name in untag or ()}
        tags = [name for name in (*folder.tags, *(tag or ())) if name.strip().lower() not in gone]
        annotate(folder, note=text, tags=tags if tag or untag else None)
    for line in _written(folder):
        typer.echo(line)


@commands.command()
def delete(run: Run) -> None:
    """Move a run to the trash; 'ddlab restore' brings it back."""
    name = delete_run(open_run(run))
    typer.echo(f"in the trash; 'ddlab restore {name}' brings it back", err=True)


@commands.command()
def restore(run: Annotated[str, typer.Argument(help="Its name in the trash, which 'ddlab delete' printed.")]) -> None:
    """Bring a deleted run back."""
    restore_run(run)


@commands.command()
def export(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="The copy is made in here.")],
    light: Annotated[bool, typer.Option("--light", help="Without the weights, too.")] = False,
) -> None:
    """Copy a run without checkpoints, logs and the machine's name, to give it away."""
    copy = export_run(open_run(run), folder, light=light)
    typer.echo(f"{copy.path} ({si(copy.size, 'B')})")


@commands.command()
def report(
    run: Run,
    file: Annotated[Path, typer.Argument(help="Ends in .html: for people; in .csv: the numbers, a row a strategy.")],
    seed: Annotated[int | None, typer.Option(help="Of the image that is shown; default: the run's first.")] = None,
) -> None:
    """Write what a run was asked and what it came to, with its figures and limits, to one file that needs no other."""
    from ddlab.reports import write_report

    folder = open_run(run)
    write_report(folder, folder.experiment.seeds[0] if seed is None else seed, file)
    typer.echo(f"{file} ({si(file.stat().st_size, 'B')})")


@commands.command()
def export_network(
    run: Run,
    out: Annotated[Path, typer.Option(help="The file.")],
    network: Annotated[str, typer.Option(help="Which; without it, the choices are listed.")] = "",
    file_format: Annotated[
        str, typer.Option("--format", help="safetensors, onnx or torch.export; default: by the file's ending.")
    ] = "",
    seed: Annotated[int | None, typer.Option(help="Of this seed; default: the run's first.")] = None,
) -> None:
    """Write a trained network to a file for other programs: normalised images in, logits out.

    The file states the classes, the normalisation, and what part of the image the network sees.
    """
    from ddlab.exports import format_of
    from ddlab.exports.networks import export_network

    folder = open_run(run)
    seed = folder.experiment.seeds[0] if seed is None else seed
    export_network(folder, seed, network, file_format or format_of(out), out)
    typer.echo(f"{out} ({si(out.stat().st_size, 'B')})")


def _best(accuracies: dict[str, float]) -> str:
    if not accuracies:
        return ""
    name = max(accuracies, key=lambda strategy: accuracies[strategy])
    return f"{name} {percent(accuracies[name])}"


def _written(run: RunFolder) -> list[str]:
    """Return note and tags of a run, in lines."""
    return [*([f"note: {run.note}"] if run.note else []), *([f"tags: {' '.join(run.tags)}"] if run.tags else [])]
