"""The same figures as SVG, for a file that is read without a network: text in the colour of what is around it."""

from collections.abc import Sequence
from html import escape

import numpy as np

from ddlab.figures.colors import EVIDENCE
from ddlab.figures.images import image_source, outline_path
from ddlab.figures.lessons.predictions import COLORS, YOU, Row

WIDTH, ROW, LABELS, NUMBERS = 640, 30, 230, 90  # pixels
SIDE = 320  # of a picture


def drawn_bars(rows: Sequence[Row], title: str) -> str:
    """Draw rows as bars with their numbers behind them; negative ones begin on the right of their room."""
    low, high = min(0.0, *(value for _, value, _, _ in rows)), max(0.0, *(value for _, value, _, _ in rows))
    room, reach = WIDTH - LABELS - NUMBERS, (high - low) or 1.0
    parts = []
    for place, (label, value, kind, written) in enumerate(rows):
        top, left = place * ROW, LABELS + room * (min(value, 0.0) - low) / reach
        length = max(1.0, room * abs(value) / reach)
        parts.append(
            f'<text x="{LABELS - 10}" y="{top + 20}" text-anchor="end">{escape(_short(label))}</text>'
            f'<rect x="{left:.1f}" y="{top + 5}" width="{length:.1f}" height="{ROW - 10}" fill="{COLORS[kind]}"/>'
            f'<text x="{left + length + 8:.1f}" y="{top + 20}">{escape(written)}</text>'
        )
    return _svg("".join(parts), WIDTH, ROW * len(rows), title)


def drawn_place(image: np.ndarray, title: str, place: Sequence[int] | None, mask: np.ndarray | None) -> str:
    """Draw an image with its evidence outlined, and the place that was chosen, if one was."""
    height, width = image.shape[1:3]
    parts = [
        f'<image href="{image_source(image)}" width="{width}" height="{height}" style="image-rendering:pixelated"/>'
    ]
    if mask is not None:
        parts.append(
            f'<path d="{outline_path(mask)}" fill="none" stroke="{EVIDENCE}" stroke-width="{width / 90:.2f}"/>'
        )
    if place is not None:
        x, y, size = place[1] + 0.5, place[0] + 0.5, max(height, width) / 32
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{size:.2f}" fill="none" stroke="#000" stroke-width="{size / 2:.2f}"/>'
            f'<circle cx="{x}" cy="{y}" r="{size:.2f}" fill="none" stroke="{YOU}" stroke-width="{size / 4:.2f}"/>'
        )
    return _svg("".join(parts), width, height, title, SIDE)


def _svg(drawing: str, width: float, height: float, title: str, shown: int = WIDTH) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title, quote=True)}" style="max-width:{shown}px;width:100%" fill="currentColor" '
        f'font-family="inherit" font-size="14">{drawing}</svg>'
    )


def _short(text: str, most: int = 34) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
