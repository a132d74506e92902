"""An image as local networks see it and what they say of it, as SVG for a file that is read without a network.

Shapes: N subdomains, K classes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from plotly.colors import sample_colorscale

from ddlab.decomposition import Subdomain
from ddlab.figures import drawn
from ddlab.figures.colors import EVIDENCE, PROBABILITY, SUBDOMAIN, ink
from ddlab.figures.images import CROWDED, image_source, outline_path, tile_layout
from ddlab.figures.maps.overlays import in_two_dimensions
from ddlab.figures.signals import drawn as line_of
from ddlab.figures.signals import flat
from ddlab.figures.volumes import Scene, axial

LONGEST = 22  # letters of a name
ABREAST, GAP, ABOVE_PICTURE = 3, 16, 28  # pictures a row, between them, and the room for a name
OVER_PIXELS = ' fill="#fff" stroke="#000" stroke-width="2" paint-order="stroke"'  # seen on any image
SMALLEST, LETTER = 9, 0.58  # of letters that are read, and the width of one as a share of its height
NARROW, WIDE_GAP = 4, 0.4  # columns up to which the usual gap has room for a label, and the gap of more
CLASSES, ROW, ABOVE, BEFORE = 12, 24, 66, 30  # columns at most; height of a row, room for names of classes and rows
NAMED = "#e76300"  # around what a local network names


def drawn_scene(scene: Scene, title: str) -> str:
    """Draw an image with its subdomains, their numbers and its evidence; of a volume the slice with most of that."""
    seen, _ = in_two_dimensions(scene, {})
    height, width = seen.decomposition.shape
    scale = drawn.WIDTH / width
    parts = [_picture(image_source(seen.image), 0, 0, (drawn.WIDTH, scale * height))]
    for number, box in enumerate(seen.decomposition, 1):
        parts += [_frame(box, scale, "#000", 4), _frame(box, scale, SUBDOMAIN, 2)]
        if len(scene.decomposition) <= CROWDED and len(seen.decomposition) == len(scene.decomposition):
            x, y = scale * box.start[1] + 6, scale * box.start[0] + 18
            parts.append(drawn.text(x, y, str(number), more=OVER_PIXELS))
    if seen.mask is not None and np.any(seen.mask):
        path = outline_path(seen.mask)
        parts.append(f'<path transform="scale({scale:.4f})" d="{path}" {_line(EVIDENCE, 3 / scale)}/>')
    return drawn.svg("".join(parts), drawn.WIDTH, scale * height, title)


def drawn_subimages(scene: Scene, labels: Sequence[str], colors: Sequence[str], title: str) -> str:
    """Draw every subimage in its place, framed in its colour, its label above it or, for want of room, its number.

    Parameters
    ----------
    labels, colors
        One of each a subdomain.
    """
    image, decomposition, mask = scene.image, scene.decomposition, scene.mask
    if len(decomposition.shape) == 1:
        image, decomposition, mask = line_of(image), flat(decomposition), None
    where = tile_layout(decomposition)
    if len({x for x, _ in where.corners}) > NARROW:
        where = tile_layout(decomposition, WIDE_GAP)
    scale = drawn.WIDTH / where.width
    narrowest = scale * min(box.shape[1] for box in decomposition)
    size = min(drawn.FONT, narrowest / (LETTER * max(map(len, labels))))
    if size < SMALLEST:
        size, labels = SMALLEST, [str(number) for number in range(1, len(labels) + 1)]
    parts = []
    for box, (x, y), label, color in zip(decomposition, where.corners, labels, colors, strict=True):
        part = axial(image[box.slices], None if mask is None else mask[box.slices])
        extent = (scale * box.shape[1], scale * box.shape[0])
        parts.append(_picture(image_source(part), scale * x, scale * y, extent))
        parts.append(
            f'<rect x="{scale * x:.1f}" y="{scale * y:.1f}" width="{extent[0]:.1f}" height="{extent[1]:.1f}" '
            f"{_line(color, 3)}/>"
        )
        parts.append(drawn.text(scale * x, scale * y - 5, label, more=f' font-size="{size:.1f}"'))
    return drawn.svg("".join(parts), drawn.WIDTH, scale * where.height + 4, title)


def drawn_probabilities(local_NK: np.ndarray, classes: Sequence[str], truth: int, title: str) -> str:
    """Draw the local probabilities, a row a subdomain; what each names is framed, the true class marked.

    Of more than ``CLASSES`` classes those are drawn that some network is surest of, and the true one.
    """
    most_K = local_NK.max(axis=0)
    most_K[truth] = np.inf
    shown = np.sort(np.argsort(-most_K, kind="stable")[:CLASSES])
    wide = (drawn.WIDTH - BEFORE - 30) / len(shown)  # the last name needs room on its right
    parts = []
    for column, index in enumerate(shown):
        name = f"▲ {classes[index]}" if index == truth else classes[index]
        turned = f' transform="rotate(-30 {BEFORE + (column + 0.4) * wide:.1f} {ABOVE - 6})"'
        parts.append(drawn.text(BEFORE + (column + 0.4) * wide, ABOVE - 6, name[:LONGEST], more=turned))
    colors = sample_colorscale(PROBABILITY, local_NK[:, shown].ravel().tolist(), colortype="tuple")
    for place, (color, value) in enumerate(zip(colors, local_NK[:, shown].ravel(), strict=True)):
        row, column = divmod(place, len(shown))
        left, top, fill = BEFORE + column * wide + 2, ABOVE + row * ROW + 2, _hexadecimal(color)
        frame = _line(NAMED, 3).replace('fill="none" ', "") if shown[column] == local_NK[row].argmax() else ""
        parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{wide - 4:.1f}" height="{ROW - 4}" fill="{fill}" {frame}/>'
        )
        written = f' fill="{ink(fill)}" font-size="11"'
        parts.append(drawn.text(left + wide / 2 - 2, top + 14, f"{value:.0%}", "middle", written))
    numbers = [drawn.text(BEFORE - 8, ABOVE + row * ROW + 17, str(row + 1), "end") for row in range(len(local_NK))]
    return drawn.svg("".join(parts + numbers), drawn.WIDTH, ABOVE + ROW * len(local_NK) + 4, title)


def drawn_pictures(pictures: Mapping[str, str], title: str) -> str:
    """Draw pictures of one size side by side, each below its name; values are addresses of pictures."""
    side = (drawn.WIDTH - GAP * (ABREAST - 1)) / ABREAST
    parts = []
    for place, (name, address) in enumerate(pictures.items()):
        x, y = place % ABREAST * (side + GAP), place // ABREAST * (side + ABOVE_PICTURE)
        parts.append(drawn.text(x, y + 16, name[:LONGEST]))
        parts.append(_picture(address, x, y + ABOVE_PICTURE - 6, (side, side)))
    return drawn.svg("".join(parts), drawn.WIDTH, -(-len(pictures) // ABREAST) * (side + ABOVE_PICTURE), title)


def _picture(address: str, x: float, y: float, extent: tuple[float, float]) -> str:
    width, height = extent
    return (
        f'<image href="{address}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        'style="image-rendering:pixelated"/>'
    )


def _frame(box: Subdomain, scale: float, color: str, width: float) -> str:
    (top, left), (bottom, right) = ((scale * value for value in ends) for ends in (box.start, box.stop))
    return (
        f'<rect x="{left + 1.5:.1f}" y="{top + 1.5:.1f}" width="{right - left - 3:.1f}" '
        f'height="{bottom - top - 3:.1f}" {_line(color, width)}/>'
    )


def _line(color: str, width: float) -> str:
    return f'fill="none" stroke="{color}" stroke-width="{width:.2g}"'


def _hexadecimal(color: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)
