"""Choices that are held: what a lesson's view or a shared link has settled, whatever the address asks for.

:func:`pages.ui.selection.pick` asks here first, so that nothing that a page draws goes round it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, NoReturn, TypeVar

import streamlit as st

from pages.ui.literal import literal

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Frame:
    """Settled choices while a part of a page is drawn.

    Parameters
    ----------
    values
        The texts that the address would hold, by name; of what is free, those to begin with.
    seen
        Names of those whose controls are drawn, disabled; of all others nothing is drawn.
    free
        Names that alone can be chosen: whatever else can be is held at what it is at first. None: all that ``values``
        does not settle.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()
    free: frozenset[str] | None = None

    def inside(self, around: "Frame") -> "Frame":
        """Return this frame within another one, which wins."""
        both = [free for free in (self.free, around.free) if free is not None]
        free = frozenset.intersection(*both) if both else None
        return Frame({**self.values, **around.values}, self.seen | around.seen, free)


_FREE = Frame()
_FRAME: ContextVar[Frame] = ContextVar("frame", default=_FREE)


@contextmanager
def hold(frame: Frame) -> Iterator[None]:
    """Settle choices for what is drawn inside; what is held around it stays so."""
    token = _FRAME.set(frame.inside(_FRAME.get()))
    try:
        yield
    finally:
        _FRAME.reset(token)


def value(name: str) -> str | None:
    """Return the text that a choice is held at, or begins with; None where it is free, or is what it is at first."""
    return _FRAME.get().values.get(name)


def is_held(name: str) -> bool:
    """Whether a choice is settled."""
    frame = _FRAME.get()
    return name in frame.values if frame.free is None else name not in frame.free


def is_seen(name: str) -> bool:
    """Whether the control of a choice that is held is drawn."""
    return name in _FRAME.get().seen


class Halted(Exception):
    """A part of a page has said why it has nothing more to show; what stands beside it goes on."""


def stop() -> NoReturn:
    """End what is drawn: the page, or, of a part of it that stands alone, this part."""
    if _FRAME.get().free is not None:
        raise Halted
    st.stop()


def heading(text: str, **settings: Any) -> None:
    """Draw a heading above choices; nothing where these are held, but for a few."""
    if _FRAME.get().free is None:
        st.header(text, **settings)


def note(text: str) -> None:
    """Draw a caption below a choice; nothing where it may be held."""
    if _FRAME.get().free is None:
        st.caption(text)


def show(
    label: str, options: Sequence[Choice], name: str, default: object = None, text: Callable[..., str | None] = str
) -> Choice:
    """Return the option that a choice is held at, with its control, disabled, where it is to be seen.

    Where another choice leaves no such option, the page says so and ends: showing another one would lift what is held.

    Parameters
    ----------
    default
        What is taken where nothing is said of the choice but that it is held; the first one if that is no option.
    text
        How an option is called for people.
    """
    asked = value(name)
    st.session_state.pop(f"{name} wanted", None)  # a click on a chart, which changes nothing here
    found = next((option for option in options if str(option) == asked), None)
    if found is None:
        if asked is not None:
            st.warning(f"{label} is held at “{literal(asked)}”, which the other choices leave out. Change them back.")
            st.stop()
        found = next((option for option in options if option == default), options[0])
    show_text(label, name, text(found) or str(found))
    return found


def show_text(label: str, name: str, text: str) -> None:
    """Draw what a choice is held at, where it is to be seen."""
    if is_seen(name):
        st.text_input(label, text, disabled=True, key=f"{name} held {text}", icon=":material/lock:")


def fragment(function: Callable[..., Any] | None = None, *, run_every: float | None = None) -> Callable[..., Any]:
    """Make a part of a page that is drawn alone after a click in it, as ``st.fragment``, with what is held around it.

    Streamlit calls such a part again without what called it at first, so it has to remember.
    """
    if function is None:
        return partial(fragment, run_every=run_every)

    @wraps(function)
    def framed(*arguments: Any, **named: Any) -> Any:
        frame = _FRAME.get()

        @wraps(function)
        def inside(*arguments: Any, **named: Any) -> Any:
            with hold(frame), suppress(Halted):
                return function(*arguments, **named)

        return st.fragment(inside, run_every=run_every)(*arguments, **named)

    return framed
