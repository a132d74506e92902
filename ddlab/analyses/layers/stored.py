"""Activations of one network for one image, in a file that a page reads without torch. C channels, K classes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd

from ddlab.analyses.layers.rows import LayerRow
from ddlab.analyses.stored import Stored
from ddlab.decomposition import Subdomain, times

FORMAT = 1  # of the files; a new number computes everything again


class Activations(Stored):
    """The outputs of all layers for an image: ``maps:<layer>`` ``(C', *map)`` of ``channels:<layer>`` ``(C',)``.

    Of every channel there are ``mean:<layer>``, ``low:<layer>`` and ``high:<layer>`` ``(C,)``; beside them the bytes
    that go in, ``input`` ``(C, *shape)``, and ``logits`` and ``probabilities`` ``(K,)``, which come out. A channel
    without positions has maps of one number, ``(C',)``.
    """

    @property
    def rows(self) -> tuple[LayerRow, ...]:
        """The layers, first to last."""
        told = self.about["layers"]
        return tuple(LayerRow(row["name"], row["kind"], tuple(row["shape"]), row["rectified"]) for row in told)

    @property
    def box(self) -> Subdomain:
        """The part of the image that the network sees."""
        return Subdomain(*map(tuple, self.about["box"]))

    @property
    def decided(self) -> int:
        """The class with the largest probability."""
        return int(self.arrays["probabilities"].argmax())

    def row(self, layer: str) -> LayerRow:
        """Return a layer by its name."""
        return next(row for row in self.rows if row.name == layer)

    def maps(self, layer: str) -> np.ndarray:
        """Return the maps that are kept of a layer, ``(C', *map)``."""
        return self.arrays[f"maps:{layer}"]

    def channels(self, layer: str) -> np.ndarray:
        """Return the numbers of the channels that are kept, ascending, ``(C',)``."""
        return self.arrays[f"channels:{layer}"]

    def map_of(self, layer: str, channel: int) -> np.ndarray:
        """Return the map of a channel that is kept, ``(*map)``."""
        values: np.ndarray = self.maps(layer)[int(np.searchsorted(self.channels(layer), channel))]
        return values

    def strongest(self, layer: str, count: int | None = None) -> np.ndarray:
        """Return the kept channels with the largest mean absolute activation, strongest first; all without a count."""
        maps = np.abs(self.maps(layer).astype(float))
        strength = maps.reshape(len(maps), -1).mean(1)
        found: np.ndarray = self.channels(layer)[np.argsort(-strength, kind="stable")[:count]]
        return found

    def limits(self, layer: str) -> tuple[float, float]:
        """The scale of all maps of a layer: from 0 behind a rectifier, as far below 0 as above it elsewhere."""
        low, high = float(self.arrays[f"low:{layer}"].min()), float(self.arrays[f"high:{layer}"].max())
        most = max(-low, high) or 1.0
        return (0.0, most) if self.row(layer).rectified else (-most, most)

    def dead(self, layer: str) -> np.ndarray | None:
        """Return which channels are 0 everywhere in this image, ``(C,)``; None where nothing is rectified."""
        if not self.row(layer).rectified:
            return None
        dead: np.ndarray = (self.arrays[f"low:{layer}"] == 0) & (self.arrays[f"high:{layer}"] == 0)
        return dead

    def cut(self, box: Subdomain, shape: Sequence[int]) -> Self:
        """Return the part of all maps that lies over a box of the image, and their numbers there.

        Positions are found in proportion: a map of h rows over an image of H has row r over the pixels from r·H/h on.
        A position that lies over the box in part is kept. Of channels that are not kept, the numbers are those of the
        whole maps; logits and probabilities are the network's, which sees the whole image.

        Parameters
        ----------
        shape
            Of what the network sees.
        """
        arrays = dict(self.arrays) | {"input": self.arrays["input"][box.slices]}
        for row in (row for row in self.rows if row.has_maps):
            ends = zip(box.start, box.stop, shape, row.shape[1:], strict=True)
            within = tuple(slice(first * n // extent, -(-last * n // extent)) for first, last, extent, n in ends)
            maps, kept = self.maps(row.name)[(slice(None), *within)], self.channels(row.name)
            arrays[f"maps:{row.name}"] = maps
            for name, values in statistics(maps).items():
                arrays[f"{name}:{row.name}"] = self.arrays[f"{name}:{row.name}"].copy()
                arrays[f"{name}:{row.name}"][kept] = values
        layers = [
            told | {"shape": [told["shape"][0], *arrays[f"maps:{told['name']}"].shape[1:]]}
            for told in self.about["layers"]
        ]
        return replace(self, about=self.about | {"layers": layers, "cut": [box.start, box.stop]}, arrays=arrays)

    def table(self) -> pd.DataFrame:
        """A row a layer: ``layer``, ``kind``, ``output``, ``numbers``, ``mean``, ``least``, ``largest``, ``dead``.

        ``dead`` is the share of channels that are 0 everywhere in this image, and NaN where nothing is rectified.
        """
        rows = []
        for row in self.rows:
            mean, low, high = (self.arrays[f"{name}:{row.name}"] for name in ("mean", "low", "high"))
            dead = self.dead(row.name)
            rows.append(
                {"layer": row.name, "kind": row.kind, "output": times(row.shape), "numbers": int(np.prod(row.shape))}
                | {"mean": float(mean.mean()), "least": float(low.min()), "largest": float(high.max())}
                | {"dead": float("nan") if dead is None else float(dead.mean())}
            )
        return pd.DataFrame(rows)

    def channel_table(self, layer: str) -> pd.DataFrame:
        """A row a channel of a layer: ``channel``, ``mean``, ``least``, ``largest``; ``dead`` behind a rectifier."""
        names = {"mean": "mean", "least": "low", "largest": "high"}
        table = pd.DataFrame({column: self.arrays[f"{name}:{layer}"] for column, name in names.items()})
        table.insert(0, "channel", np.arange(len(table)))
        dead = self.dead(layer)
        return table if dead is None else table.assign(dead=dead)


def statistics(maps: np.ndarray) -> dict[str, np.ndarray]:
    """Mean, least and largest number of every channel ``(C,)`` of maps ``(C, *map)``."""
    flat = maps.reshape(len(maps), -1)
    return {"mean": flat.mean(1, dtype=np.float64), "low": flat.min(1), "high": flat.max(1)}
