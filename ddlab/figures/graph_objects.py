"""Plotly's figures and traces without its validation, which costs twenty times what drawing costs.

The modules of figures import this one in the place of ``plotly.graph_objects``. Plotly checks every key of every trace
and layout, and looks each up in tables of thousands; a page with eight figures spent a third of a second on it, at each
click. What our figures hold is checked by the tests of the pages instead (``tests/pages/conftest.py``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import plotly.graph_objects
from plotly import subplots
from plotly.graph_objects import Layout as Layout


class _Unchecked:
    """A trace that takes what it is given."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, _validate=False)  # type: ignore[call-arg]  # plotly's own, which comes next


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


def relaid(figure: plotly.graph_objects.Figure, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Figure:
    """Return a figure with a changed layout; its rows and columns of panels can still be named."""
    panels = {"_grid_ref": figure._grid_ref, "_grid_str": figure._grid_str}
    return Figure(panels | {"data": figure.data, "layout": change(figure.layout.to_plotly_json())})


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
