"""Answers of visitors: a file of JSON lines for each, below ``DDLAB_HOME/answers``, named by a random id.

A room with seats and names hangs its own beside it: whoever has answers is known here by an id alone.
"""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ddlab.home import home

SUFFIX = ".jsonl"
ID = re.compile(r"[a-z0-9]{16,40}")
MOST_BYTES = 500_000  # of one visitor: some thousand answers
Kind = Literal["prediction", "trial"]


@dataclass(frozen=True)
class Answer:
    """One thing that a visitor did in a lesson.

    Parameters
    ----------
    name
        Of the prediction or the trial.
    value
        The answer, None where somebody looked without one; of a trial the id of its run.
    chosen
        Settings of a trial.
    when
        Seconds since 1970.
    """

    lesson: str
    name: str
    kind: Kind
    value: Any
    chosen: Mapping[str, Any]
    when: float


class Visitor:
    """One visitor's answers.

    Parameters
    ----------
    id
        As :func:`new_id` makes it.

    Raises
    ------
    ValueError
        If it is no such id.
    """

    def __init__(self, id: str) -> None:
        if not ID.fullmatch(id):
            raise ValueError("visitor: needs 16 to 40 small letters and digits")
        self.id = id
        self.path = folder() / f"{id}{SUFFIX}"

    def record(self, lesson: str, name: str, kind: Kind, value: Any, chosen: Mapping[str, Any] | None = None) -> None:
        """Keep one thing that was done.

        Raises
        ------
        ValueError
            If this visitor has kept more than anybody needs.
        OSError
            If the disk is full.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > MOST_BYTES:
            raise ValueError("answers: there are too many of yours already")
        answer = Answer(lesson, name, kind, value, dict(chosen or {}), time.time())
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(answer), ensure_ascii=False) + "\n")

    def of_lesson(self, lesson: str) -> dict[str, list[Answer]]:
        """Return what was done in a lesson: by name, the oldest first."""
        found: dict[str, list[Answer]] = {}
        for answer in _read(self.path):
            if answer.lesson == lesson:
                found.setdefault(answer.name, []).append(answer)
        return found

    def forget(self, lesson: str) -> None:
        """Begin a lesson anew: its answers are gone, its runs stay."""
        kept = [answer for answer in _read(self.path) if answer.lesson != lesson]
        text = "".join(json.dumps(asdict(answer), ensure_ascii=False) + "\n" for answer in kept)
        if self.path.exists():
            self.path.write_text(text, encoding="utf-8")


def new_id() -> str:
    """Make an id that nobody guesses."""
    return secrets.token_hex(12)


def folder() -> Path:
    """The folder of everybody's answers."""
    return home() / "answers"


def visitors() -> list[Visitor]:
    """List all who have answered something, by their ids."""
    ids = (path.stem for path in sorted(folder().glob(f"*{SUFFIX}")))
    return [Visitor(id) for id in ids if ID.fullmatch(id)]


def _read(path: Path) -> Iterator[Answer]:
    """Yield what can be read; a line that was cut off is left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            tree = json.loads(line)
            yield Answer(**tree)
        except (ValueError, TypeError):
            continue
