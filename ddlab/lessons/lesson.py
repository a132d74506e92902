"""Lessons: Markdown with a short front matter, steps below headings, and fenced blocks of four kinds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from ddlab.experiment.base import Settings
from ddlab.lessons.blocks import Block, Text, kind_of
from ddlab.plain import read_plain

LONGEST = 100_000  # characters of a lesson
CODE = ("", "text", "bash", "python", "yaml", "json")  # fenced blocks that are shown as they are
_FENCE = re.compile(r"^(`{3,})\s*(\S*)\s*$")


@dataclass(frozen=True)
class Fault:
    """Something wrong in a lesson: where, counted in lines from 1, and a sentence."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


class LessonError(ValueError):
    """A file that is no lesson; ``faults`` says why, line by line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Front(Settings):
    """The front matter of a lesson.

    Parameters
    ----------
    title
        What a person reads.
    summary
        One sentence for the list of lessons.
    minutes
        How long it takes.
    runs
        Recorded runs that it shows, by names of the lesson's own, or as a list of their ids; the first one is meant
        where a block names none.
    sources
        Papers, and where in them.
    """

    title: Annotated[str, Field(min_length=1, max_length=100)]
    summary: Text
    minutes: int = Field(ge=1, le=180)
    runs: dict[str, str] = Field(min_length=1, max_length=20)
    sources: Annotated[str, Field(max_length=500)] = ""

    @field_validator("runs", mode="before")
    @classmethod
    def _named(cls, runs: Any) -> Any:
        return {run: run for run in runs} if isinstance(runs, list) else runs

    @property
    def first(self) -> str:
        """The name of the run that is meant where none is named."""
        return next(iter(self.runs))


@dataclass(frozen=True)
class Part:
    """A piece of a step: Markdown, or a block; and the line where it begins."""

    line: int
    content: str | Block


@dataclass(frozen=True)
class Step:
    """A heading, and everything below it up to the next one."""

    title: str
    line: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Lesson:
    """A lesson as it is written.

    Parameters
    ----------
    id
        The name of its file, without its ending.
    own
        Whether it is one of the lecturer's, not one that comes with ddlab.
    """

    id: str
    front: Front
    steps: tuple[Step, ...]
    own: bool = False

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield all blocks, with the lines where they begin."""
        for step in self.steps:
            for part in step.parts:
                if not isinstance(part.content, str):
                    yield part.line, part.content

    def of_kind(self, kind: type[Any]) -> dict[str, Any]:
        """Return the blocks of a kind that have names, by these."""
        return {block.name: block for _, block in self.blocks() if isinstance(block, kind)}


def read_lesson(path: Path, own: bool = False) -> Lesson:
    """Read a lesson.

    Raises
    ------
    LessonError
        If it is none; names every fault with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LessonError([Fault(1, f"the file cannot be read ({error.strerror})")]) from None
    except UnicodeDecodeError as error:
        raise LessonError([Fault(1, f"is no text in UTF-8 (byte {error.start})")]) from None
    return parse_lesson(text, path.stem, own)


def parse_lesson(text: str, id: str, own: bool = False) -> Lesson:
    """Read a lesson's text; raises as :func:`read_lesson`."""
    if len(text) > LONGEST:
        raise LessonError([Fault(1, f"has {len(text):,} characters; a lesson has at most {LONGEST:,}")])
    faults: list[Fault] = []
    lines = text.splitlines()
    front, begins = _front(lines, faults)
    steps = _steps(lines, begins, faults)
    if begins and not steps:
        faults.append(Fault(begins, "has no step: a heading such as '# One image, four opinions' begins one"))
    if faults or front is None:
        raise LessonError(sorted(faults, key=lambda fault: fault.line))
    return Lesson(id, front, tuple(steps), own)


def _front(lines: list[str], faults: list[Fault]) -> tuple[Front | None, int]:
    """Read what stands between the first two lines of ``---``; and the index of the line after them, 0 without them."""
    ends = [index for index, line in enumerate(lines) if line.strip() == "---"][:2]
    if len(ends) < 2 or ends[0] != 0:
        faults.append(Fault(1, "begins with a line '---', then title, summary, minutes and runs, and another '---'"))
        return None, 0
    read = _settings(Front, lines[1 : ends[1]], 2, faults)
    return (read if isinstance(read, Front) else None), ends[1] + 1


def _steps(lines: list[str], begins: int, faults: list[Fault]) -> list[Step]:
    steps: list[Step] = []
    title, line, parts = "", begins + 1, [Part(begins + 1, "")]

    def close() -> None:
        said = tuple(part for part in parts if not isinstance(part.content, str) or part.content.strip())
        if title:
            steps.append(Step(title, line, said))
        elif said:
            faults.append(Fault(said[0].line, "stands before the first heading: '# ...' begins a step"))

    index = begins
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        if fence:
            end = _end_of_block(lines, index, fence.group(1))
            if end is None:
                faults.append(Fault(index + 1, f"the block {fence.group(2)!r} has no end: a line {fence.group(1)}"))
                break
            if fence.group(2) in CODE:
                last, code = parts[-1], "\n".join(lines[index : end + 1])
                parts[-1] = Part(last.line, f"{last.content}{code}\n")
            elif block := _block(fence.group(2), lines[index + 1 : end], index + 1, faults):
                parts += [Part(index + 1, block), Part(end + 2, "")]
            index = end
        elif lines[index].startswith("# "):
            close()
            title, line, parts = lines[index][2:].strip(), index + 1, [Part(index + 2, "")]
        else:
            last = parts[-1]
            parts[-1] = Part(last.line, f"{last.content}{lines[index]}\n")
        index += 1
    close()
    return steps


def _end_of_block(lines: list[str], start: int, fence: str) -> int | None:
    return next((index for index in range(start + 1, len(lines)) if lines[index].rstrip() == fence), None)


def _block(kind: str, lines: list[str], line: int, faults: list[Fault]) -> Block | None:
    try:
        found = kind_of(kind)
    except ValueError as error:
        faults.append(Fault(line, str(error)))
        return None
    read: Block | None = _settings(found, lines, line + 1, faults)
    return read


def _settings(kind: type[Settings], lines: list[str], first: int, faults: list[Fault]) -> Any:
    """Read settings in YAML; what is wrong is told with the line of the key that it is about."""
    try:
        values = read_plain("\n".join(lines))
    except ValueError as error:
        faults.append(Fault(first, f"{kind.__name__.lower()}: {error}"))
        return None
    if not isinstance(values, dict):
        faults.append(Fault(first, f"{kind.__name__.lower()}: needs lines such as 'title: ...'"))
        return None
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        for fault in error.errors():
            path = ".".join(map(str, fault["loc"]))
            message = fault["msg"].removeprefix("Value error, ")
            faults.append(Fault(first + _line_of(path, lines), f"{path}: {message}" if path else message))
        return None


def _line_of(path: str, lines: list[str]) -> int:
    """Return the index of the line that sets the first key of a path; 0 if none does."""
    key = path.split(".")[0]
    return next((index for index, line in enumerate(lines) if line.startswith(f"{key}:")), 0)
