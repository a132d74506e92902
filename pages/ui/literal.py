"""Names from data and people, shown letter by letter: a class may be called ``![x](http://...)``, which is an image.

Almost all text of a page is Markdown: titles, captions, errors, the labels of widgets, tabs and expanders, and the
options of segmented controls, pills, radio buttons and select sliders. Those of select boxes, tables and code are not.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ddlab.figures import graph_objects as go

_MARKS = re.compile(
    r"([\\`*~$<\[\]|]"  # always: code, emphasis, formulas, tags, links, tables
    r"|&(?=[#\w])"  # where a word follows: entities
    r"|(?<![^\W_])_|_(?![^\W_])"  # where no word goes on: emphasis
    r"|^[-+=#>])"  # at the start: lists, headings, quotes
)
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")  # but for those that hold a number and its unit together
_NUMBERED = re.compile(r"^(\d+)([.)])(?= |$)")
_NAMED, _NAME = re.compile(r":(?=\S)"), re.compile(r"([:/])")  # :red, :smile:, :material/home:
_ADDRESS = re.compile(r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_JOINER = "\u2060"  # has no width; parts an address, so that Streamlit makes no link of it
_TAG = re.compile(r"<(?!/?(?:br|b|i|sub|sup|extra)>)")  # but for the tags that our figures use, without attributes


def literal(text: object) -> str:
    """Text as Markdown that shows it as it is, on one line."""
    line = _ADDRESS.sub(_JOINER, _SPACES.sub(" ", str(text)).strip(" "))
    line = _NUMBERED.sub(r"\1\\\2", _MARKS.sub(r"\\\1", line))
    return _NAME.sub(r"\\\1", line) if _NAMED.search(line) else line


def literal_lines(text: object) -> str:
    """Return several lines as :func:`literal` returns one."""
    return "  \n".join(literal(line) for line in str(text).splitlines())


def without_tags(figure: go.Figure) -> go.Figure:
    """A figure whose texts hold no tags but those of our figures: plotly would follow addresses in the others."""
    tree = figure.to_plotly_json()
    without = cleaned(tree)
    return figure if without is tree else go.Figure(without)


def cleaned(value: Any) -> Any:
    """The value, all of its texts without tags but those of our figures; itself where there is nothing to clean."""
    if isinstance(value, str):
        return _TAG.sub("&lt;", value) if "<" in value else value
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind not in "OU" else _all_cleaned(value.tolist(), value)
    if isinstance(value, Mapping):
        parts = {key: cleaned(part) for key, part in value.items()}
        return parts if any(parts[key] is not part for key, part in value.items()) else value
    return _all_cleaned(value, value) if isinstance(value, list | tuple) else value


def _all_cleaned(values: Any, otherwise: Any) -> Any:
    parts = [cleaned(value) for value in values]
    return parts if any(part is not value for part, value in zip(parts, values, strict=True)) else otherwise
