"""Numbers and comparisons that a lesson asks of a run: ``accuracy.average - accuracy.majority > 0.1``."""

import ast
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ddlab.parsed import undisturbed

LONGEST = 500  # characters
LARGEST = 1e15  # of a number
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_WORD, _MARK = re.compile(r"(?<!\w)[A-Za-z_]\w*"), "_"  # so that ``global`` is a name like any other
RULE = "needs numbers, names of facts such as accuracy.average, + - * / and brackets, and one of > >= < <= to compare"


@dataclass(frozen=True)
class Condition:
    """An expression over the facts of a run.

    Parameters
    ----------
    text
        As the lesson has it.
    tree
        What it was read as.

    Examples
    --------
    >>> Condition.parse("2 * accuracy.average > 1").value({"accuracy.average": 0.75}.__getitem__)
    True
    """

    text: str
    tree: ast.expr

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read an expression; nothing in it is ever run as Python.

        Raises
        ------
        ValueError
            If it is something else than numbers, facts, arithmetic and one comparison.
        """
        if len(text) > LONGEST:
            raise ValueError(f"needs at most {LONGEST} characters, got {len(text)}")
        try:
            tree = undisturbed(lambda: ast.parse(_WORD.sub(f"{_MARK}\\g<0>", text.strip()), mode="eval")).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"{RULE}; got {text!r}") from None
        parts = [tree.left, *tree.comparators] if isinstance(tree, ast.Compare) else [tree]
        if isinstance(tree, ast.Compare) and (len(tree.ops) > 1 or type(tree.ops[0]) not in _COMPARISONS):
            raise ValueError(f"{RULE}; got {text!r}")
        for part in parts:
            for _ in _facts(part, text):
                pass
        return cls(text, tree)

    @property
    def compares(self) -> bool:
        """Whether it is true or false, rather than a number."""
        return isinstance(self.tree, ast.Compare)

    @property
    def facts(self) -> list[str]:
        """Names of the facts in it, each once, in order."""
        parts = [self.tree.left, *self.tree.comparators] if isinstance(self.tree, ast.Compare) else [self.tree]
        return list(dict.fromkeys(name for part in parts for name in _facts(part, self.text)))

    def value(self, fact: Callable[[str], float]) -> float | bool:
        """Compute it from facts by their names; a division by zero gives NaN, which no comparison holds for."""
        if isinstance(self.tree, ast.Compare):
            left, right = (_number(part, fact) for part in (self.tree.left, self.tree.comparators[0]))
            return _COMPARISONS[type(self.tree.ops[0])](left, right)
        return _number(self.tree, fact)


def _facts(part: ast.expr, text: str) -> Iterator[str]:
    """Yield the names of facts below a part of an expression; refuse what has no place there."""
    if isinstance(part, ast.Constant) and _is_number(part.value):
        return
    if isinstance(part, ast.Name | ast.Attribute):
        yield dotted(part, text)
    elif isinstance(part, ast.BinOp) and type(part.op) in _ARITHMETIC:
        yield from _facts(part.left, text)
        yield from _facts(part.right, text)
    elif isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub):
        yield from _facts(part.operand, text)
    else:
        raise ValueError(f"{RULE}; got {text!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def dotted(part: ast.expr, text: str = "") -> str:
    """Return the name of a fact as it is written; refuse anything else, which stands in ``text``."""
    if isinstance(part, ast.Name):
        return part.id.removeprefix(_MARK)
    if isinstance(part, ast.Attribute):
        return f"{dotted(part.value, text)}.{part.attr.removeprefix(_MARK)}"
    raise ValueError(f"{RULE}; got {text!r}")


def _number(part: Any, fact: Callable[[str], float]) -> float:
    if isinstance(part, ast.Constant):
        return float(part.value) if isinstance(part.value, int | float) else float("nan")
    if isinstance(part, ast.UnaryOp):
        return -_number(part.operand, fact)
    if isinstance(part, ast.BinOp):
        try:
            return _ARITHMETIC[type(part.op)](_number(part.left, fact), _number(part.right, fact))
        except ZeroDivisionError:
            return float("nan")
    return fact(dotted(part))
