"""Fully connected networks: every unit of the first layer sees the whole (sub)image.

Composed, a unit of sub-network k sees the pixels of subdomain k: the others' weights are zero. There is no padding, so
the composed network is the sum of its sub-networks everywhere, for any boxes.

References
----------
Gu, Zhang, Liu, Cai, Section 2.4: the first layer's weights are placed by the input's decomposition.
"""

from ddlab.models.architecture import Network
from ddlab.models.layers import dense_head
from ddlab.models.spec import NetworkSpec

HIDDEN = (512, 256)


def mlp(spec: NetworkSpec) -> Network:
    """All pixels as one vector through hidden layers of 512 and 256 units; it has no maps and no normalisation."""
    return Network(dense_head(spec, spec.input, HIDDEN), spec.input, classifier="classifier")
