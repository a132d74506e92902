"""The specification of a network: the one argument of every model builder."""

import math
from dataclasses import dataclass, replace

from ddlab.models.architecture import Padding, Shape

SMALLEST_LAYER = 2  # a local network of a 4×4×2 decomposition keeps at least two channels a layer


@dataclass(frozen=True)
class NetworkSpec:
    """The input, the classes and the size of a network; the same builder gives the global and every local network.

    Parameters
    ----------
    input
        Shape of one sample, ``(channels, *spatial)``: two spatial axes give 2-D convolutions, three give 3-D ones.
    num_classes
        K, the number of logits.
    width
        Factor on all channels and hidden units.
    padding
        ``"same"`` or ``"valid"``, of every convolution.
    batch_norm
        Whether convolutions are followed by batch normalisation (residual networks always are).
    dropout
        Rate of the dropout before the classifier.
    pooled_as
        Shape of the input by which a stack of convolutions pools; None: its own. A local network that is to be part of
        a composed network pools as often as the global one.
    """

    input: Shape
    num_classes: int
    width: float = 1.0
    padding: Padding = "same"
    batch_norm: bool = True
    dropout: float = 0.0
    pooled_as: Shape | None = None

    def scaled(self, channels: int) -> int:
        """``channels`` times the width, rounded, at least 2."""
        return max(SMALLEST_LAYER, round(channels * self.width))

    def for_subimage(self, shape: Shape, num_subdomains: int, reduction: str) -> "NetworkSpec":
        """The local network of a subimage with ``shape`` pixels, smaller by the reduction rule.

        ``reduction`` is ``"1/N"`` (Gu et al.: N² fewer parameters, and the global network's poolings, so that they can
        be composed), ``"1/sqrt(N)"`` (N fewer parameters: all local
        networks together are as large as the global one) or ``"1"`` (not reduced).
        """
        factor = {"1/N": 1 / num_subdomains, "1/sqrt(N)": 1 / math.sqrt(num_subdomains), "1": 1.0}[reduction]
        pooled_as = self.input if reduction == "1/N" else None
        return replace(self, input=(self.input[0], *shape), width=self.width * factor, pooled_as=pooled_as)
