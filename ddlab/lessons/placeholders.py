"""Facts in the text of a lesson: ``{fact:accuracy.average}`` becomes the number, written with its unit."""

import re
from collections.abc import Callable

from ddlab.lessons.facts import Facts, unit_of_fact
from ddlab.lessons.units import unit_of, written

_PLACE = re.compile(r"\{fact:([^{}]*)\}")


def facts_in(text: str) -> list[tuple[int, str]]:
    """Return the expressions in a text, each with the number of its line from 0."""
    return [(text.count("\n", 0, found.start()), found[1].strip()) for found in _PLACE.finditer(text)]


def filled(text: str, facts: Facts) -> str:
    """Return a text with its facts, each written with its unit; raises as :class:`Facts` does."""
    return filled_by(text, lambda expression: told(expression, facts))


def filled_by(text: str, tell: Callable[[str], str]) -> str:
    """Return a text in which ``tell`` has written what stands in every place."""
    return _PLACE.sub(lambda found: tell(found[1].strip()), text)


def told(expression: str, facts: Facts) -> str:
    """Write an expression over facts with its unit."""
    return written(float(facts.of(expression)), unit_of(expression, unit_of_fact))
