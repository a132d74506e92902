"""Answers to the predictions of lessons, of all who gave one: their newest each."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from ddlab.home import home
from ddlab.records import Kind

MOST = 60  # characters of an answer in a figure
BINS = 12  # of numbers that are all different


@with_config(ConfigDict(extra="allow"))
class _Answer(TypedDict):
    """A line of ``answers/<visitor>.jsonl``, which the lessons write."""

    lesson: Annotated[str, Field(max_length=200)]
    name: Annotated[str, Field(max_length=200)]
    kind: str
    value: Any
    when: float


_ANSWERS = Kind(_Answer)


def predictions() -> list[str]:
    """Return the predictions that somebody has answered, ``LESSON / NAME``, the newest first."""
    newest: dict[str, float] = {}
    for answer in _all():
        newest[_title(answer)] = max(answer["when"], newest.get(_title(answer), 0.0))
    return sorted(newest, key=lambda title: -newest[title])


def counted(prediction: str) -> dict[str, int]:
    """Count the answers to a prediction: numbers in rising order, anything else the most frequent first."""
    newest: list[Any] = []
    for path in _paths():
        mine = [answer["value"] for answer in _of(path) if _title(answer) == prediction and answer["value"] is not None]
        newest += mine[-1:]
    if newest and all(isinstance(value, int | float) and not isinstance(value, bool) for value in newest):
        return _binned([float(value) for value in newest])
    return dict(Counter(_text(value) for value in newest).most_common(BINS))


def _binned(values: list[float]) -> dict[str, int]:
    if len(set(values)) <= BINS:
        return {f"{value:g}": count for value, count in sorted(Counter(values).items())}
    low, width = min(values), (max(values) - min(values)) / BINS
    bins = Counter(min(BINS - 1, int((value - low) / width)) for value in values)
    return {f"{low + index * width:.3g} to {low + (index + 1) * width:.3g}": bins[index] for index in range(BINS)}


def _text(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def _title(answer: _Answer) -> str:
    return f"{answer['lesson']} / {answer['name']}"


def _all() -> list[_Answer]:
    return [answer for path in _paths() for answer in _of(path)]


def _of(path: Path) -> list[_Answer]:
    return [answer for answer in _ANSWERS.lines(path) if answer["kind"] == "prediction"]


def _paths() -> list[Path]:
    return sorted((home() / "answers").glob("*.jsonl"))
