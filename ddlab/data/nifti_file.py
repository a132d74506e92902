"""One volume of a NIfTI file, laid out like every other volume of ddlab, whatever its file's orientation.

Axes: rows run from the front of the body to its back, columns from its left to its right, slices from foot to head.
That is nibabel's canonical orientation (RAS) turned by 90° in plane, as preprocessing of CT scans usually does. A file
is turned and mirrored to the closest such axes, never interpolated: an oblique scan stays oblique.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from ddlab.data.source import DataMissing

SUFFIXES = (".nii", ".nii.gz")
AXES = "PRS"  # what the ends of our axes are: posterior, right, superior
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    WrapStructError,
    HeaderDataError,
    nib.filebasedimages.ImageFileError,
)


@dataclass(frozen=True)
class Volume:
    """A NIfTI file whose header is good; its voxels are read when they are asked for.

    Parameters
    ----------
    name
        Of the file, for messages.
    image
        As nibabel opened it.
    """

    name: str
    image: nib.Nifti1Image

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along our three axes."""
        return tuple(int(self.image.shape[axis]) for axis in self._sources)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres between neighbouring voxels along our three axes."""
        sizes = nib.affines.voxel_sizes(self.image.affine)
        return tuple(float(sizes[axis]) for axis in self._sources)

    @property
    def affine(self) -> np.ndarray:
        """From indices along our three axes to the scanner's millimetres, 4×4."""
        return self.image.affine @ inv_ornt_aff(self._turn(), self.image.shape)

    def voxels(self) -> np.ndarray:
        """All voxels, in our orientation, with the file's slope and intercept applied: float32.

        Voxels that are no finite number, as some scanners write outside their field of view, get the lowest value.

        Raises
        ------
        ValueError
            If they cannot be read, or none of them is a number; names the file.
        """
        with _readable(self.name):
            return np.asarray(_finite(nib.apply_orientation(self._read(1), self._turn())), np.float32)

    def sample(self, step: int) -> np.ndarray:
        """Every ``step``-th voxel along each axis, as a list of numbers: read lazily, no more than these are held.

        Raises
        ------
        ValueError
            As :meth:`voxels`.
        """
        with _readable(self.name):
            return _finite(self._read(step)).ravel()

    def _read(self, step: int) -> np.ndarray:
        every = (slice(None, None, step),) * 3
        return np.asarray(self.image.dataobj[every], dtype=np.float32)

    def _turn(self) -> np.ndarray:
        return ornt_transform(io_orientation(self.image.affine), axcodes2ornt(AXES))

    @property
    def _sources(self) -> list[int]:
        """The file's axis that becomes each of ours."""
        return np.argsort(self._turn()[:, 0]).tolist()


def open_volume(path: Path) -> Volume:
    """Open a file and look at its header only.

    Raises
    ------
    DataMissing
        If there is no such file.
    ValueError
        If it is damaged, or no volume with three axes, real numbers and a spacing; names the file.
    """
    if not path.exists():
        raise DataMissing(f"path: {path} is not there")
    with _readable(path.name):
        if path.stat().st_size == 0:
            raise ValueError("it is empty: it has 0 bytes")
        return _checked(nib.load(path), path.name)


def parse_volume(content: bytes, name: str) -> Volume:
    """Open the content of a file that is not compressed.

    Raises
    ------
    ValueError
        As :func:`open_volume`.
    """
    with _readable(name):
        return _checked(nib.Nifti1Image.from_bytes(content), name)


def to_nifti(voxels: np.ndarray, spacing: tuple[float, ...], orientation: str = AXES) -> nib.Nifti1Image:
    """Make an image from voxels in our orientation, centred on the scanner's origin.

    Parameters
    ----------
    spacing
        Millimetres between voxels along our three axes.
    orientation
        Letters of the ends of the image's own axes, such as ``"LPS"``.
    """
    toward = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # our axes in the scanner's: rows -y, columns x, slices z
    affine = np.eye(4)
    affine[:3, :3] = toward * spacing
    affine[:3, 3] = -affine[:3, :3] @ (np.array(voxels.shape) - 1) / 2
    image = nib.Nifti1Image(voxels, affine)
    return image.as_reoriented(ornt_transform(io_orientation(affine), axcodes2ornt(orientation)))


def _checked(image: object, name: str) -> Volume:
    if not isinstance(image, nib.Nifti1Image):
        raise ValueError(f"it is no NIfTI ({', '.join(SUFFIXES)}) but {type(image).__name__}")
    _check_spacing(image)
    image = cast(nib.Nifti1Image, nib.funcs.squeeze_image(image))  # only further axes of one entry
    if image.ndim != 3:
        raise ValueError(f"it has {image.ndim} axes, {image.shape}; needs a volume with 3")
    if 0 in image.shape:
        raise ValueError(f"it is empty: its shape is {image.shape}")
    kind = image.header.get_data_dtype()
    if kind.kind not in "iuf":
        raise ValueError(f"its voxels have type {kind}; needs real numbers")
    if not np.isfinite(image.affine).all() or np.isnan(io_orientation(image.affine)).any():
        raise ValueError("its affine is singular: two axes have one direction, or one has none")
    return Volume(name, image)


def _check_spacing(image: nib.Nifti1Image) -> None:
    """Look at the header as it is in the file: nibabel's own has every spacing of 0 replaced by 1."""
    with image.file_map["image"].get_prepare_fileobj("rb") as file:
        file.seek(0)
        raw = image.header_class.from_fileobj(file, check=False)
    spacing = np.abs(raw["pixdim"][1 : 1 + min(3, int(raw["dim"][0]))].astype(float))
    if not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(f"its spacing is {', '.join(map(str, spacing.tolist()))} mm; needs numbers above 0")


def _finite(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    if finite.all():
        return values
    if not finite.any():
        raise ValueError("none of its voxels is a number")
    return np.where(finite, values, values[finite].min())


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Say of a file that cannot be used which one it is."""
    try:
        yield
    except DAMAGE as error:
        raise ValueError(f"path: the volume {name} cannot be used ({error or type(error).__name__})") from error
