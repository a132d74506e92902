"""Figures as SVG inside an HTML file that is read without a network: text in the colour of what is around it.

Widths are in units of the drawing, which a page scales: as wide as a phone, they are its pixels.
"""

import base64
import io
import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from PIL import Image

from ddlab.figures.colors import OTHER, WHISKER
from ddlab.written import percent, si

WIDTH, FONT = 480, 13
ROW, BAR, NUMBERS = 42, 18, 72  # of a bar with its label above it, and the room for the number behind it
LEFT, RIGHT, TOP, HEIGHT = 46, 26, 10, 200  # around the lines of a chart, and the height that they have
LINE, TICKS = 18, 5  # of text; at most so many ticks


class Bar(NamedTuple):
    """A bar with its number as it is written, and the ends of its interval where it has one."""

    label: str
    value: float
    written: str
    color: str
    ends: tuple[float, float] | None = None


class Line(NamedTuple):
    """A line of a chart, or a point where there is one alone; values of y are shares of 1."""

    name: str
    color: str
    x: Sequence[float]
    y: Sequence[float]


class Level(NamedTuple):
    """A share that others are compared with, dotted across the figure, and its name."""

    name: str
    share: float


def svg(drawing: str, width: float, height: float, title: str, shown: int = WIDTH) -> str:
    """Wrap a drawing of so many units; ``title`` is read to who does not see it, and ``shown`` pixels is its width."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title, quote=True)}" style="max-width:{shown}px;width:100%" fill="currentColor" '
        f'font-family="inherit" font-size="{FONT}">{drawing}</svg>'
    )


def address_of(picture: Image.Image) -> str:
    """A picture as the address of a PNG, which a page or a file holds itself."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    """Write words at a place of a drawing."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def drawn_bars(bars: Sequence[Bar], title: str, most: float | None = None, level: Level | None = None) -> str:
    """Draw bars below their labels, with their numbers behind them; negative ones begin on the right of their room.

    Parameters
    ----------
    most
        Where a bar is as long as its room; None: the largest value.
    level
        To compare the bars with, named below them.
    """
    low, high = min(0.0, *(bar.value for bar in bars)), max(0.0, most or 0.0, *(bar.value for bar in bars))
    reach = (high - low) or 1.0

    def at(value: float) -> float:
        return (WIDTH - NUMBERS) * (value - low) / reach

    parts = []
    for place, bar in enumerate(bars):
        top, left = place * ROW + 20, at(min(bar.value, 0.0))
        length = max(1.0, at(max(bar.value, 0.0)) - left)
        parts.append(
            f"{text(0, top - 5, bar.label)}"
            f'<rect x="{left:.1f}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{bar.color}"/>'
        )
        reached = left + length
        if bar.ends is not None:
            (first, last), middle = map(at, bar.ends), top + BAR / 2
            whisker = f"M{first:.1f} {middle}H{last:.1f}M{first:.1f} {top + 4}v{BAR - 8}M{last:.1f} {top + 4}v{BAR - 8}"
            parts.append(_stroke(whisker, WHISKER, 2))
            reached = max(reached, last)
        parts.append(text(reached + 8, top + 14, bar.written))
    height = float(ROW * len(bars))
    if level is not None:
        parts.append(_stroke(f"M{at(level.share):.1f} 0V{height}", WHISKER, 2, dotted=True))
        parts.append(_named([(level.name, WHISKER, True)], height + 8))
        height += LINE + 8
    return svg("".join(parts), WIDTH, height, title)


def drawn_lines(lines: Sequence[Line], title: str, axes: tuple[str, str], level: Level | None = None) -> str:
    """Draw lines of shares over numbers from 0, with ticks, the titles of both axes, and every line's name below.

    Parameters
    ----------
    lines
        At least one, with a point each.
    axes
        Titles of the horizontal and of the vertical axis, with units.
    level
        To compare the lines with.
    """
    shares = [value for line in lines for value in line.y] + ([] if level is None else [level.share])
    rows = _ticks(min(shares), max(shares))
    columns = _ticks(0.0, max(value for line in lines for value in line.x))
    low, high, most = min(rows[0], *shares), max(rows[-1], *shares), max(columns[-1], *(max(line.x) for line in lines))
    width, bottom = WIDTH - LEFT - RIGHT, TOP + LINE + HEIGHT

    def across(value: float) -> float:
        return LEFT + width * value / (most or 1.0)

    def down(share: float) -> float:
        return bottom - HEIGHT * (share - low) / ((high - low) or 1.0)

    digits = max(0, -math.floor(math.log10(100 * (rows[1] - rows[0])) + 1e-9)) if len(rows) > 1 else 0
    parts = [text(0, TOP + 4, axes[1]), text(LEFT + width, bottom + 36, axes[0], "end")]
    parts += [_grid(LEFT, down(share), width) for share in rows]
    parts += [text(LEFT - 6, down(share) + 4, percent(share, digits), "end") for share in rows]
    parts += [text(across(value), bottom + 18, si(value), "middle") for value in columns]
    named = [(line.name, line.color, False) for line in lines]
    if level is not None:
        parts.append(_stroke(f"M{LEFT} {down(level.share):.1f}h{width}", WHISKER, 2, dotted=True))
        named.append((level.name, WHISKER, True))
    for line in lines:
        points = [f"{across(x):.1f} {down(y):.1f}" for x, y in zip(line.x, line.y, strict=True)]
        dot = f'<circle cx="{across(line.x[0]):.1f}" cy="{down(line.y[0]):.1f}" r="6" fill="{line.color}"/>'
        parts.append(dot if len(points) == 1 else _stroke("M" + "L".join(points), line.color, 2.5))
    parts.append(_named(named, bottom + 48))
    return svg("".join(parts), WIDTH, bottom + 48 + LINE * math.ceil(len(named) / 2), title)


def _ticks(low: float, high: float) -> list[float]:
    """Return at most ``TICKS`` round numbers that hold both ends; one where they are the same."""
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / (TICKS - 1)))
    for step in (1 * power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < TICKS:
            break
    return [number * step for number in range(first, last + 1)]


def _grid(left: float, y: float, width: float) -> str:
    return f'<path d="M{left} {y:.1f}h{width}" stroke="currentColor" stroke-opacity="0.15"/>'


def _stroke(path: str, color: str, width: float, *, dotted: bool = False) -> str:
    dashes = ' stroke-dasharray="2 4"' if dotted else ""
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"{dashes}/>'


def _named(names: Sequence[tuple[str, str, bool]], top: float) -> str:
    """Draw a legend in two columns: name, colour, and whether the line is dotted."""
    parts = []
    for place, (name, color, dotted) in enumerate(names):
        x, y = place % 2 * WIDTH / 2, top + LINE * (place // 2)
        parts += [_stroke(f"M{x} {y + 9}h18", color or OTHER, 3, dotted=dotted), text(x + 24, y + 13, name)]
    return "".join(parts)
