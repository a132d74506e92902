"""The file that a student takes home: every answer beside what happened, and what the trials came to."""

import time
from collections.abc import Sequence
from html import escape

from ddlab.figures.lessons.drawn import drawn_bars, drawn_place
from ddlab.figures.lessons.predictions import Row
from ddlab.html_file import document, section
from ddlab.lessons.answers import Visitor
from ddlab.lessons.facts import FACTS, unit_of_fact
from ddlab.lessons.known import RecordedFacts
from ddlab.lessons.lesson import Lesson
from ddlab.lessons.outcome import SAID, Outcome, flat_evidence
from ddlab.lessons.placeholders import filled
from ddlab.lessons.played import Done, Guess, Trained, played
from ddlab.lessons.units import SIGNS, Unit, unit_of, written
from ddlab.registry.strategies import STRATEGIES

TITLE = "Your answer beside what happened"


def rows_of(outcome: Outcome) -> list[Row]:
    """Return the bars of an outcome as figures take them; the option that was chosen says so."""
    rows: list[Row] = []
    for bar in outcome.bars:
        mine = bool(outcome.chosen) and bar.label == outcome.chosen and bar.kind in ("right", "beside")
        label, kind = (f"{bar.label} · your answer", "you") if mine else (bar.label, bar.kind)
        value = 100 * bar.value if outcome.unit == "points" else bar.value
        rows.append((label, value, kind, written(bar.value, outcome.unit)))
    return rows


def axis_of(text: str) -> str:
    """Return the title of the axis of an expression: what its only fact is, else its unit."""
    kind = text.partition(".")[0]
    if text.strip().replace(".", "").replace("_", "").isalnum() and kind in FACTS:
        return FACTS[kind].title
    words: dict[Unit, str] = {"count": "number", "times": "times", "share": "share"}
    unit = unit_of(text, unit_of_fact)
    return words.get(unit, SIGNS.get(unit, unit))


def said(outcome: Outcome, kind: str, given: object) -> str:
    """Say what was answered and what happened, in a sentence; of a place how far off it is."""
    if kind == "point":
        if outcome.verdict == "none":
            return "The evidence is outlined."
        hit = "That is in the evidence." if outcome.truth == 0 else f"The evidence is {_pixels(outcome.truth)} away."
        return hit
    if kind == "choice":
        best = next((bar for bar in outcome.bars if bar.kind == "right"), None)
        told = f"It is {best.label}, with {written(best.value, outcome.unit)}." if best else ""
        return f"You said {outcome.chosen}. {told}" if outcome.chosen and outcome.verdict != "right" else told
    happened = f"It is {written(outcome.truth, outcome.unit)}."
    if outcome.verdict == "none" or not isinstance(given, int | float):
        return happened
    return f"You said {written(float(given), outcome.unit)}. {happened}"


def _pixels(off: float) -> str:
    return "1 pixel" if round(off) == 1 else f"{off:.0f} pixels"


def as_html(lesson: Lesson, visitor: Visitor, recorded: RecordedFacts) -> str:
    """Write what one visitor did in a lesson as one HTML file that needs nothing else.

    Raises
    ------
    ValueError
        If a run that the lesson names is not there, or does not tell what is asked of it.
    """
    everything = played(lesson, visitor, recorded)
    guesses = [done.what for done in everything if isinstance(done.what, Guess) and done.what.outcome is not None]
    right = sum(guess.outcome is not None and guess.outcome.verdict == "right" for guess in guesses)
    sections = "".join(_section(lesson, done, recorded) for done in everything if done.what.answers)
    day = time.strftime("%Y-%m-%d")
    sources = f"<p><small>{escape(lesson.front.sources)}</small></p>" if lesson.front.sources else ""
    return document(
        lesson.front.title,
        f"<p>{escape(lesson.front.summary)}</p><p><small>{day} · {right} of {len(guesses)} predictions right · "
        f"ddlab</small></p>{sections or '<p>Nothing was answered yet.</p>'}{sources}",
    )


def _section(lesson: Lesson, done: Done, recorded: RecordedFacts) -> str:
    inside = _guess(lesson, done.what, recorded) if isinstance(done.what, Guess) else _trained(done, done.what)
    return section(done.step, inside)


def _guess(lesson: Lesson, guess: Guess, recorded: RecordedFacts) -> str:
    asked, outcome = guess.asked, guess.outcome
    facts = recorded[asked.run or lesson.front.first]
    question = f"<p><b>{escape(filled(asked.ask, facts))}</b></p>"
    if outcome is None:
        return f"{question}<p>You have not finished answering.</p>"
    given = guess.answers[-1].value
    if asked.point is not None:
        image, mask = facts.numbers.data.validation.image(asked.point)[0], facts.numbers.mask(asked.point)
        figure = drawn_place(image, TITLE, given, flat_evidence(mask))
    else:
        figure = drawn_bars(rows_of(outcome), TITLE)
    return (
        f'{question}<p><b class="{outcome.verdict}">{SAID[outcome.verdict]}</b> '
        f"{escape(said(outcome, asked.kind, given))} {escape(filled(asked.why, facts))}</p>{figure}"
    )


def _trained(done: Done, made: Trained) -> str:
    chosen = made.answers[-1].chosen
    settings = "".join(
        f"<tr><td>{escape(path)}</td><td>{escape(str(value))}</td></tr>" for path, value in chosen.items()
    )
    parts = [f"<p><b>Your own training</b>, recipe {escape(made.trial.recipe)}.</p><table>{settings}</table>"]
    if made.run is None:
        return parts[0] + "<p>Its run was deleted.</p>"
    parts.append(
        f"<p>Run {escape(made.run.id)}: {made.run.state().state}. The same from the command line: "
        f"<code>{escape(made.run.command)}</code></p>"
    )
    accuracies = made.run.summary()["accuracies"]
    if accuracies:
        parts.append(drawn_bars(_accuracies(accuracies), "Validation accuracy of your run"))
    for told in done.checks:
        word = told.check.then if told.holds else told.check.otherwise
        numbers = ", ".join(f"{name} = {value}" for name, value in told.numbers)
        parts.append(f"<p>{'✓' if told.holds else '✗'} {escape(word)} <small>({escape(numbers)})</small></p>")
    return "".join(parts)


def _accuracies(accuracies: dict[str, float]) -> Sequence[Row]:
    return [
        (STRATEGIES[name].title if name in STRATEGIES else name, value, "asked", written(value, "share"))
        for name, value in accuracies.items()
    ]
