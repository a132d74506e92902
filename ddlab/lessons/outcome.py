"""The outcome of a prediction: the answer beside what happened, and whether it was right, near or far."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ddlab.lessons.blocks import Prediction
from ddlab.lessons.facts import Facts, unit_of_fact
from ddlab.lessons.units import Unit, unit_of

Verdict = Literal["right", "near", "far", "none"]
NEAR = 3  # times as far as what counts as right
SAID: dict[Verdict, str] = {
    "right": "Right.",
    "near": "Near.",
    "far": "Far off.",
    "none": "You looked without a guess.",
}
ASKED = "what happened"


@dataclass(frozen=True)
class Bar:
    """A number that stands in the figure of a prediction.

    Parameters
    ----------
    kind
        ``you`` for the answer, ``asked`` for what happened, ``right`` for the right one of several, else ``beside``.
    """

    label: str
    value: float
    kind: Literal["you", "asked", "right", "beside"]


@dataclass(frozen=True)
class Outcome:
    """An answer and what happened.

    Parameters
    ----------
    answer
        What was answered, in words; empty where nothing was.
    truth
        What happened, as a number; of a place the number of pixels that it is off.
    bars
        What stands in the figure; nothing for a place.
    chosen
        Of several options the one that was chosen; empty for a number or a place.
    """

    verdict: Verdict
    answer: str
    truth: float
    unit: Unit
    bars: tuple[Bar, ...]
    chosen: str = ""


def outcome_of(asked: Prediction, answer: Any, facts: Facts) -> Outcome:
    """Compare an answer with what happened.

    Parameters
    ----------
    answer
        A number, the name of an option, or row and column of a place; None where somebody looked without a guess.

    Raises
    ------
    ValueError
        If a fact is not there, or the answer cannot be one.
    """
    answer = None if answer is None else read_answer(asked, answer)
    if asked.kind == "point":
        return _of_place(asked, answer, facts)
    return _of_choice(asked, answer, facts) if asked.choice else _of_number(asked, answer, facts)


def read_answer(asked: Prediction, given: Any) -> Any:
    """Check what a reader answered; an answer is a number, the name of an option, or row and column of a place.

    Raises
    ------
    ValueError
        If it cannot be an answer to this question.
    """
    if asked.kind == "number":
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            raise ValueError(f"{asked.name}: needs a number")
        return float(given)
    if asked.kind == "choice":
        if given not in asked.choice.values():
            raise ValueError(f"{asked.name}: needs one of {', '.join(asked.choice.values())}")
        return given
    place = list(given) if isinstance(given, list | tuple) else []
    if len(place) != 2 or not all(isinstance(pixel, int) and 0 <= pixel < 10_000 for pixel in place):
        raise ValueError(f"{asked.name}: needs the row and the column of a pixel")
    return place


def unit_asked(asked: Prediction) -> Unit:
    """Return the unit in which a number is asked for."""
    return unit_of(asked.number or next(iter(asked.choice), "0"), unit_of_fact)


def _of_number(asked: Prediction, answer: float | None, facts: Facts) -> Outcome:
    unit, truth = unit_asked(asked), float(facts.of(asked.number))
    off = None if answer is None else abs(answer - truth)
    you = () if answer is None else (Bar("you", answer, "you"),)
    beside = (Bar(label, float(facts.of(text)), "beside") for text, label in asked.beside.items())
    bars = (*you, Bar(ASKED, truth, "asked"), *beside)
    return Outcome(_verdict(off, asked.within), "" if answer is None else f"{answer:g}", truth, unit, bars)


def _of_choice(asked: Prediction, answer: str | None, facts: Facts) -> Outcome:
    values = {label: float(facts.of(text)) for text, label in asked.choice.items()}
    best = (min if asked.right == "lowest" else max)(values, key=values.__getitem__)
    off = None if answer is None else 0.0 if answer == best else abs(values[answer] - values[best])
    verdict = _verdict(off, asked.within)
    if verdict == "right" and answer != best:
        verdict = "near"
    bars = [Bar(label, value, "right" if label == best else "beside") for label, value in values.items()]
    bars += [Bar(label, float(facts.of(text)), "beside") for text, label in asked.beside.items()]
    return Outcome(verdict, answer or "", values[best], unit_asked(asked), tuple(bars), answer or "")


def _of_place(asked: Prediction, answer: list[int] | None, facts: Facts) -> Outcome:
    rows, columns = np.nonzero(flat_evidence(facts.numbers.mask(int(asked.point or 0))))
    if answer is None:
        return Outcome("none", "", float("nan"), "count", ())
    off = float(np.hypot(rows - answer[0], columns - answer[1]).min())
    return Outcome(_verdict(off, asked.within), f"row {answer[0]}, column {answer[1]}", off, "count", ())


def flat_evidence(mask: np.ndarray) -> np.ndarray:
    """Return the evidence as the picture that is pressed shows it: of a volume its middle axial slice."""
    return mask[..., mask.shape[-1] // 2] if mask.ndim == 3 else mask


def _verdict(off: float | None, within: float) -> Verdict:
    if off is None:
        return "none"
    return "right" if off <= within else "near" if off <= NEAR * within else "far"
