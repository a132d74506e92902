"""Python's own parser, where several threads may be at it: numpy reads the heads of its files with it, too."""

from collections.abc import Callable
from typing import TypeVar

TRIES = 20
_Read = TypeVar("_Read")


def undisturbed(read: Callable[[], _Read]) -> _Read:
    """Return what ``read`` returns, which may parse Python; called again where another thread disturbed it.

    CPython 3.11 counts how deep it parses once for all threads, and takes a switch between them for an error
    (python/cpython#106905): a page that many visit at once could then not read its images.

    Raises
    ------
    SystemError
        If it is so twenty times in a row.

    Examples
    --------
    >>> undisturbed(lambda: compile("1 + 1", "", "eval").co_name)
    '<module>'
    """
    for _ in range(TRIES - 1):
        try:
            return read()
        except SystemError:
            continue
    return read()
