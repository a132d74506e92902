"""Volumes: the messages to the viewer, and pictures of volumes in two dimensions.

The axes of a volume are rows, columns and depth; an axial slice is rows × columns.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from plotly.colors import sample_colorscale

from ddlab.data.source import Description
from ddlab.data.volumes import PERCENTILE
from ddlab.decomposition import Decomposition
from ddlab.figures.colors import AGAINST, CHOSEN, EVIDENCE, FOR, PROBABILITY, SIGNED, class_color, ink

# Level and width as radiologists use them, in Hounsfield units.
HOUNSFIELD = {"lung": (-600.0, 1500.0), "soft tissue": (40.0, 400.0)}


@dataclass(frozen=True)
class Overlay:
    """Numbers of the voxels, to be drawn over a volume with one scale.

    Parameters
    ----------
    values
        Floats ``(*shape)``; nothing is drawn where they are NaN.
    name
        What they are, for the legend.
    limit
        End of a scale that is as long below 0 as above, which several overlays may share; None: their own scale.
    """

    values: np.ndarray
    name: str
    limit: float | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the scale: from 0 to the largest number, or as far below 0 as above where some are negative."""
        if self.limit is not None:
            return -self.limit, self.limit
        most = float(np.nanmax(np.abs(self.values), initial=0.0)) or 1.0
        return (-most if np.nanmin(self.values, initial=0.0) < 0 else 0.0), most

    def quantised(self) -> np.ndarray:
        """Return bytes: 0 where there is nothing, 1 to 255 from one end of the scale to the other."""
        low, high = self.limits
        shown = np.clip(self.values, low, high)
        levels: np.ndarray = np.nan_to_num(1 + np.round(254 * (shown - low) / (high - low)), nan=0.0).astype(np.uint8)
        return levels

    def palette(self) -> list[list[float]]:
        """Red, green and blue of every byte, and of a shared scale the opacity: nothing is drawn around 0."""
        if self.limit is not None:
            shares = np.linspace(-1, 1, 255)
            return [[0, 0, 0, 0], *([*(AGAINST if share < 0 else FOR), round(abs(share), 3)] for share in shares)]
        scale = sample_colorscale(SIGNED if self.limits[0] < 0 else PROBABILITY, 255, colortype="tuple")
        return [[0, 0, 0], *([round(255 * part) for part in color] for color in scale)]


@dataclass(frozen=True)
class Scene:
    """An image and what is drawn on it.

    Parameters
    ----------
    image
        Bytes ``(C, *shape)``; the viewer shows the one channel of a volume.
    description
        Of its data set: gives the unit of the voxels and their spacing.
    mask
        The evidence ``(*shape)``, outlined; or None.
    colors, labels
        Of the subdomains; empty: a colour each, and their numbers.
    chosen
        Index of the chosen subdomain, which has a colour of its own; or None.
    """

    image: np.ndarray
    description: Description
    decomposition: Decomposition
    mask: np.ndarray | None = None
    overlay: Overlay | None = None
    colors: Sequence[str] = ()
    labels: Sequence[str] = ()
    chosen: int | None = None

    def pack(self) -> bytes:
        """The message to the viewer: length of the header, the header as JSON, then a byte a voxel of every part."""
        overlay = self.overlay
        layers = {"volume": self.image, "mask": self.mask, "map": None if overlay is None else overlay.quantised()}
        parts = {name: np.asarray(layer, np.uint8) for name, layer in layers.items() if layer is not None}
        header = self._header() | {"parts": list(parts)}
        if overlay is not None:
            low, high = overlay.limits
            header["overlay"] = {
                "name": overlay.name,
                "low": low,
                "high": high,
                "palette": overlay.palette(),
                "opacity": 0.5 if overlay.limit is None else 0.9,
            }
        body = b"".join(part.tobytes() for part in parts.values())
        header["id"] = hashlib.sha256(json.dumps(header).encode() + body).hexdigest()
        text = json.dumps(header).encode()
        return struct.pack("<I", len(text)) + text + body

    def _header(self) -> dict[str, object]:
        about, boxes = self.description, self.decomposition
        own = about.unit == PERCENTILE  # then no unit is shared: black is 0, white is 1
        (low, high), unit = ((0.0, 1.0), "") if own else (about.values, about.unit)
        return {
            "shape": list(boxes.shape),
            "spacing": list(about.spacing or (1.0,) * len(boxes.shape)),
            "values": [low, high],
            "unit": unit,
            "windows": {"whole": ((low + high) / 2, high - low)} | (HOUNSFIELD if unit == "HU" else {}),
            "at": telling_voxel(boxes.shape, self.mask),
            "evidence": EVIDENCE,
            "boxes": [self._box(index) for index in range(len(boxes))],
        }

    def _box(self, index: int) -> dict[str, object]:
        box, number = self.decomposition.subdomains[index], str(index + 1)
        color = CHOSEN if index == self.chosen else self.colors[index] if self.colors else class_color(index)
        label = self.labels[index] if self.labels else number
        return {
            "start": box.start,
            "stop": box.stop,
            "number": number,
            "label": label,
            "color": color,
            "ink": ink(color),
        }


def telling_voxel(shape: Sequence[int], mask: np.ndarray | None) -> list[int]:
    """Choose the voxel to show first: in the slices with most evidence along every axis, or the middle without any."""
    if mask is None or not np.any(mask):
        return [extent // 2 for extent in shape]
    evidence = np.asarray(mask, dtype=bool)
    axes = range(evidence.ndim)
    return [int(evidence.sum(axis=tuple(other for other in axes if other != axis)).argmax()) for axis in axes]


# ---- in two dimensions


def axial(image: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Reduce an image ``(C, *shape)`` to two dimensions: of a volume, one axial slice; other images stay as they are.

    Parameters
    ----------
    mask
        The evidence ``(*shape)``: the slice with most of it is taken; where there is none the middle one, or that with
        most contrast where the middle one is blank.
    """
    if image.ndim < 4:
        return image
    shown = image[..., telling_voxel(image.shape[1:], mask)[2]]
    return image[..., image.std(axis=(0, 1, 2)).argmax()] if np.ptp(shown) == 0 else shown


def montage(decomposition: Decomposition, volume: np.ndarray) -> tuple[Decomposition, np.ndarray]:
    """Lay the layers of a volume's subdomains side by side, the lowest first, each shown by its middle slice.

    Parameters
    ----------
    volume
        Bytes ``(C, *shape)``.

    Returns
    -------
    tuple
        The subdomains as boxes of the montage, in their order, and the montage ``(C, rows, columns)``.
    """
    layers = sorted({(box.start[2], box.stop[2]) for box in decomposition})
    columns = decomposition.shape[1]
    gap = max(1, columns // 16)
    shown = np.zeros((*volume.shape[:2], len(layers) * (columns + gap) - gap), volume.dtype)
    for index, (start, stop) in enumerate(layers):
        shown[..., index * (columns + gap) :][..., :columns] = volume[..., (start + stop) // 2]
    boxes = []
    for box in decomposition:
        offset = layers.index((box.start[2], box.stop[2])) * (columns + gap)
        (top, left, _), (bottom, right, _) = box.start, box.stop
        boxes.append([(top, bottom), (left + offset, right + offset)])
    return Decomposition.from_boxes(shown.shape[1:], boxes), shown
