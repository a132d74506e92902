"""Drawn MRI scans of heads, with and without an atrophy whose place is known."""

import numpy as np

from ddlab.data.brain import brain_grid, draw_brain, make_brain
from ddlab.data.drawn_scans import DrawnScans
from ddlab.data.solids import Grid


class MriPhantom(DrawnScans):
    """T1-weighted heads, half of them with a shrunken left, right or either hippocampus; masks show what is lost.

    Notes
    -----
    Brightness, size and pose of the heads, the thickness of their cortex and the widths of their furrows and other
    ventricles vary alike in both classes, and by more than the loss, which takes one or two percent of the volume: the
    mean of a volume, or the size of a head, does not give the class. The mask holds the healthy hippocampus's place and
    that of the widened horn of the ventricle beside it; of a healthy head nothing. The heads are drawn to be learned
    from within minutes and say nothing about real ones: a hippocampus has five times the volume that it has in anatomy,
    and an atrophy leaves a fifth to two fifths of it.
    """

    classes = ("healthy", "atrophy")
    shape = (40, 32, 32)
    counts = (400, 100)
    window = (0.0, 1200.0)
    unit = "a.u."

    def grid(self, shape: tuple[int, ...]) -> Grid:
        """Voxels over the box around a head."""
        return brain_grid(shape)

    def draw(self, rng: np.random.Generator, is_ill: bool, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Draw a head, and the mask of its atrophy."""
        return draw_brain(make_brain(rng, is_ill), grid, rng)
