"""Drawn chests as a computed tomograph sees them, in Hounsfield units (HU): air is -1000, water 0.

A chest is drawn on any grid of voxels from the same few shapes, which are known in millimetres. Positions are ``(y, x,
z)`` from the middle of the scanner: y towards the back, x towards the right, z towards the head. A border between two
tissues is about one voxel wide, as partial volumes make it. Depths are millimetres from the border inwards.

Shapes: H, W, D voxels along the three axes, T tubes, P points.
"""

from dataclasses import dataclass, replace

import numpy as np

from ddlab.data.solids import Grid, ellipsoid_depth, filled, paint, stretched

EXTENT = (352.0, 352.0, 320.0)  # of the box that is drawn
AIR, FAT, MUSCLE, BLOOD, BONE = -1000.0, -90.0, 40.0, 30.0, 560.0
BODY = (112.0, 158.0)  # semi-axes in plane
LUNGS, LUNGS_AT = (82.0, 56.0, 150.0), (2.0, 74.0, 5.0)  # the right one; the left one mirrors it
HEART, HEART_AT = (46.0, 54.0, 62.0), (-28.0, -24.0, -55.0)
DOME = (-105.0, 45.0, 48.0)  # of the diaphragm: z of its rim, height, width
RIBS = (24.0, 5.0, 34.0)  # depth below the skin, half of the thickness, distance between two
NOISE = 20.0  # HU, standard deviation
SIZES, TURN, SHIFT, LUNG_VALUES = (0.94, 1.04), 0.08, 6.0, (-880.0, -820.0)  # how chests differ (rad, mm, HU)
DEEP = 10.0  # at least, of the middle of a lesion in its lung
LESION_RADII, LESION_VALUES = (30.0, 50.0), (-560.0, -300.0)
NUM_LESIONS = (0.25, 0.25, 0.25, 0.25)  # probabilities of 1, 2, 3 and 4


def chest_grid(shape: tuple[int, ...]) -> Grid:
    """Voxels over the box in which chests are drawn."""
    return Grid(shape, EXTENT)


@dataclass(frozen=True)
class Lesion:
    """An ellipsoid of ground glass: its middle and its semi-axes (mm), and its HU."""

    center: np.ndarray
    radii: np.ndarray
    value: float


@dataclass(frozen=True)
class Chest:
    """The properties in which one chest differs from another.

    Parameters
    ----------
    size, turn, shift
        Factors ``(3,)`` on the body's extents, its angle in plane (radians), and where it lies ``(3,)``.
    lung_value
        HU of its healthy lungs.
    clouds
        Smooth variation of the tissue, within ±1 on a coarse grid ``(5, 5, 5)``.
    vessels
        Tubes ``(T, 7)``: beginning, end and radius.
    """

    size: np.ndarray
    turn: float
    shift: np.ndarray
    lung_value: float
    clouds: np.ndarray
    vessels: np.ndarray
    lesions: tuple[Lesion, ...] = ()

    def own(self, y: np.ndarray, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions in the chest's own axes, in which it is upright and of the size that the constants say."""
        y, x, z = y - np.float32(self.shift[0]), x - np.float32(self.shift[1]), z - np.float32(self.shift[2])
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        factors = self.size.astype(np.float32)
        return (cos * y - sin * x) / factors[0], (sin * y + cos * x) / factors[1], z / factors[2]

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Map points ``(..., 3)`` of the chest's own axes to the scanner's."""
        y, x, z = np.moveaxis(points * self.size, -1, 0)
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        placed: np.ndarray = np.stack([cos * y + sin * x, cos * x - sin * y, z], axis=-1) + self.shift
        return placed


def make_chest(rng: np.random.Generator, is_ill: bool) -> Chest:
    """Draw what makes a chest: the same one, whether it is ill or not, but for its lesions."""
    chest = Chest(
        size=rng.uniform(*SIZES, 3),
        turn=float(rng.uniform(-TURN, TURN)),
        shift=rng.uniform(-SHIFT, SHIFT, 3),
        lung_value=float(rng.uniform(*LUNG_VALUES)),
        clouds=rng.uniform(-1, 1, (5, 5, 5)),
        vessels=np.concatenate([_branches(rng, side) for side in (-1, 1)]),
    )
    count = 1 + rng.choice(len(NUM_LESIONS), p=NUM_LESIONS) if is_ill else 0
    side = int(rng.choice((-1, 1)))  # the lung that is ill: the other one looks healthy
    return replace(chest, lesions=tuple(_lesion(rng, chest, side) for _ in range(count)))


def draw_chest(chest: Chest, grid: Grid, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a chest on a grid, with noise.

    Returns
    -------
    voxels, mask : numpy.ndarray
        HU ``(H, W, D)`` as float32, and bytes: 1 in the voxels of lesions.
    """
    y, x, z = chest.own(grid.y, grid.x, grid.z)
    blur = grid.spacing[0]
    clouds = stretched(chest.clouds, grid.shape)
    below_skin = ellipsoid_depth((y, x), BODY)
    lung = filled(_lung_depth(y, x, z), blur)
    lung_tissue, mask = _lung_tissue(chest, grid, clouds + y * np.float32(0.008))  # in the back there is more blood
    voxels = np.full(grid.shape, AIR, np.float32)
    paint(voxels, filled(below_skin, blur), FAT)
    paint(voxels, filled(below_skin - 12, blur), MUSCLE + 12 * clouds)
    paint(voxels, filled(RIBS[1] - np.abs(below_skin - RIBS[0]), blur) * _rib_share(y, z, grid), BONE)
    paint(voxels, lung, lung_tissue)
    paint(voxels, lung * _tube_share(chest.placed(chest.vessels[:, :6].reshape(-1, 2, 3)), chest, grid), BLOOD)
    paint(voxels, filled(18 - np.hypot(y - 78, x), blur), BONE)  # the spine
    paint(voxels, filled(9 - np.hypot(y - 8, x), blur) * filled(z - 20, grid.spacing[2]), AIR)  # the windpipe
    voxels += NOISE * rng.standard_normal(grid.shape, np.float32)
    return voxels, mask * (lung > 0.5)


def _lung_depth(y: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Depth in the nearer lung: an ellipsoid but for the heart and what the diaphragm lifts."""
    side = np.abs(x) - np.float32(LUNGS_AT[1])
    from_heart = tuple(along - np.float32(middle) for along, middle in zip((y, x, z), HEART_AT, strict=True))
    rim, height, width = map(np.float32, DOME)
    dome = rim + height * np.exp(-(np.square(y) + np.square(side)) / np.square(width))
    depth = ellipsoid_depth((y - np.float32(LUNGS_AT[0]), side, z - np.float32(LUNGS_AT[2])), LUNGS)
    nearer: np.ndarray = np.minimum(np.minimum(depth, -ellipsoid_depth(from_heart, HEART)), z - dome)
    return nearer


def _rib_share(y: np.ndarray, z: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the share of rib along the shell that the ribs lie in: bands that slope down towards the front."""
    wave = np.cos((z + y / 2) * np.float32(2 * np.pi / RIBS[2])) * np.float32(np.sinc(grid.spacing[2] / RIBS[2]))
    share: np.ndarray = np.clip(np.float32(0.3) + wave, 0, 1)
    return share


def _branches(rng: np.random.Generator, side: int) -> np.ndarray:
    """Vessels of one lung ``(T, 7)`` in the chest's own axes: four trunks that fork three times."""
    starts = np.array([[0.0, 26.0 * side, 5.0]]).repeat(4, axis=0)
    toward = np.array([[-0.7, side, 0.5], [0.7, side, 0.6], [0.6, side, -0.8], [0.1, 0.6 * side, 1.2]])
    radius, length = 5.5, 46.0
    tubes = []
    for _ in range(4):
        toward = toward + rng.normal(0, 0.35, toward.shape)
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        ends = starts + toward * length * rng.uniform(0.7, 1.2, (len(starts), 1))
        tubes.append(np.column_stack([starts, ends, np.full(len(starts), radius)]))
        apart = rng.normal(0, 0.75, toward.shape)
        starts, toward = np.concatenate([ends, ends]), np.concatenate([toward + apart, toward - apart])
        radius, length = radius * 0.68, length * 0.72
    return np.concatenate(tubes)


def _tube_share(ends: np.ndarray, chest: Chest, grid: Grid) -> np.ndarray:
    """Share of every voxel that tubes with the given ends ``(T, 2, 3)`` fill: points spread evenly in them, counted."""
    voxel = float(np.prod(grid.spacing))
    grain = min(40.0, voxel / 16)  # mm³ a point
    radii = chest.vessels[:, 6]
    along = ends[:, 1] - ends[:, 0]
    counts = np.ceil(np.pi * radii**2 * np.linalg.norm(along, axis=1) / grain).astype(np.int64)
    tube = np.repeat(np.arange(len(ends)), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    across = np.cross(along, np.roll(along, 1, axis=1))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(along, across) / np.linalg.norm(along, axis=1, keepdims=True)
    angle = number * (np.pi * (3 - np.sqrt(5)))  # Vogel's spiral fills a disc evenly
    out = radii[tube] * np.sqrt(number * 0.7548776662 % 1)
    points = ends[tube, 0] + along[tube] * ((number + 0.5) / counts[tube])[:, None]
    points += across[tube] * (out * np.cos(angle))[:, None] + other[tube] * (out * np.sin(angle))[:, None]
    index = np.floor((points / EXTENT + 0.5) * grid.shape).astype(np.int64)
    index = index[((index >= 0) & (index < grid.shape)).all(axis=1)]
    filled = np.bincount(np.ravel_multi_index(tuple(index.T), grid.shape), minlength=int(np.prod(grid.shape)))
    share: np.ndarray = np.minimum(filled.reshape(grid.shape) * np.float32(grain / voxel), 1)
    return share


def _lesion(rng: np.random.Generator, chest: Chest, side: int) -> Lesion:
    """A lesion somewhere in a lung: the first of many random places that is deep enough."""
    places = rng.uniform(-1, 1, (256, 3)) * LUNGS + LUNGS_AT
    places[:, 1] *= side
    deep = _lung_depth(*places.T) >= DEEP
    return Lesion(
        center=chest.placed(places[np.argmax(deep)]),
        radii=rng.uniform(*LESION_RADII) * rng.uniform(0.8, 1.25, 3),
        value=float(rng.uniform(*LESION_VALUES)),
    )


def _lung_tissue(chest: Chest, grid: Grid, clouds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """HU of lungs as if all voxels were lung, and the mask of the lesions.

    A lesion is at least as large as a voxel, so that the middle of some voxel lies in it on every grid.
    """
    tissue = chest.lung_value + 25 * clouds
    mask = np.zeros(grid.shape, np.uint8)
    for lesion in chest.lesions:
        radii = np.maximum(lesion.radii, 0.9 * np.array(grid.spacing))
        sides = zip((grid.y, grid.x, grid.z), lesion.center, strict=True)
        depth = ellipsoid_depth(tuple(axis - np.float32(middle) for axis, middle in sides), tuple(radii))
        paint(tissue, filled(depth, max(grid.spacing[0], 6)), lesion.value + 40 * clouds)
        mask |= depth > 0
    return tissue, mask
