"""Results of ``ddlab verify``, in a file that a page reads without torch.

Shapes: M images, I of them with maps, N sub-networks, C channels, K classes.
"""

import numpy as np
import pandas as pd

from ddlab.analyses.composition.logits import Logits
from ddlab.analyses.stored import Stored

FORMAT = 1  # of the file's format; a new number computes everything again
SIDES = {"local": "Local networks", "untrained": "Composed, untrained", "trained": "Composed, trained on"}


class Verified(Stored):
    """The answer of a verification.

    ``about`` tells run, layers, statements, premises, and whether all holds that must. The arrays are what pictures
    need: ``logits:<of whom>``, ``difference:<layer>``, ``blocks:<when>:<layer>``, ``maps:<of whom>:<layer>`` and
    ``channels:<layer>``.
    """

    def layers(self) -> pd.DataFrame:
        """Theorem 2.1, a row a layer.

        Returns
        -------
        pandas.DataFrame
            ``layer``, ``map`` (its positions, or features), ``channels``, ``radius`` (pixels seen to either side),
            ``difference`` (largest), ``relative`` (of the layer's largest number), ``promised_difference`` (relative,
            where the theorem promises none), ``equal`` (share of positions, to rounding), ``promised`` (share).
        """
        return pd.DataFrame(self.about["layers"])

    def logits(self) -> Logits:
        """Return the logits of all networks for the images."""
        local, composed, masked = (self.arrays[f"logits:{name}"] for name in ("local", "composed", "masked"))
        return Logits(local, composed, masked, self.arrays["labels"], self.about["factor"])

    def named(self, prefix: str) -> list[str]:
        """The layers that have arrays of this kind, such as ``difference``, in the order of the network."""
        return [key[len(prefix) + 1 :] for key in self.arrays if key.startswith(f"{prefix}:")]

    def sides(self) -> dict[str, str]:
        """Return the sides whose feature maps are stored, with their titles."""
        there = {name.partition(":")[0] for name in self.named("maps")}
        return {side: title for side, title in SIDES.items() if side in there}

    def whole_map(self, side: str, layer: str, image: int, network: int, channel: int) -> np.ndarray:
        """One channel of sub-network ``network`` on the composed network's map; NaN where ``local`` has none."""
        channel_map: np.ndarray = self.arrays[f"maps:{side}:{layer}"][image, network, channel].astype(np.float32)
        return channel_map

    def assembled_map(self, side: str, layer: str, image: int, channel: int) -> np.ndarray:
        """A channel of all sub-networks, each on its own activation field (the last one where fields overlap)."""
        fields = ~np.isnan(self.arrays[f"maps:local:{layer}"][image, :, channel])
        maps = self.arrays[f"maps:{side}:{layer}"][image, :, channel].astype(np.float32)
        assembled = np.full(maps.shape[1:], np.nan, np.float32)
        for field, own in zip(fields, maps, strict=True):
            assembled[field] = own[field]
        return assembled
