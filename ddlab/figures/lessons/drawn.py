"""The figures of lessons as SVG, for the file that a student takes home."""

from collections.abc import Sequence

import numpy as np

from ddlab.figures import drawn
from ddlab.figures.colors import EVIDENCE
from ddlab.figures.images import image_source, outline_path
from ddlab.figures.lessons.predictions import COLORS, YOU, Row

SIDE = 320  # pixels of a picture


def drawn_bars(rows: Sequence[Row], title: str) -> str:
    """Draw rows as bars with their numbers behind them."""
    bars = [drawn.Bar(label, value, written, COLORS[kind]) for label, value, kind, written in rows]
    return drawn.drawn_bars(bars, title)


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
    return drawn.svg("".join(parts), width, height, title, SIDE)
