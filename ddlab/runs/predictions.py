"""The predictions of a stage: arrays of numbers in an npz file, read no further than they are that.

Shapes: M images of a split, N subdomains, K classes.
"""

from pathlib import Path

import numpy as np

from ddlab import files
from ddlab.parsed import undisturbed

NUMBERS = "biuf"
DECISIONS = "_decisions"
MOST_AXES = 3  # (M, N, K)


class Arrays(dict[str, np.ndarray]):
    """Arrays by name; asking for one that the file lacks is refused with a sentence."""

    def __missing__(self, name: str) -> np.ndarray:
        held = ", ".join(self) or "nothing"
        raise ValueError(f"the predictions hold no {name!r}, but {held}; delete the stage's folder and resume the run")


def read(path: Path) -> Arrays:
    """Read the arrays, after a look at the file's checksum.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is damaged, or holds anything but numbers for the images of a split; says what.
    """
    try:
        files.check_seal(path)
        found = undisturbed(lambda: _arrays(path))
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises whatever its first wrong byte leads to
        raise ValueError(str(error) or type(error).__name__) from None
    for name, array in found.items():
        _check(name, array)
    for split in ("train", "validation", "test"):
        counts = {len(array) for name, array in found.items() if name.split("_")[0] == split}
        if len(counts) > 1:
            raise ValueError(f"its {split} arrays are of {' and '.join(map(str, sorted(counts)))} images")
    return found


def _arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as arrays:
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it is not an npz")
        return Arrays(arrays)


def _check(name: str, array: np.ndarray) -> None:
    is_decision = name.endswith(DECISIONS)
    axes = (1,) if is_decision else range(1, MOST_AXES + 1)
    if array.dtype.kind not in NUMBERS or array.ndim not in axes:
        raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}; needs numbers, an image a row")
    if is_decision and array.dtype.kind not in "iu":
        raise ValueError(f"{name} has type {array.dtype}; needs the numbers of classes")
