"""Self-attention described: the layer by which every position of a map takes something from all the others. No torch.

References
----------
Zhang, Goodfellow, Metaxas, Odena 2019, "Self-Attention Generative Adversarial Networks" (SAGAN), Section 3. Vaswani et
al. 2017, "Attention Is All You Need", Section 3.2.1: the scale of the scores.
"""

import math
from dataclasses import dataclass

from ddlab.models.architecture import Layer, Shape

FEWER = 8  # times as few channels have queries and keys: SAGAN, Section 3


@dataclass(frozen=True)
class SelfAttention(Layer):
    """``x + gamma · o`` over maps of any number of spatial axes; ``gamma`` is 0 at first, so it begins as the identity.

    The output ``o`` of a position is a 1×1 convolution of the weighted mean of all positions' values. The weights of
    position i are ``softmax_j(q_i · k_j / sqrt(C/8))``, of its query ``q_i`` with C/8 channels and the keys ``k_j``;
    queries, keys and values (C channels) are 1×1 convolutions of ``x`` without bias. SAGAN has no such root: it keeps
    scores small by spectral normalisation of the weights, which we have not.

    Parameters
    ----------
    kept
        Whether the layer behind keeps the output for its backward pass; a mean of all positions does not.
    """

    channels: int
    kept: bool = True

    @property
    def inner(self) -> int:
        """Channels of queries and of keys, C/8, at least one."""
        return max(1, self.channels // FEWER)

    def parameters(self, shape: Shape) -> int:
        """Count the four convolutions, and ``gamma``."""
        return 2 * self.channels * (self.inner + self.channels) + 1

    def flops(self, shape: Shape) -> int:
        """Count two operations a weight and position, and two a channel and pair of positions: scores and means."""
        positions = math.prod(shape[1:])
        weights = 2 * self.channels * (self.inner + self.channels)
        return 2 * positions * (weights + positions * (self.inner + self.channels))

    def activations(self, shape: Shape) -> int:
        """Count the weights of all pairs; queries, keys, values, means and ``o``; and the output, if it is kept."""
        positions = math.prod(shape[1:])
        return positions * (positions + 2 * self.inner + (4 if self.kept else 3) * self.channels)

    def products(self, shape: Shape) -> int:
        """Count the sums of products: outputs of the four convolutions, scores and means."""
        positions = math.prod(shape[1:])
        return positions * (positions + 2 * self.inner + 3 * self.channels)

    @property
    def convolved(self) -> int:
        """Output channels of the four convolutions together."""
        return 2 * (self.inner + self.channels)
