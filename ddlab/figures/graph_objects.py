"""Plotly's figures and traces without its validation, which costs twenty times what drawing costs.

The modules of figures import this one in the place of ``plotly.graph_objects``. Plotly checks every key of every trace
and layout, and looks each up in tables of thousands; a page with eight figures spent a third of a second on it, at each
click. What our figures hold is checked by the tests of the pages instead (``tests/pages/conftest.py``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import plotly.graph_objects
from _plotly_utils.utils import convert_to_base64
from plotly import subplots
from plotly.basedatatypes import BaseFigure as BaseFigure
from plotly.basedatatypes import BaseTraceType
from plotly.graph_objects import Layout as Layout

COLUMNS = (pd.Series, pd.Index, pd.DataFrame)


def _with_arrays(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with arrays in the place of a table's columns, as plotly's validation would leave them."""
    return {name: _array(value) for name, value in settings.items()}


def _array(value: Any) -> Any:
    if isinstance(value, dict):
        return _with_arrays(value)
    return value.to_numpy() if isinstance(value, COLUMNS) else value


class _Unchecked:
    """A trace that takes what it is given."""

    def __init__(self, **settings: Any) -> None:
        arrays = _with_arrays(settings)
        super().__init__(**arrays, _validate=False)  # type: ignore[call-arg]  # plotly's own, which comes next


class Bar(_Unchecked, plotly.graph_objects.Bar):
    """As plotly's."""


class Contour(_Unchecked, plotly.graph_objects.Contour):
    """As plotly's."""


class Heatmap(_Unchecked, plotly.graph_objects.Heatmap):
    """As plotly's."""


class Image(_Unchecked, plotly.graph_objects.Image):
    """As plotly's."""


class Scatter(_Unchecked, plotly.graph_objects.Scatter):
    """As plotly's."""


class Scattergl(_Unchecked, plotly.graph_objects.Scattergl):
    """As plotly's."""


class Figure(plotly.graph_objects.Figure):
    """A figure that takes what it is given; otherwise plotly's own."""

    def __init__(self, data: Any = None, layout: Any = None, **settings: Any) -> None:
        super().__init__(data, layout, **settings | {"_validate": False})
        self._data_validator = _AnyTraces()

    def to_dict(self) -> dict[str, Any]:
        """As plotly's, which copies all numbers first."""
        tree: dict[str, Any] = _copied({"data": self._data, "layout": self._layout})
        convert_to_base64(tree)
        return tree

    @contextmanager
    def batch_update(self) -> Iterator[None]:
        """Change at once: plotly gathers changes for a widget in a notebook, which takes longer than making them."""
        yield

    def add_scatter(self, row: Any = None, col: Any = None, **settings: Any) -> "Figure":
        """As plotly's."""
        return self.add_trace(Scatter(**settings), row, col)

    def add_bar(self, row: Any = None, col: Any = None, **settings: Any) -> "Figure":
        """As plotly's."""
        return self.add_trace(Bar(**settings), row, col)

    def add_heatmap(self, row: Any = None, col: Any = None, **settings: Any) -> "Figure":
        """As plotly's."""
        return self.add_trace(Heatmap(**settings), row, col)

    def update_xaxes(self, *arguments: Any, **settings: Any) -> "Figure":
        """As plotly's; a title may be plain text."""
        return super().update_xaxes(*arguments, **titled(settings))

    def update_yaxes(self, *arguments: Any, **settings: Any) -> "Figure":
        """As plotly's; a title may be plain text."""
        return super().update_yaxes(*arguments, **titled(settings))


class Drawn(BaseFigure):
    """A figure that will not change any more: the tree of names and values that becomes its JSON."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self._tree = tree

    def to_dict(self) -> dict[str, Any]:
        """The tree."""
        return self._tree


class _AnyTraces:
    """In the place of plotly's check of the traces that are added to a figure."""

    def validate_coerce(self, traces: list[BaseTraceType], **settings: Any) -> list[BaseTraceType]:
        """The traces; a copy of one that stands in a figure already."""
        return [trace if trace.parent is None else _again(trace) for trace in traces]

    def present(self, traces: list[BaseTraceType]) -> tuple[BaseTraceType, ...]:
        """The traces, as a figure shows them."""
        return tuple(traces)


def _again(trace: BaseTraceType) -> BaseTraceType:
    return type(trace)(**{name: value for name, value in trace.to_plotly_json().items() if name != "type"})


def _copied(tree: Any) -> Any:
    """The tree of dicts and lists anew, with the same numbers; columns of a table as arrays."""
    if isinstance(tree, dict):
        return {name: _copied(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple | range):
        return [_copied(value) for value in tree]
    return _array(tree)


def relaid(figure: Figure, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Figure:
    """Return a figure with a changed layout; its rows and columns of panels can still be named.

    The traces move there: the figure that was given is not to be used any more.
    """
    panels = {"_grid_ref": figure._grid_ref, "_grid_str": figure._grid_str}
    laid = Figure(panels | {"layout": change(figure.layout.to_plotly_json())})
    laid._data, laid._data_objs, laid._data_defaults = figure._data, figure._data_objs, figure._data_defaults
    for trace in laid._data_objs:
        trace._parent = laid
    return laid


def make_subplots(*arguments: Any, **settings: Any) -> Figure:
    """As plotly's, for the traces of this module."""
    return subplots.make_subplots(*arguments, figure=Figure(), **settings)


def titled(settings: Any) -> Any:
    """Layout settings in which every title is the tree that plotly's JavaScript wants."""
    if not isinstance(settings, dict):
        return settings
    tree = {name: titled(value) for name, value in settings.items()}
    return tree | {"title": {"text": tree["title"]}} if isinstance(tree.get("title"), str) else tree


def merged(tree: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a tree with another laid over it; lists are taken whole."""
    both = {name: merged(tree[name], value) for name, value in change.items() if _are_trees(tree.get(name), value)}
    return tree | change | both


def _are_trees(first: Any, second: Any) -> bool:
    return isinstance(first, dict) and isinstance(second, dict)
