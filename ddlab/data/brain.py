"""Drawn heads in T1-weighted magnetic resonance: fat is bright, white matter brighter than grey, fluid dark.

A head is drawn on any grid of voxels from the same few shapes, which are known in millimetres; positions and depths are
those of :mod:`ddlab.data.solids`. An atrophy shrinks a hippocampus in its place: fluid fills what it leaves, and the
horn of the ventricle beside it widens. The rest of the head is drawn alike in both classes, and varies by more than the
loss: size, pose, brightness, the ventricles' bodies and the width of the furrows.

Shapes: H, W, D voxels along the three axes, F waves.
"""

from dataclasses import dataclass

import numpy as np

from ddlab.data.solids import Grid, ellipsoid_depth, filled, paint, stretched

EXTENT = (192.0, 160.0, 152.0)  # of the box that is drawn
AIR, SKULL, SCALP, MUSCLE, FLUID, GREY, WHITE = 0.0, 90.0, 780.0, 420.0, 190.0, 540.0, 820.0
DEEP_GREY = 610.0
SHELLS = (11.0, 6.0)  # thickness of skull and scalp together, and of the skull
INSIDE, INSIDE_AT = (84.0, 66.0, 66.0), (0.0, 0.0, -2.0)  # of the skull
BASE = (46.0, 0.35)  # of the skull: how far below the middle, and its slope towards the back
CEREBRUM, CEREBRUM_AT = (79.0, 61.0, 57.0), (0.0, 0.0, 4.0)
TEMPORAL, TEMPORAL_AT = (46.0, 24.5, 23.0), (-6.0, 36.0, -26.0)  # lobes: the right one, as all below; mirrored
CEREBELLUM, CEREBELLUM_AT = (29.0, 45.0, 21.0), (44.0, 0.0, -41.0)
CALLOSUM, CALLOSUM_AT = (44.0, 20.0), (0.0, 8.0)  # in (y, z): where the halves hang together
THALAMUS, THALAMUS_AT = (17.0, 9.0, 10.0), (8.0, 12.0, 2.0)
STRIATUM, STRIATUM_AT = (20.0, 6.0, 11.0), (-14.0, 25.0, 6.0)
BODY, BODY_AT = (34.0, 5.5, 7.5), (-8.0, 9.0, 19.0)  # of a lateral ventricle, in front
TRIGONE, TRIGONE_AT = (20.0, 6.0, 8.0), (30.0, 16.0, 10.0)  # and behind
HIPPOCAMPUS, HIPPOCAMPUS_AT = (28.0, 12.5, 13.0), (4.0, 30.0, -21.0)
HORN, HORN_AT = (24.0, 3.2, 7.0), (4.0, 43.0, -19.0)  # the ventricle's, beside it
WAVE = 21.0  # millimetres from one fold to the next
NUM_WAVES = 10
SIZES, TURN, SHIFT = (0.95, 1.05), 0.07, 3.0  # how heads differ (rad, mm)
GAINS, BIAS = (0.85, 1.12), 0.16  # brightness of a scan, and how it varies within one (in logarithms)
VENTRICLES, FURROWS = (0.7, 1.9), (2.0, 9.0)  # widths of the ventricles' bodies, and depth of the furrows (mm)
CORTEX, NUCLEI = (4.0, 8.0), (0.7, 1.25)  # millimetres of grey matter, on average, and sizes of that in the depth
HIPPOCAMPI, PLACES = (0.93, 1.07), 1.5  # sizes of healthy ones, and where they lie (mm)
LEFT, WIDER = (0.45, 0.65), (2.2, 3.2)  # of an ill one's width and height; of its horn's
NOISE = 28.0


@dataclass(frozen=True)
class Brain:
    """The properties in which one head differs from another.

    Parameters
    ----------
    turn
        Matrix ``(3, 3)`` that takes the scanner's positions to the head's own, sizes included.
    shift
        Where its middle lies ``(3,)``.
    folds
        Wave vectors and phases ``(F, 4)`` of the cortex.
    furrows, cortex
        How deep its furrows are, and how thick their grey matter is, in millimetres.
    nuclei
        Size of the grey matter in the depth.
    ventricles
        Widths of the left and the right one.
    hippocampi, places
        Sizes of the left and the right one, and where they lie beside their usual places ``(2, 3)``.
    left, wider
        What an atrophy leaves of the width of either hippocampus, and by how much the horn beside it widens; 1 where
        it is healthy.
    bias, gain
        Smooth variation of the brightness, in logarithms on a coarse grid ``(3, 3, 3)``, and its factor.
    """

    turn: np.ndarray
    shift: np.ndarray
    folds: np.ndarray
    furrows: float
    cortex: float
    nuclei: float
    ventricles: np.ndarray
    hippocampi: np.ndarray
    places: np.ndarray
    left: np.ndarray
    wider: np.ndarray
    bias: np.ndarray
    gain: float

    def own(self, grid: Grid) -> np.ndarray:
        """Positions of all voxels ``(3, H, W, D)`` in the head's own axes, in which it is upright and of usual size."""
        sides = [axis - np.float32(middle) for axis, middle in zip((grid.y, grid.x, grid.z), self.shift, strict=True)]
        rows = self.turn.astype(np.float32)
        return np.stack([row[0] * sides[0] + row[1] * sides[1] + row[2] * sides[2] for row in rows])


def brain_grid(shape: tuple[int, ...]) -> Grid:
    """Voxels over the box in which heads are drawn."""
    return Grid(shape, EXTENT)


def make_brain(rng: np.random.Generator, is_ill: bool) -> Brain:
    """Draw what makes a head: the same one, whether it is ill or not, but for one or both hippocampi."""
    sides = [(True, False), (False, True), (True, True)][rng.integers(3)]
    ill = np.array(sides) & is_ill
    left, wider = rng.uniform(*LEFT, 2), rng.uniform(*WIDER, 2)
    directions = rng.normal(size=(NUM_WAVES, 3))
    directions *= 2 * np.pi / WAVE / np.linalg.norm(directions, axis=1, keepdims=True)
    return Brain(
        turn=np.diag(1 / rng.uniform(*SIZES, 3)) @ _rotation(rng.uniform(-TURN, TURN, 3)),
        shift=rng.uniform(-SHIFT, SHIFT, 3),
        folds=np.column_stack([directions, rng.uniform(0, 2 * np.pi, NUM_WAVES)]),
        furrows=float(rng.uniform(*FURROWS)),
        cortex=float(rng.uniform(*CORTEX)),
        nuclei=float(rng.uniform(*NUCLEI)),
        ventricles=rng.uniform(*VENTRICLES) * rng.uniform(0.9, 1.1, 2),
        hippocampi=rng.uniform(*HIPPOCAMPI, 2),
        places=rng.uniform(-PLACES, PLACES, (2, 3)),
        left=np.where(ill, left, 1.0),
        wider=np.where(ill, wider, 1.0),
        bias=rng.uniform(-BIAS, BIAS, (3, 3, 3)),
        gain=float(rng.uniform(*GAINS)),
    )


def draw_brain(brain: Brain, grid: Grid, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a head on a grid, with noise.

    Returns
    -------
    voxels, mask : numpy.ndarray
        Signal ``(H, W, D)`` as float32, and bytes: 1 in every voxel in which tissue is lost, those of the healthy
        hippocampus and of the widened horn.
    """
    own, blur = brain.own(grid), float(np.mean(grid.spacing))
    voxels = np.full(grid.shape, AIR, np.float32)
    _paint_shells(voxels, own, blur)
    _paint_hindbrain(voxels, own, blur)
    _paint_cerebrum(voxels, own, brain, blur)
    mask = _paint_hippocampi(voxels, own, brain, grid)
    voxels *= brain.gain * np.exp(stretched(brain.bias, grid.shape))
    noise = NOISE * rng.standard_normal((2, *grid.shape), np.float32)
    return np.hypot(voxels + noise[0], noise[1]), mask  # of magnitudes: Rician


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Turn about the three axes, one after the other."""
    turn = np.eye(3)
    for (first, second), angle in zip(((1, 2), (0, 2), (0, 1)), angles, strict=True):
        one = np.eye(3)
        one[first, first] = one[second, second] = np.cos(angle)
        one[first, second], one[second, first] = -np.sin(angle), np.sin(angle)
        turn = one @ turn
    return turn


def _depth(own: np.ndarray, radii: tuple[float, ...], middle: tuple[float, ...]) -> np.ndarray:
    """Depth in an ellipsoid, to first order at its border, so that its ends are as sharp as its sides."""
    scaled = [(axis - np.float32(at)) / np.float32(radius) for axis, at, radius in zip(own, middle, radii, strict=True)]
    out = np.sqrt(sum(np.square(along) for along in scaled))
    slope = np.sqrt(sum(np.square(along / np.float32(radius)) for along, radius in zip(scaled, radii, strict=True)))
    depth: np.ndarray = (1 - out) * np.divide(out, slope, out=np.full_like(out, min(radii)), where=slope > 1e-6)
    return depth


def _mirrored(own: np.ndarray) -> np.ndarray:
    """Positions with the left half laid upon the right one."""
    return np.stack([own[0], np.abs(own[1]), own[2]])


def _paint_shells(voxels: np.ndarray, own: np.ndarray, blur: float) -> None:
    """Scalp, skull, the soft tissue below its base, and fluid all over its inside."""
    whole, above = _depth(own, INSIDE, INSIDE_AT), own[2] + np.float32(BASE[0]) + np.float32(BASE[1]) * own[0]
    lowest = np.maximum(_depth(_mirrored(own), TEMPORAL, TEMPORAL_AT), _depth(own, CEREBELLUM, CEREBELLUM_AT)) + 4
    inside = np.minimum(whole, np.maximum(above, lowest))
    paint(voxels, filled(whole + SHELLS[0], blur), SCALP)
    paint(voxels, filled(whole + SHELLS[1], blur), MUSCLE)
    paint(voxels, filled(np.minimum(whole + SHELLS[1], inside + SHELLS[1]), blur), SKULL)
    paint(voxels, filled(inside, blur), FLUID)


def _paint_hindbrain(voxels: np.ndarray, own: np.ndarray, blur: float) -> None:
    """Cerebellum, with its leaves, and brain stem."""
    depth = _depth(own, CEREBELLUM, CEREBELLUM_AT)
    leaves = np.float32(2.5) * np.cos((own[2] - own[0] / 2) * np.float32(2 * np.pi / 12))
    paint(voxels, filled(depth, blur), GREY)
    paint(voxels, filled(depth - 8 + leaves, blur), WHITE)
    stem = np.minimum(12 - np.hypot(own[0] - 7 + own[2] / 6, own[1]), -own[2] - 6)
    paint(voxels, filled(stem, blur), WHITE - 60)


def _paint_cerebrum(voxels: np.ndarray, own: np.ndarray, brain: Brain, blur: float) -> None:
    """Folded cortex around white matter, grey matter in its depth, and the ventricles' bodies."""
    half = _mirrored(own)
    lobes = np.maximum(
        np.minimum(_depth(half, CEREBRUM, CEREBRUM_AT), own[2] + 30), _depth(half, TEMPORAL, TEMPORAL_AT)
    )
    callosum = ellipsoid_depth((own[0] - CALLOSUM_AT[0], own[2] - CALLOSUM_AT[1]), CALLOSUM)
    depth = np.minimum(lobes, np.maximum(half[1] - np.float32(1.5), callosum))
    angles = np.tensordot(brain.folds[:, :3].astype(np.float32), own, axes=1)
    angles += brain.folds[:, 3, None, None, None].astype(np.float32)
    folds = np.cos(angles).sum(0) * np.float32(np.sqrt(2 / NUM_WAVES))
    surface = depth - np.float32(brain.furrows) * np.maximum(folds - np.float32(0.3), 0)
    paint(voxels, filled(surface, blur), GREY)
    paint(voxels, filled(np.minimum(depth - np.float32(brain.cortex) - 4 * folds, surface - 3), blur), WHITE)
    for radii, middle in ((THALAMUS, THALAMUS_AT), (STRIATUM, STRIATUM_AT)):
        size = tuple(radius * brain.nuclei for radius in radii)
        paint(voxels, filled(_depth(half, size, middle), blur), DEEP_GREY)
    paint(voxels, filled(_depth(own, (13.0, 2.0, 10.0), (6.0, 0.0, 0.0)), blur), FLUID)  # the third ventricle
    for number, side in enumerate((-1, 1)):
        for radii, (y, x, z) in ((BODY, BODY_AT), (TRIGONE, TRIGONE_AT)):
            wide = (radii[0], *(radius * float(brain.ventricles[number]) for radius in radii[1:]))
            paint(voxels, filled(_depth(own, wide, (y, side * x, z)), blur), FLUID)


def _paint_hippocampi(voxels: np.ndarray, own: np.ndarray, brain: Brain, grid: Grid) -> np.ndarray:
    """Paint both hippocampi and the horns beside them; return where tissue is lost, bytes ``(H, W, D)``.

    That is every voxel in which some is; what marks it is at least as large as a voxel, so that any grid has one.
    """
    blur, mask = float(np.mean(grid.spacing)), np.zeros(grid.shape, np.uint8)
    for number, side in enumerate((-1, 1)):
        y, x, z = (at + move for at, move in zip(HIPPOCAMPUS_AT, brain.places[number], strict=True))
        whole = tuple(radius * float(brain.hippocampi[number]) for radius in HIPPOCAMPUS)
        wider = float(brain.wider[number])
        horn = (HORN[0] * (0.9 + 0.1 * wider), HORN[1] * wider, HORN[2] * wider)
        rest = float(brain.left[number])
        left = (whole[0] * (0.9 + 0.1 * rest), whole[1] * rest, whole[2] * rest)
        beside = (HORN_AT[0], side * HORN_AT[1], HORN_AT[2])
        lost = np.maximum(_depth(own, whole, (y, side * x, z)), _depth(own, horn, beside))
        paint(voxels, filled(_depth(own, horn, beside), blur), FLUID)
        if rest < 1:
            paint(voxels, filled(lost, blur), FLUID)
            least = tuple(max(radius, 0.9 * step) for radius, step in zip(whole, grid.spacing, strict=True))
            mask |= (filled(lost, blur) > 0) | (_depth(own, least, (y, side * x, z)) > 0)
        paint(voxels, filled(_depth(own, left, (y, side * x, z)), blur), DEEP_GREY)
    return mask
