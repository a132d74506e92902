"""Layouts: what a grid of cells can be turned into, in one, two or three dimensions. One more is one line here.

A layout is a function of the image's shape and the grid that gives boxes without overlap, some of which may leave the
image. All of them are then treated alike: a box grows by the overlap δ to both sides of every axis that the grid cuts,
and what leaves the image is clipped, or shifted inwards so that it keeps its size, as the experiment's ``border`` says.

Windows need no grid: they are the boxes of a paper, in proportion to the image, their overlap included.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

from ddlab.decomposition import Border, Decomposition, times, within
from ddlab.experiment import DecompositionSettings
from ddlab.registry import Entry, choose

Box = tuple[tuple[int, int], ...]  # start and stop along every axis
Axes = Sequence[tuple[int, int]]  # pixels and cells along every axis
GRID = "grid"
FREE = "boxes"  # the user's own boxes
FLAT = 2  # axes of the images that windows are of


def grid_cells(axes: Axes) -> Iterator[Box]:
    """Return the cells of the grid itself."""
    return product(*([(cell * (n // k), (cell + 1) * (n // k)) for cell in range(k)] for n, k in axes))


def shifted_cells(axes: Axes) -> Iterator[Box]:
    """The grid moved by half a cell along every axis that it cuts, and one cell more there to cover the image.

    Two cells of 16 px become 0..7, 8..23 and 24..31 where the border cells are clipped, and 0..15, 8..23 and 16..31
    where they are shifted inwards.

    Raises
    ------
    ValueError
        If no axis is cut, or cells of one pixel have no half.
    """
    if all(k == 1 for _, k in axes):
        raise ValueError("a grid of one cell has no inner border to move")
    if any(k > 1 and n // k < 2 for n, k in axes):
        raise ValueError("cells of 1 px have no half to move by")
    return product(*(_moved(n // k, k) for n, k in axes))


def _moved(cell: int, num_cells: int) -> list[tuple[int, int]]:
    half = cell // 2
    return [(k * cell - half, (k + 1) * cell - half) for k in range(num_cells + 1)] if num_cells > 1 else [(0, cell)]


def centre_cells(axes: Axes) -> Iterator[Box]:
    """The grid and, last, one more cell of the same size in the middle of the image.

    Raises
    ------
    ValueError
        If the grid has a cell there already.
    """
    if all(k % 2 for _, k in axes):
        raise ValueError("the grid has a cell in the middle already")
    yield from grid_cells(axes)
    yield tuple(((n - n // k) // 2, (n - n // k) // 2 + n // k) for n, k in axes)


LAYOUTS: dict[str, Entry] = {
    GRID: Entry("Grid", "The grid of the papers (type A).", "ddlab.layouts:grid_cells", "Klawonn, Lanser, Weber"),
    "shifted": Entry(
        "Shifted grid", "The grid moved by half a cell, with one cell more an axis.", "ddlab.layouts:shifted_cells"
    ),
    "centre": Entry(
        "Grid and centre", "The grid and one more cell in the middle of the image.", "ddlab.layouts:centre_cells"
    ),
}


# ---- windows


def eight_windows(shape: Sequence[int]) -> Iterator[Box]:
    """Cut three windows above, two in the middle, three below: 96 px wide at strides of 64 for images of 224×224 px.

    The paper shows a picture (Fig. 3.4) and operations that allow windows of 91 to 96 px; where they are is ours.
    """
    quarters = [Fraction(quarter, 4) for quarter in range(5)]
    rows, columns = ([_window(extent, Fraction(3, 7), at) for at in quarters] for extent in shape)
    edge, between = columns[::2], columns[1::2]
    for row, line in ((rows[0], edge), (rows[2], between), (rows[4], edge)):
        yield from ((row, column) for column in line)


def sixteen_windows(shape: Sequence[int]) -> Iterator[Box]:
    """Cut four rows of four windows inside a border: 70 px wide, the border 24 px, for images of 224×224 px."""
    starts = [Fraction(third, 3) for third in range(4)]
    return product(
        *([_window(extent, Fraction(5, 16), at, margin=Fraction(3, 28)) for at in starts] for extent in shape)
    )


def _window(extent: int, share: Fraction, at: Fraction, margin: Fraction = Fraction(0)) -> tuple[int, int]:
    """A window that takes this share of an axis, from its first place (0) inside the margins to its last one (1)."""
    size, cut_away = round(share * extent), round(margin * extent)
    start = cut_away + round(at * (extent - 2 * cut_away - size))
    return start, start + size


WINDOWS: dict[str, Entry] = {
    "eight": Entry(
        "Eight windows",
        "Three, two and three windows of 3/7 of the side, which overlap in the middle.",
        "ddlab.layouts:eight_windows",
        "Gu, Zhang, Liu, Cai, Fig. 3.4",
    ),
    "sixteen": Entry(
        "Sixteen windows",
        "4×4 windows of 5/16 of the side, which overlap and leave out the image's border.",
        "ddlab.layouts:sixteen_windows",
        "Gu, Zhang, Liu, Cai, Section 3.1.2",
    ),
}


def lay_out(
    layout: str, shape: Sequence[int], grid: Sequence[int], overlap: int = 0, border: Border = "clip"
) -> DecompositionSettings:
    """The settings of any layout; windows have no grid, overlap or border of ours.

    Raises
    ------
    ValueError
        As :func:`windows` and :func:`layout_settings`.
    """
    return windows(layout, shape) if layout in WINDOWS else layout_settings(layout, shape, grid, overlap, border)


def windows(name: str, shape: Sequence[int]) -> DecompositionSettings:
    """The settings of named windows for images of ``shape``.

    Raises
    ------
    ValueError
        If there are none of this name, or the images are not flat.
    """
    made = choose(WINDOWS, name, "layout").load()
    if len(shape) != FLAT:
        raise ValueError(f"{name}: needs images of two axes, got {times(shape)}")
    return DecompositionSettings(boxes=tuple(made(shape)))


# ---- settings


def boxes(
    layout: str, shape: Sequence[int], grid: Sequence[int], overlap: int = 0, border: Border = "clip"
) -> tuple[Box, ...]:
    """The boxes of a layout, their overlap included; those of ``"grid"`` are the subdomains of the tensor grid.

    Raises
    ------
    ValueError
        If the grid does not divide the image, the overlap does not fit its cells, or the layout makes no sense of it.
    """
    cells = choose(LAYOUTS, layout, "layout").load()
    Decomposition.from_grid(shape, grid, overlap, border)  # one rule for all layouts of a grid: which overlaps fit it
    axes = tuple(zip(shape, grid, strict=True))
    try:
        return tuple(
            tuple(
                within(start - overlap, stop + overlap, n, border) if k > 1 else (0, n)
                for (start, stop), (n, k) in zip(box, axes, strict=True)
            )
            for box in cells(axes)
        )
    except ValueError as error:
        raise ValueError(f"{layout} {times(grid)} of {times(shape)} px: {error}") from None


def layout_settings(
    layout: str, shape: Sequence[int], grid: Sequence[int], overlap: int = 0, border: Border = "clip"
) -> DecompositionSettings:
    """The settings of a layout: of a grid plainly that, else its boxes beside the grid and overlap they are made of.

    Raises
    ------
    ValueError
        As :func:`boxes`.
    """
    made = boxes(layout, shape, grid, overlap, border)
    free = None if layout == GRID else made
    return DecompositionSettings(grid=tuple(grid), overlap=overlap, border=border, boxes=free)


def layout_of(settings: DecompositionSettings) -> str:
    """Name the layout whose settings these are, windows included; ``"boxes"`` for the user's own.

    The image's shape is not asked for: every layout leaves as much before its first box as behind its last one.
    """
    if settings.boxes is None:
        return GRID
    axes = list(zip(*settings.boxes, strict=True))
    shape = [min(start for start, _ in axis) + max(stop for _, stop in axis) for axis in axes]
    for name in WINDOWS if len(shape) == FLAT else ():
        if settings.boxes == windows(name, shape).boxes:
            return name
    for name in LAYOUTS:
        try:
            if isinstance(settings.overlap, int) and settings == layout_settings(
                name, shape, settings.grid, settings.overlap, settings.border
            ):
                return name
        except ValueError:
            continue
    return FREE


def title(layout: str, grid: Sequence[int]) -> str:
    """A layout as people read it: ``2×2 shifted``, ``eight windows``."""
    if layout in WINDOWS:
        return f"{layout} windows"
    return FREE if layout == FREE else f"{times(grid)} {layout}"
