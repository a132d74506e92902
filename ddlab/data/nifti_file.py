"""One volume of a NIfTI file, laid out like every other volume of ddlab, whatever its file's orientation.

Axes: rows run from the front of the body to its back, columns from its left to its right, slices from foot to head.
That is nibabel's canonical orientation (RAS) turned by 90° in plane, as preprocessing of CT scans usually does. A file
is turned and mirrored to the closest such axes, never interpolated: an oblique scan stays oblique.
"""

import io
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.volumeutils import apply_read_scaling

from ddlab.data import limits
from ddlab.data.files import gunzip, open_file
from ddlab.data.messages import reason, shown
from ddlab.data.source import DataMissing
from ddlab.decomposition import times

SUFFIXES = (".nii", ".nii.gz")
AXES = "PRS"  # what the ends of our axes are: posterior, right, superior
HEADERS: dict[int, tuple[type[nib.Nifti1Header], bytes]] = {
    348: (nib.Nifti1Header, b"n+1"),
    540: (nib.Nifti2Header, b"n+2"),
}  # by their sizes, with their magic
Opened = AbstractContextManager[IO[bytes]]
AT_ONCE = 2**20  # voxels: scaled to float64, they must not be all of a large volume


@dataclass(frozen=True)
class Volume:
    """A NIfTI file whose header is good; its voxels are read when they are asked for.

    Parameters
    ----------
    name
        Of the file, for messages.
    header
        As nibabel understands it.
    shape_in_file
        Voxels along the file's three axes.
    content
        Opens the file, unpacked.
    """

    name: str
    header: nib.Nifti1Header
    shape_in_file: tuple[int, ...]
    content: Callable[[], Opened]

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along our three axes."""
        return tuple(self.shape_in_file[axis] for axis in self._sources)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres between neighbouring voxels along our three axes."""
        sizes = nib.affines.voxel_sizes(self.affine_in_file)
        return tuple(float(sizes[axis]) for axis in self._sources)

    @property
    def affine(self) -> np.ndarray:
        """The matrix 4×4 from indices along our three axes to the scanner's millimetres."""
        affine: np.ndarray = self.affine_in_file @ inv_ornt_aff(self._turn(), self.shape_in_file)
        return affine

    @property
    def affine_in_file(self) -> np.ndarray:
        """The matrix 4×4 from indices along the file's axes to the scanner's millimetres."""
        affine: np.ndarray = self.header.get_best_affine()
        return affine

    def voxels(self) -> np.ndarray:
        """All voxels, in our orientation, with the file's slope and intercept applied: float32.

        Voxels that are not finite, as some scanners write outside their field of view, get the lowest value.

        Raises
        ------
        ValueError
            If they cannot be read, or none of them is a number; names the file.
        """
        with _readable(self.name):
            values = self._read()
            _make_finite(values)
            turned: np.ndarray = nib.apply_orientation(self._in_file(values), self._turn())
            return turned

    def sample(self, step: int) -> np.ndarray:
        """Every ``step``-th voxel along each axis, as a list of numbers.

        Raises
        ------
        ValueError
            As :meth:`voxels`.
        """
        with _readable(self.name):
            sample = self._in_file(self._read())[::step, ::step, ::step].ravel()
            _make_finite(sample)
            return sample

    def _in_file(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(self.shape_in_file, order="F")

    def _read(self) -> np.ndarray:
        """All voxels as float32, in the order of the file."""
        kind, (slope, inter) = self.header.get_data_dtype(), self.header.get_slope_inter()
        values = np.empty(math.prod(self.shape_in_file), np.float32)
        with self.content() as file, np.errstate(over="ignore", invalid="ignore"):  # such values are replaced
            file.seek(self.header.get_data_offset())
            for start in range(0, len(values), AT_ONCE):
                part = values[start : start + AT_ONCE]
                content = file.read(len(part) * kind.itemsize)
                if len(content) < len(part) * kind.itemsize:
                    raise ValueError(
                        f"it ends after {start + len(content) // kind.itemsize:,} of {len(values):,} voxels"
                    )
                part[:] = apply_read_scaling(np.frombuffer(content, kind), slope, inter)
        return values

    def _turn(self) -> np.ndarray:
        turn: np.ndarray = ornt_transform(io_orientation(self.affine_in_file), axcodes2ornt(AXES))
        return turn

    @property
    def _sources(self) -> list[int]:
        """The file's axis that becomes each of ours."""
        sources: list[int] = np.argsort(self._turn()[:, 0]).tolist()
        return sources


def open_volume(path: Path) -> Volume:
    """Open a file and look at its header only.

    Raises
    ------
    DataMissing
        If there is no such file.
    ValueError
        If it is damaged, or not a volume with three axes, real numbers and a spacing, or too large; names the file.
    """
    if not path.exists():
        raise DataMissing(f"path: {shown(path, 200)} is not there")
    with _readable(path.name):
        if not path.name.lower().endswith(SUFFIXES):
            raise ValueError(f"it is not a NIfTI ({', '.join(SUFFIXES)})")
        return _checked(path.name, lambda: _unpacked(path))


def parse_volume(content: bytes, name: str) -> Volume:
    """Open the content of a file, compressed if its name says so.

    Raises
    ------
    ValueError
        As :func:`open_volume`.
    """
    is_packed = name.lower().endswith(".gz")
    with _readable(name):
        return _checked(name, lambda: gunzip(io.BytesIO(content)) if is_packed else io.BytesIO(content))


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
    turned: nib.Nifti1Image = image.as_reoriented(ornt_transform(io_orientation(affine), axcodes2ornt(orientation)))
    return turned


def _checked(name: str, content: Callable[[], Opened]) -> Volume:
    header = _header(content)
    shape = tuple(map(int, header.get_data_shape()))
    while len(shape) > 3 and shape[-1] == 1:  # only further axes of one entry
        shape = shape[:-1]
    if len(shape) != 3:
        raise ValueError(f"it has {len(shape)} axes, {shape}; needs a volume with 3")
    if min(shape) < 1:
        raise ValueError(f"it is empty: its shape is {shape}")
    if math.prod(shape) > limits.most_voxels():
        raise ValueError(
            f"it has {times(shape)} voxels, at most {limits.most_voxels():,} are allowed; DDLAB_MOST_VOXELS changes it"
        )
    kind = header.get_data_dtype()
    if kind.kind not in "iuf":
        raise ValueError(f"its voxels have type {shown(kind)}; needs real numbers")
    affine = header.get_best_affine()
    if not np.isfinite(affine).all() or np.isnan(io_orientation(affine)).any():
        raise ValueError("its affine is singular: two axes have one direction, or one has none")
    return Volume(name, header, shape, content)


def _header(content: Callable[[], Opened]) -> nib.Nifti1Header:
    """Read the header alone: what may follow it, extensions, is of no use here."""
    with content() as file:
        start = file.read(max(HEADERS))
    if not start:
        raise ValueError("it is empty: it has 0 bytes")
    size = next((size for size in HEADERS for order in ("little", "big") if _first(start, order) == size), 0)
    if size == 0 or len(start) < size:
        raise ValueError(f"it is not a NIfTI ({', '.join(SUFFIXES)})")
    kind, magic = HEADERS[size]
    raw = kind(start[:size], check=False)
    word = bytes(raw["magic"]).rstrip(b"\0")
    if word != magic:
        raise ValueError(f"it is not a NIfTI of one file: its magic word is '{shown(word.decode('latin1'))}'")
    _check_numbers(raw)
    header = kind(start[:size])
    if not 0 <= header.get_data_offset() <= limits.MOST_HEADER_BYTES:
        raise ValueError(f"its voxels begin at byte {header.get_data_offset()}")
    return header


def _first(start: bytes, order: Literal["little", "big"]) -> int:
    return int.from_bytes(start[:4], order)


def _check_numbers(raw: nib.Nifti1Header) -> None:
    """Look at the header as it is in the file: nibabel replaces every spacing of 0 by 1, and what else is wrong."""
    offset, slope, inter = (float(raw[field]) for field in ("vox_offset", "scl_slope", "scl_inter"))
    if not 0 <= offset <= limits.MOST_HEADER_BYTES:
        raise ValueError(f"its voxels begin at byte {offset:g}; needs 0 to {limits.MOST_HEADER_BYTES}")
    if math.isinf(slope) or math.isinf(inter):  # not a number means that they are not used
        raise ValueError(f"its slope and intercept are {slope:g} and {inter:g}; needs finite numbers")
    spacing = np.abs(raw["pixdim"][1 : 1 + min(3, int(raw["dim"][0]))].astype(float))
    if not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(f"its spacing is {', '.join(map(str, spacing.tolist()))} mm; needs numbers above 0")


def _make_finite(values: np.ndarray) -> None:
    """Replace what is not finite, or out of all proportion, by the lowest value; in place and part by part."""
    parts = [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]
    with np.errstate(invalid="ignore"):
        lowest = min(np.min(part, where=np.abs(part) <= limits.LARGEST, initial=np.inf) for part in parts)
        if np.isinf(lowest):
            raise ValueError("none of its voxels is a number")
        for part in parts:
            part[~(np.abs(part) <= limits.LARGEST)] = lowest


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    with open_file(path) as file:
        if path.name.lower().endswith(".gz"):
            with gunzip(file) as unpacked:
                yield unpacked
        else:
            yield file


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Say of a file that cannot be used which one it is; nibabel raises whatever is wrong with it."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"path: the volume {shown(name)} cannot be used ({reason(error)})") from error
