"""Doubts about a scan of one's own: signs in its range and its header that it is of another kind than the run's."""

import re
from pathlib import Path

import numpy as np

from ddlab.data.nifti_file import SUFFIXES, Volume, open_volume
from ddlab.data.source import Description

HOUNSFIELD = "HU"
AIR = -500.0  # HU: what surrounds a body is below, and no magnetic resonance image goes there
DENSEST = 10_000.0  # HU: more than metal has; 12 bits end at 3,071
APART = 2.0  # factor between the extents of scans, in millimetres, from which on they are of different things
MAGNETIC = re.compile(r"\bT[ER]\s*=|\bMRI?\b|\bT[12]w?\b", re.IGNORECASE)
TOMOGRAPHIC = re.compile(r"\bCT\b|\bkVp?\b", re.IGNORECASE)


def scan_doubts(path: Path, description: Description) -> tuple[str, ...]:
    """Say, in a sentence each, what speaks against a scan's being of the kind of a data set; nothing of a picture.

    Raises
    ------
    ValueError
        If the file is damaged, or no volume; names it.
    """
    if len(description.shape) != 3 or not path.name.lower().endswith(SUFFIXES):
        return ()
    volume = open_volume(path)
    return (*_of_range(volume.voxels(), description), *_of_header(volume, description))


def _of_range(voxels: np.ndarray, description: Description) -> list[str]:
    low, high = float(voxels.min()), float(voxels.max())
    reach = f"its values go from {low:g} to {high:g}"
    if description.unit != HOUNSFIELD:
        tomographic = low < AIR and high < DENSEST
        return [f"{reach}: below {AIR:g}, as Hounsfield units of a CT scan do"] if tomographic else []
    if low >= AIR:
        return [f"{reach}: none is that of air, about -1000 HU, which surrounds every body in a CT scan"]
    return [f"{reach}: beyond what Hounsfield units are"] if high > DENSEST else []


def _of_header(volume: Volume, description: Description) -> list[str]:
    found = []
    text = bytes(volume.header["descrip"]).rstrip(b"\0").decode("latin1")
    is_tomographic = description.unit == HOUNSFIELD
    if is_tomographic and MAGNETIC.search(text):
        found.append("its header describes magnetic resonance")
    if not is_tomographic and TOMOGRAPHIC.search(text) and not MAGNETIC.search(text):
        found.append("its header describes computed tomography")
    if description.spacing:
        ours = np.multiply(description.shape, description.spacing)
        theirs = np.multiply(volume.shape, volume.spacing)
        ratio = float(np.max(np.maximum(ours / theirs, theirs / ours)))
        if ratio > APART:
            sizes = ["×".join(f"{extent:.0f}" for extent in extents) for extents in (theirs, ours)]
            found.append(f"it shows {sizes[0]} mm, the run's scans {sizes[1]} mm")
    return found
