"""One way to name a variant: a literal dict of entries, imported on first use.

Every family (data sets, models, strategies) is a dict of :class:`Entry` in a module of this package: below all that it
names, so that an experiment can be checked against it without circular imports. The target is written as text, so
that a page or the command line can list what there is without importing torch.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

MOST_SHOWN = 80  # characters of a given value that a message repeats


@dataclass(frozen=True)
class Entry:
    """One member of a family.

    Parameters
    ----------
    title
        What a person reads, in a form or a table.
    description
        One sentence, shown beside the choice.
    target
        ``"package.module:attribute"``, imported when it is first used.
    reference
        The paper, and where in it.
    """

    title: str
    description: str
    target: str
    reference: str = ""

    def load(self) -> Any:
        """Import the target and return it."""
        return load_target(self.target)

    def check(self) -> None:
        """Refuse what the entry says of itself where it cannot be so; a kind of entry that can tell overrides it.

        Raises
        ------
        ValueError
            Names the field, the rule, the value and the choices.
        """


def load_target(target: str) -> Any:
    """Import what ``"package.module:attribute"`` names."""
    module, attribute = target.split(":")
    return getattr(import_module(module), attribute)


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def shortened(value: Any, most: int = MOST_SHOWN) -> str:
    """Write a given value for a message: on one line, in quotes if it is text, and cut where it is long."""
    if isinstance(value, str):
        return repr(value) if len(value) <= most else f"{value[:most]!r}..."
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):  # numbers of thousands of digits, keys that are not text, depth
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= most else f"{text[:most]}..."


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that is spelled most like ``name``, or None when none is close."""
    matches = difflib.get_close_matches(name[:MOST_SHOWN], list(choices), n=1, cutoff=0.5)  # of long ones it takes long
    return matches[0] if matches else None


def unknown(field: str, name: object, choices: Iterable[str]) -> str:
    """Write the sentence for a name that is not among the choices: field, value, nearest name, all choices."""
    choices = list(map(str, choices))
    guess = nearest(name, choices) if isinstance(name, str) else None
    hint = f"did you mean {guess!r}? " if guess else ""
    return f"{field}: unknown {shortened(name)}; {hint}choices: {', '.join(choices)}"


def choose(registry: Mapping[str, AnyEntry], name: str, field: str) -> AnyEntry:
    """Look ``name`` up in ``registry``.

    Raises
    ------
    ValueError
        If there is no such entry; names the field, the value, the nearest name and all choices.
    """
    if name not in registry:
        raise ValueError(unknown(field, name, registry))
    return registry[name]
