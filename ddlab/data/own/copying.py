"""Copies of what can be decoded: names of files are never paths here, so none can lead out of its folder."""

import csv
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import numpy as np

from ddlab.data.arrays import Layout, look_into
from ddlab.data.containers import open_container
from ddlab.data.messages import reason, shown
from ddlab.data.nifti import LABELS_FILE
from ddlab.data.nifti_file import SUFFIXES
from ddlab.data.npz_file import SUFFIX, unpacked
from ddlab.data.own import arrays, images, volumes
from ddlab.data.source import SPLITS, Progress
from ddlab.data.volumes import blocks

LONGEST_STEM = 60


def copy_images(look: images.Look, target: Path, progress: Progress) -> None:
    """Write the images into a zip, under the names that they had: nothing is ever unpacked from it onto the disk."""
    with zipfile.ZipFile(target, "w") as archive, look.container.reader() as content:
        for number, name in enumerate(look.usable, 1):
            written = name.replace("\\", "_").encode("utf-8", "replace").decode()
            archive.writestr(zipfile.ZipInfo(written), _content(content, name))
            progress(number, len(look.usable))
    open_container(target).names()  # a name that is a drive elsewhere is refused here, not at a training


def copy_volumes(look: volumes.Look, target: Path, progress: Progress) -> None:
    """Write volumes and masks into a folder, under numbers and what is harmless of their names, with a new table."""
    (target / "masks").mkdir(parents=True)
    has_splits = any(file.split for file in look.usable)
    rows = [["file", "label", "mask", "original", *(["split"] if has_splits else [])]]
    with look.container.reader() as content:
        for number, file in enumerate(look.usable, 1):
            name = _numbered(number, file.name)
            (target / name).write_bytes(_content(content, file.name))
            mask = f"masks/{name}" if file.mask is not None else ""
            if file.mask is not None:
                mask = f"masks/{_numbered(number, file.mask)}"
                (target / mask).write_bytes(_content(content, file.mask))
            split = [file.split or ""] if has_splits else []
            rows.append([name, file.label, mask, shown(file.name, 200), *split])
            progress(number, len(look.usable))
    _write_table(target / LABELS_FILE, rows)


def copy_arrays(look: arrays.Look, target: Path, progress: Progress) -> None:
    """Write the usable images of an npz, their labels and the classes' names into another one, block by block."""
    layout, done = look_into(look.path), 0
    total = sum(map(len, look.usable.values()))
    with zipfile.ZipFile(target, "w") as archive:
        for key in dict.fromkeys(layout.keys[split] for split in SPLITS):
            places = look.usable[key]
            with unpacked(look.path, key) as found, archive.open(key + SUFFIX, "w", force_zip64=True) as file:
                _write_header(file, (len(places), *found.shape[1:]), found.dtype)
                for block in blocks(len(places), max(1, found[:1].nbytes)):
                    file.write(np.ascontiguousarray(found[places[block.start : block.stop]]).data)
                    done += len(block)
                    progress(done, total)
            _write_array(archive, _labels_key(key), _labels(layout, key)[places])
        _write_array(archive, "classes", np.array(layout.classes))


def _labels_key(key: str) -> str:
    return key.replace("images", "labels") if "images" in key else key.replace("x_", "y_")


def _labels(layout: Layout, key: str) -> np.ndarray:
    return next(layout.labels[split] for split in SPLITS if layout.keys[split] == key)


def _write_header(file: IO[bytes], shape: tuple[int, ...], kind: np.dtype) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(cast(Any, file), header)


def _write_array(archive: zipfile.ZipFile, key: str, values: np.ndarray) -> None:
    with archive.open(key + SUFFIX, "w", force_zip64=True) as file:
        np.lib.format.write_array(cast(Any, file), values, allow_pickle=False)


def _content(content: Any, name: str) -> bytes:
    """Read a file that could be read before.

    Raises
    ------
    ValueError
        If it no longer can; names it.
    """
    try:
        return bytes(content(name))
    except Exception as error:  # what an archive's library raises depends on the first wrong byte
        raise ValueError(f"path: {shown(name)} can no longer be read ({reason(error)})") from error


def _numbered(number: int, name: str) -> str:
    """A number and what every system takes of a file's name, with its own end."""
    base = PurePosixPath(name).name
    end = next(end for end in reversed(SUFFIXES) if base.lower().endswith(end))
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", base[: -len(end)])[:LONGEST_STEM].strip("-") or "volume"
    return f"{number:05d}-{stem}{end}"


def _write_table(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
