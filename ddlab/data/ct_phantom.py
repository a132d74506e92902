"""Drawn CT scans of chests, with and without lesions whose place is known."""

import numpy as np

from ddlab.data.chest import chest_grid, draw_chest, make_chest
from ddlab.data.drawn_scans import DrawnScans
from ddlab.data.solids import Grid
from ddlab.data.volumes import CT_WINDOW, LUNG_CT_SHAPE


class CtPhantom(DrawnScans):
    """Chests in Hounsfield units, half of them with one to four lesions of ground glass; masks show the lesions.

    Notes
    -----
    A healthy lung has about -850 HU and ground glass -560 to -300, which voxels at the border of a lung or of a vessel
    have, too: no single voxel gives the class, and hardly the mean of a volume. All lesions of a chest lie in one lung,
    so that at least half of the subdomains of a 2×2×1 grid see a healthy body, but for what crosses the middle.
    """

    classes = ("normal", "lesions")
    shape = LUNG_CT_SHAPE
    counts = (140, 60)  # as in Klawonn, Lanser and Weber's table
    window = CT_WINDOW
    unit = "HU"

    def grid(self, shape: tuple[int, ...]) -> Grid:
        """Voxels over the box around a chest."""
        return chest_grid(shape)

    def draw(self, rng: np.random.Generator, is_ill: bool, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Draw a chest, and the mask of its lesions."""
        return draw_chest(make_chest(rng, is_ill), grid, rng)
