"""Class activation maps as files to take away: pictures of images, NIfTI overlays of volumes."""

import gzip
import io
import zipfile

import nibabel as nib
import numpy as np

from ddlab.analyses.maps.stored import Mapped
from ddlab.figures.maps.overlays import picture, shared_limit


def map_files(mapped: Mapped, place: int) -> dict[str, bytes]:
    """Make a file of every map of the image at ``place``, by file name: one a viewer and class, on one scale.

    Of a volume they are NIfTI files of floats in the volume's own millimetres, beside the volume itself.
    """
    name = mapped.about["images"][place]
    maps = {viewer: mapped.maps(viewer)[place] for viewer in mapped.viewers}
    image = mapped.images[place]
    stem = f"image-{name}" if name.isdigit() else name.split(".")[0]
    if image.ndim == 4:
        written = {f"{stem}.nii.gz": _nifti(image[0], mapped.arrays["affine"])}
    else:
        written = {}
    limit = shared_limit(maps)
    for viewer, of_classes in maps.items():
        for known, values in zip(mapped.about["classes"], of_classes, strict=True):
            file = f"{stem}-{viewer}-{_plain(known)}"
            if image.ndim == 4:
                written[f"{file}.nii.gz"] = _nifti(values.astype(np.float32), mapped.arrays["affine"])
            else:
                written[f"{file}.png"] = _png(image, values, limit)
    return written


def zipped(files: dict[str, bytes]) -> bytes:
    """Pack all files into one zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _png(image: np.ndarray, values: np.ndarray, limit: float) -> bytes:
    buffer = io.BytesIO()
    picture(image, values, limit).save(buffer, "PNG")
    return buffer.getvalue()


def _nifti(values: np.ndarray, affine: np.ndarray) -> bytes:
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=1)


def _plain(text: str) -> str:
    """Write a class's name as a part of a file's name."""
    return "".join(sign if sign.isalnum() else "-" for sign in text)
