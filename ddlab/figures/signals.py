"""Signals of one axis as pictures, so that all that is drawn of images is drawn of them: time runs to the right.

Shapes: C channels, T samples, H rows of the picture.
"""

import numpy as np

from ddlab.decomposition import Decomposition, Subdomain

LEAST_ROWS = 32
PER_SAMPLE = 3 / 4  # rows a sample: a picture that fits beside another one
GROUND, MIDDLE = 248, 214  # grey of the ground, and of the line that half of the largest value is at
INKS = ((16, 52, 96), (166, 54, 0), (0, 96, 66))  # of the channels


def rows_of(samples: int) -> int:
    """Rows of the picture of a signal."""
    return max(LEAST_ROWS, round(PER_SAMPLE * samples))


def drawn(signal: np.ndarray) -> np.ndarray:
    """The line of a signal of bytes ``(C, T)`` as a picture ``(3, H, T)``, a column a sample, large values above."""
    rows = rows_of(signal.shape[1])
    picture = np.full((3, rows, signal.shape[1]), GROUND, dtype=np.uint8)
    picture[:, rows // 2] = MIDDLE
    heights = np.arange(rows)[:, None]
    for number, values in enumerate(signal):
        at = np.round((rows - 1) * (1 - values.astype(float) / 255))
        before = np.concatenate([at[:1], at[:-1]])  # a column reaches from the sample before to its own
        line = (heights >= np.minimum(at, before)) & (heights <= np.maximum(at, before))
        picture[:, line] = np.array(INKS[number % len(INKS)], dtype=np.uint8)[:, None]
    return picture


def flat(decomposition: Decomposition) -> Decomposition:
    """Subdomains of a signal as those of its picture: over all rows, side by side."""
    (samples,) = decomposition.shape
    rows = rows_of(samples)
    boxes = tuple(Subdomain((0, *box.start), (rows, *box.stop)) for box in decomposition)
    return Decomposition((rows, samples), boxes, (1, *decomposition.grid) if decomposition.grid else None)


def flat_mask(mask: np.ndarray) -> np.ndarray:
    """The evidence ``(T,)`` of a signal as that of its picture, ``(H, T)``."""
    return np.broadcast_to(mask, (rows_of(len(mask)), len(mask)))
