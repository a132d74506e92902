"""``lesson``: which lessons there are, what is in one, what is wrong in a file, and what visitors answered."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from ddlab.runs import RunFolder

commands = typer.Typer(no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="The name of a lesson's file, without its ending.", metavar="LESSON")]


@commands.command(name="list")
def list_(json: Json = False) -> None:
    """List the lessons: those that come with ddlab, and those of DDLAB_HOME/lessons."""
    from ddlab.lessons import Lesson, list_lessons

    rows: list[dict[str, Any]] = []
    for one in list_lessons():
        if isinstance(one, Lesson):
            front = one.front
            rows.append({"lesson": one.id, "title": front.title, "minutes": front.minutes, "own": one.own, "fault": ""})
        else:
            fault = str(one[1].faults[0])
            rows.append({"lesson": one[0], "title": "", "minutes": None, "own": True, "fault": fault})
    if json:
        write_json({"lessons": rows})
        return
    table = [
        [
            row["lesson"],
            row["minutes"] or "-",
            row["title"] or f"no lesson: {row['fault']}",
            "own" if row["own"] else "",
        ]
        for row in rows
    ]
    write_table(["lesson", "min", "title", ""], table)


@commands.command()
def show(lesson: Named, json: Json = False) -> None:
    """Show what a lesson has: its steps, and what is to be seen and done in each."""
    from ddlab.lessons import KINDS, open_lesson

    found = open_lesson(lesson)
    names = {kind: name for name, kind in KINDS.items()}
    steps: list[dict[str, Any]] = [
        {
            "step": step.title,
            "line": step.line,
            "blocks": [
                {"kind": names[type(part.content)], "line": part.line, **part.content.model_dump(mode="json")}
                for part in step.parts
                if not isinstance(part.content, str)
            ],
        }
        for step in found.steps
    ]
    if json:
        write_json({"lesson": found.id, **found.front.model_dump(mode="json"), "steps": steps})
        return
    typer.echo(f"{found.front.title} ({found.front.minutes} min)\n{found.front.summary}\n")
    rows = []
    for number, step in enumerate(steps, 1):
        told = ", ".join(
            f"{block['kind']} {block.get('name') or block.get('view') or block['of']}" for block in step["blocks"]
        )
        rows.append([number, step["step"], told])
    write_table(["", "step", "what is in it"], rows)


@commands.command()
def check(file: Annotated[Path, typer.Argument(help="A lesson, a Markdown file.")], json: Json = False) -> None:
    """Name everything that is wrong in a lesson, with its line; exit code 1 if something is."""
    from ddlab.lessons import LessonError, check_lesson, read_lesson

    try:
        faults = check_lesson(read_lesson(file))
    except LessonError as error:
        faults = error.faults
    if json:
        write_json({"file": file.name, "faults": [{"line": fault.line, "reason": fault.sentence} for fault in faults]})
    else:
        for fault in faults:
            typer.echo(f"{file.name}, {fault}", err=True)
        typer.echo(
            f"{file.name}: {len(faults)} fault{'s' * (len(faults) != 1)}"
            if faults
            else f"{file.name}: nothing is wrong"
        )
    if faults:
        raise typer.Exit(1)


@commands.command(name="try")
def try_(lesson: Named, json: Json = False) -> None:
    """Train every trial with everything that a reader may choose, and say what its checks find; the runs stay.

    Exit code 1 if a training fails, takes longer than the lesson says, or does not tell what a check asks.
    """
    from ddlab.cli.train import watch
    from ddlab.engine.launch import launch
    from ddlab.lessons import open_lesson
    from ddlab.lessons.tried import try_lesson

    def train(run: "RunFolder") -> None:
        launch(run)
        watch(run)

    tried = list(try_lesson(open_lesson(lesson), train))
    if json:
        write_json({"lesson": lesson, "tried": [{**asdict(one), "well": one.is_well} for one in tried]})
    else:
        rows = [
            [
                one.trial,
                ", ".join(f"{path}={value}" for path, value in one.chosen.items()),
                f"{one.seconds:.0f}{'' if one.seconds <= one.most else f' (above {one.most:.0f})'}",
                one.fault or " ".join("yes" if held else "no" for held in one.held),
            ]
            for one in tried
        ]
        write_table(["trial", "chosen", "s", "checks"], rows)
    if not all(one.is_well for one in tried):
        raise typer.Exit(1)


@commands.command()
def answers(
    lesson: Named,
    csv: Annotated[bool, typer.Option("--csv", help="Write all of it as CSV, a row an answer.")] = False,
    json: Json = False,
) -> None:
    """Tell what visitors of this machine's pages answered in a lesson; without --csv how many were right."""
    import csv as reader
    from collections import Counter

    from ddlab.lessons import open_lesson, recorded_facts, visitors
    from ddlab.lessons.played import as_csv

    found = open_lesson(lesson)
    text = as_csv(found, visitors(), recorded_facts(found))
    rows = list(reader.DictReader(text.splitlines()))
    if csv:
        typer.echo(text, nl=False)
    elif json:
        write_json({"lesson": found.id, "answers": rows})
    else:
        counts = Counter((row["name"], row["kind"], row["verdict"]) for row in rows)
        names = dict.fromkeys((row["name"], row["kind"]) for row in rows)
        verdicts = ("right", "near", "far", "none")
        table = [[name, kind, *(counts[name, kind, verdict] for verdict in verdicts)] for name, kind in names]
        write_table(["name", "kind", "right", "near", "far", "looked"], table)
