"""Units of numbers that are made of facts, and how such numbers are written."""

import ast
from collections.abc import Callable
from typing import Literal

from ddlab.lessons.conditions import Condition, dotted
from ddlab.words import duration
from ddlab.written import NO_BREAK, percent, points, si

Unit = Literal["share", "points", "times", "count", "s", "byte"]
SIGNS: dict[Unit, str] = {"share": "%", "points": "percentage points", "times": "times", "s": "s", "byte": "B"}


def unit_of(text: str, unit_of_fact: Callable[[str], Unit]) -> Unit:
    """Return the unit of an expression.

    A difference of shares is in percentage points, a ratio of one unit is a number of times, and where units differ it
    is one, too.

    Parameters
    ----------
    unit_of_fact
        Gives that of a fact by its name.
    """
    return _unit(Condition.parse(text).tree, unit_of_fact) or "times"


def _unit(part: ast.expr, unit_of_fact: Callable[[str], Unit]) -> Unit | None:
    """Return the unit of a part of an expression; None for a number that is written."""
    if isinstance(part, ast.Constant):
        return None
    if isinstance(part, ast.UnaryOp):
        return _unit(part.operand, unit_of_fact)
    if isinstance(part, ast.BinOp):
        return _combined(part.op, _unit(part.left, unit_of_fact), _unit(part.right, unit_of_fact))
    return unit_of_fact(dotted(part))


def _combined(operation: ast.operator, left: Unit | None, right: Unit | None) -> Unit | None:
    if isinstance(operation, ast.Div):
        return left if right is None else "times"
    if left is None or right is None:
        if isinstance(operation, ast.Sub) and right == "share":
            return "share"  # what is left of a whole
        return left or right
    if left != right or isinstance(operation, ast.Mult):
        return "times"
    return "points" if isinstance(operation, ast.Sub) and left == "share" else left


def written(value: float, unit: Unit) -> str:
    """Write a number with its unit, as sentences have it; differences of shares without their sign."""
    if unit == "share":
        return percent(value)
    if unit == "points":
        return points(value)
    if unit == "s":
        return duration(value) if value >= 10 else f"{value:.2g}{NO_BREAK}s"
    if unit == "byte":
        return si(value, "B")
    if unit == "count":
        return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    return f"{value:.2g}" if abs(value) < 10 else f"{value:,.0f}"
