"""Registries that other packages add to: a literal dict of ours, and what is installed beside us.

A package adds an entry by an entry point: the group says to which registry, the name is the entry's, and the object is
an :class:`~ddlab.registry.Entry` (of a strategy a ``StrategyEntry``), or a recipe's function. In its
``pyproject.toml``::

    [project.entry-points."ddlab.models"]
    my_network = "my_package.entries:MY_NETWORK"

The module of the entry is imported to list what there is, by pages too, so it should import nothing large: an entry's
target is text, and may.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from ddlab.registry import Entry, shortened

Member = TypeVar("Member")
NAME = r"[a-z][a-z0-9_]{0,39}"  # of an entry: it becomes a folder's name and a choice of the command line


class LeftOut(UserWarning):
    """An entry point that adds nothing, and why."""


class Registry(Mapping[str, Member], Generic[Member]):
    """Entries by name: ours first, in their order, then those of other packages, by name.

    Others are looked for when a name is asked for that is not ours, or all names are; once a process. What cannot be
    used is left out, with one warning each: see :attr:`left_out`.

    Parameters
    ----------
    group
        Of the entry points, such as ``ddlab.models``.
    own
        Our entries; their names win.
    kind
        What the object of an entry point must be.
    reserved
        Further names that no entry may have.

    Examples
    --------
    >>> from ddlab.registry.models import MODELS
    >>> MODELS["vgg9"].title
    'VGG9'
    """

    def __init__(self, group: str, own: dict[str, Member], kind: type[Any], reserved: tuple[str, ...] = ()) -> None:
        self.group = group
        self.own = own
        self.kind = kind
        self.reserved = reserved

    def __getitem__(self, name: str) -> Member:
        return self.own[name] if name in self.own else self.added[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from self.added

    def __len__(self) -> int:
        return len(self.own) + len(self.added)

    def __repr__(self) -> str:
        return f"Registry({self.group!r}, {', '.join(self)})"

    @property
    def added(self) -> dict[str, Member]:
        """Entries of other packages, by name."""
        return self._found[0]

    @property
    def left_out(self) -> tuple[str, ...]:
        """The entry points that cannot be used: a sentence each, with the name, the package and the reason."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[dict[str, Member], tuple[str, ...]]:
        added: dict[str, Member] = {}
        faults: list[str] = []
        for point in sorted(entry_points(group=self.group), key=lambda point: (point.name, point.value)):
            try:
                added[point.name] = self._read(point, added)
            except Exception as error:  # whatever a package of others does when it is imported: we go on without it
                faults.append(f"{self.group}: {shortened(point.name)}{_package(point)} is left out: {_reason(error)}")
        for fault in faults:
            warnings.warn(fault, LeftOut, stacklevel=2)
        return added, tuple(faults)

    def _read(self, point: EntryPoint, added: Mapping[str, Member]) -> Member:
        """Load what an entry point names; raise a ValueError where it is no entry, or its name or a field cannot be."""
        if point.name in self.own or point.name in self.reserved:
            raise ValueError("ddlab itself has that name")
        if point.name in added:
            raise ValueError("another package has that name")
        if not re.fullmatch(NAME, point.name):
            raise ValueError("a name has small letters, digits and _, begins with a letter, and is at most 40 long")
        found: Member = point.load()
        if not isinstance(found, self.kind):
            raise ValueError(f"{point.value} is of type {type(found).__name__}, needs {self.kind.__name__}")
        if isinstance(found, Entry):
            found.check()
        return found


def _package(point: EntryPoint) -> str:
    package = point.dist
    return f" of {package.name} {package.version}" if package is not None else ""


def _reason(error: Exception) -> str:
    told = " ".join(str(error).split()) or "no reason is given"
    return told if isinstance(error, ValueError) else f"{type(error).__name__}: {told}"
