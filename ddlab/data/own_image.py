"""One image or volume of the user's own, made to look like those of a data set."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ddlab.data import limits
from ddlab.data.class_folders import decode
from ddlab.data.files import is_file, read_file
from ddlab.data.messages import shown
from ddlab.data.nifti_file import SUFFIXES, open_volume, to_nifti
from ddlab.data.source import Description
from ddlab.data.volumes import PERCENTILE, as_bytes, own_window


def own_image(path: Path, description: Description) -> np.ndarray:
    """Read a file as bytes ``(C, *shape)``: the largest centred part of a picture, or all of a volume, scaled.

    Values of a volume are those of the data set's window, or of its own where the data set's volumes have theirs; where
    none is known, from its own lowest to its highest.

    Raises
    ------
    ValueError
        If there is no such file, it is damaged, of the wrong kind or too large; names it.
    """
    if not is_file(path):
        raise ValueError(f"image: there is no file '{shown(path.name)}'")
    try:
        return _read(path, description)
    except ValueError as error:  # the readers of data sets name the field "path"
        raise ValueError(str(error).replace("path: ", "image: ", 1)) from error


def _read(path: Path, description: Description) -> np.ndarray:
    if len(description.shape) == 3:
        return _volume(path, description)
    if len(description.shape) != 2:
        raise ValueError(f"image: the run looks at signals of one axis, for which {shown(path.name)} cannot be read")
    rows, columns = description.shape
    pixels = decode(lambda _: read_file(path, limits.MOST_IMAGE_BYTES), path.name, max(rows, columns))
    picture = Image.fromarray(pixels.transpose(1, 2, 0)).convert("L" if description.channels == 1 else "RGB")
    fitted = np.asarray(ImageOps.fit(picture, (columns, rows), Image.Resampling.BICUBIC))
    return fitted.reshape(rows, columns, -1).transpose(2, 0, 1)


def own_affine(path: Path, description: Description) -> np.ndarray:
    """Return the matrix 4×4 from voxels of a volume, fitted as the data set's, to millimetres of its file's scanner."""
    volume, fitted = open_volume(path), np.eye(4)
    for axis, (old, new) in enumerate(zip(volume.shape, description.shape, strict=True)):
        if description.fit == "zoom":
            fitted[axis, axis] = (old - 1) / max(new - 1, 1)
        else:
            fitted[axis, 3] = (old - new) // 2 if old > new else -((new - old) // 2)
    return volume.affine @ fitted


def drawn_affine(description: Description) -> np.ndarray:
    """Return the same matrix for a data set's volume: centred on the scanner's origin."""
    affine: np.ndarray = to_nifti(np.zeros(description.shape, np.uint8), description.spacing or (1.0, 1.0, 1.0)).affine
    return affine


def _volume(path: Path, description: Description) -> np.ndarray:
    if not path.name.lower().endswith(SUFFIXES):
        raise ValueError(
            f"image: the run looks at volumes: needs a NIfTI file ({', '.join(SUFFIXES)}), got {shown(path.name)}"
        )
    volume = open_volume(path)
    voxels = volume.voxels()
    if description.unit == PERCENTILE:
        window = own_window(voxels)
    else:
        window = description.values if description.unit else (float(voxels.min()), float(voxels.max()))
    if not window[0] < window[1]:
        raise ValueError(f"image: {shown(path.name)} is empty: all of its voxels are {window[0]:g}")
    return as_bytes(voxels, window, description.shape, description.fit)[None]
