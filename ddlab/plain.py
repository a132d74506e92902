"""Plain values as people write them: what JSON can say, in YAML's notation, and nothing else that YAML can do.

Whatever a user types is read here: ``--set`` of the command line, the lists of the form, files of experiments.
"""

import math
from collections.abc import Iterator
from typing import Any

import yaml

from ddlab.registry import MOST_SHOWN, shortened

LONGEST = 100_000  # characters; the largest experiment that ddlab writes has 3,000
DEEPEST = 16  # lists and mappings inside each other; an experiment has 5
LARGEST = 2**63  # of numbers: what seeds and counts are held in

_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}


class _Loader(yaml.SafeLoader):
    """YAML in which dates, ``=`` and ``<<`` are text like any other."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read an integer; one without digits, or with separators of thousands, is refused as unreadable."""
        try:
            return super().construct_yaml_int(node)
        except ValueError:
            raise yaml.constructor.ConstructorError(None, None, "not an integer", node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)

_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _PLAIN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_plain(text: str) -> Any:
    """The value that a text says: None, a bool, a finite number, text, or lists and mappings of them by name.

    Raises
    ------
    ValueError
        If it is too long or too deep, cannot be read, or says something else; a sentence without a subject, so that the
        caller can put the field or the file before it.
    """
    if len(text) > LONGEST:
        raise ValueError(f"is too long: at most {LONGEST:,} characters are allowed")
    try:
        _check(yaml.parse(text, _Loader))
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"cannot be read ({_reason(error)}); lists are written [1, 2]") from None
    _check_value(value)
    return value


def _check(events: Iterator[Any]) -> None:
    """Refuse what has no place in a plain value, before anything is built of it."""
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"is too deep: at most {DEEPEST} lists and mappings inside each other are allowed")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise ValueError(f"has an anchor or alias, {shortened(event.anchor)}, which is not read; write the value")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise ValueError(f"has a tag, {shortened(event.tag)}, which is not read; write the value alone")


def _reason(error: yaml.YAMLError) -> str:
    """Say on one line what is wrong with a text, and where."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it has characters that are not allowed"
    mark = error.problem_mark
    return f"{(error.problem or 'not YAML')[:MOST_SHOWN]} in line {mark.line + 1}, column {mark.column + 1}"


def _check_value(value: Any) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise ValueError(f"has a setting without a name: {shortened(key)}")
            _check_value(part)
    elif isinstance(value, list):
        for part in value:
            _check_value(part)
    elif isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("has text that cannot be written: half of a character")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"has a number that is not finite: {value}")
    elif isinstance(value, int) and abs(value) >= LARGEST:
        raise ValueError("has a number that is too large: its size must be below 2⁶³")
