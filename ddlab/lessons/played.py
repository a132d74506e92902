"""A lesson as one visitor played it: every answer beside what happened, every trial with its checks."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ddlab.lessons.answers import Answer, Visitor
from ddlab.lessons.blocks import Check, Prediction, Trial
from ddlab.lessons.conditions import Condition
from ddlab.lessons.facts import Facts, unit_of_fact
from ddlab.lessons.known import RecordedFacts, facts_of_trial
from ddlab.lessons.lesson import Lesson
from ddlab.lessons.outcome import Outcome, outcome_of
from ddlab.lessons.units import unit_of, written
from ddlab.runs import RunFolder, open_run
from ddlab.written import spreadsheet_text

COLUMNS = (
    *("visitor", "lesson", "step", "name", "kind", "asked", "answer", "tries"),
    *("verdict", "happened", "unit", "settings", "run", "checks", "when"),
)


@dataclass(frozen=True)
class Guess:
    """A prediction and what became of it: the last answer, and the outcome once nothing more can be answered."""

    asked: Prediction
    answers: tuple[Answer, ...]
    outcome: Outcome | None

    @property
    def is_done(self) -> bool:
        """Whether what happened is shown."""
        return self.outcome is not None

    @property
    def left(self) -> int:
        """Number of answers that may still be given."""
        return 0 if self.is_done else self.asked.tries - len(self.answers)


@dataclass(frozen=True)
class Told:
    """A check and what came of it; ``numbers`` are its facts as they are written."""

    check: Check
    holds: bool
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Trained:
    """A trial and the last run that was made of it, which may be gone."""

    trial: Trial
    answers: tuple[Answer, ...]
    run: RunFolder | None

    @property
    def is_done(self) -> bool:
        """Whether its run is finished."""
        return self.run is not None and self.run.state().state == "finished"


@dataclass(frozen=True)
class Done:
    """One thing to do in a lesson, and what was done: with the title of its step."""

    step: str
    what: Guess | Trained
    checks: tuple[Told, ...] = ()


def guess_of(asked: Prediction, answers: Sequence[Answer], facts: Facts) -> Guess:
    """Judge the answers to a prediction; raises a ValueError where a fact is not there."""
    if not answers:
        return Guess(asked, (), None)
    outcome = outcome_of(asked, answers[-1].value, facts)
    is_over = outcome.verdict in ("right", "none") or len(answers) >= asked.tries
    return Guess(asked, tuple(answers), outcome if is_over else None)


def trained_of(trial: Trial, answers: Sequence[Answer]) -> Trained:
    """Find the last run of a trial."""
    run = None
    if answers:
        try:
            run = open_run(str(answers[-1].value))
        except ValueError:  # somebody has deleted it
            run = None
    return Trained(trial, tuple(answers), run)


def told_of(check: Check, facts: Facts) -> Told:
    """Compute a check of a finished run; raises a ValueError where the run does not tell a fact."""
    condition = Condition.parse(check.when)
    numbers = tuple((name, written(facts[name], unit_of(name, unit_of_fact))) for name in condition.facts)
    return Told(check, bool(facts.of(check.when)), numbers)


def played(lesson: Lesson, visitor: Visitor, recorded: RecordedFacts) -> list[Done]:
    """List everything that there is to do in a lesson, with what one visitor did.

    Raises
    ------
    ValueError
        If a run that the lesson names is not there, or does not tell what is asked of it.
    """
    answers = visitor.of_lesson(lesson.id)
    checks = [block for _, block in lesson.blocks() if isinstance(block, Check)]
    found = []
    for step in lesson.steps:
        for part in step.parts:
            block = part.content
            if isinstance(block, Prediction):
                facts = recorded[block.run or lesson.front.first]
                found.append(Done(step.title, guess_of(block, answers.get(block.name, ()), facts)))
            elif isinstance(block, Trial):
                made = trained_of(block, answers.get(block.name, ()))
                told = tuple(_told(made, [check for check in checks if check.of == block.name], recorded))
                found.append(Done(step.title, made, told))
    return found


def _told(made: Trained, checks: Iterable[Check], recorded: RecordedFacts) -> Iterator[Told]:
    if made.run is None or not made.is_done:
        return
    facts = facts_of_trial(made.run, recorded)
    for check in checks:
        try:
            yield told_of(check, facts)
        except ValueError:  # the run does not tell it: the page says so
            continue


def how_far(lesson: Lesson, visitor: Visitor) -> tuple[int, int]:
    """Count what one visitor has begun of a lesson, and what there is to do; nothing is computed for it."""
    names = {block.name for _, block in lesson.blocks() if isinstance(block, Prediction | Trial)}
    return len(names & visitor.of_lesson(lesson.id).keys()), len(names)


# ---- for a lecturer


def as_csv(lesson: Lesson, visitors: Iterable[Visitor], recorded: RecordedFacts) -> str:
    """Write what visitors did in a lesson as CSV: a row for everything that was answered or trained."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for visitor in visitors:
        for done in played(lesson, visitor, recorded):
            if done.what.answers:
                writer.writerow({name: spreadsheet_text(value) for name, value in _row(lesson, visitor, done).items()})
    return text.getvalue()


def _row(lesson: Lesson, visitor: Visitor, done: Done) -> dict[str, Any]:
    last = done.what.answers[-1]
    row = {
        "visitor": visitor.id,
        "lesson": lesson.id,
        "step": done.step,
        "name": last.name,
        "kind": last.kind,
        "tries": len(done.what.answers),
        "when": datetime.fromtimestamp(last.when, UTC).isoformat(timespec="seconds"),
    }
    if isinstance(done.what, Guess):
        outcome = done.what.outcome
        row |= {"asked": done.what.asked.ask, "answer": "" if last.value is None else last.value}
        if outcome is not None:
            happened = "" if math.isnan(outcome.truth) else f"{outcome.truth:.6g}"
            row |= {"verdict": outcome.verdict, "happened": happened, "unit": outcome.unit}
        return row
    settings = "; ".join(f"{path}={value}" for path, value in last.chosen.items())
    passed = f"{sum(told.holds for told in done.checks)} of {len(done.checks)}" if done.what.is_done else ""
    return row | {"settings": settings, "run": last.value, "checks": passed}
