"""Fully connected networks: every unit of the first layer sees the whole (sub)image.

Composed, a unit of sub-network k sees the pixels of subdomain k: the others' weights are zero. There is no padding, so
the composed network is the sum of its sub-networks everywhere, for any boxes.

References
----------
Gu, Zhang, Liu, Cai, Section 2.4: the first layer's weights are placed by the input's decomposition. Cruz Alegría,
Trotti, Kopaničáková, Krause, Section 3: networks of 535,818 and 1,841,162 parameters. Their widths are the only ones of
powers of two with these counts; their first weights are torch's own.
"""

from ddlab.models.architecture import Network, Sigmoid
from ddlab.models.layers import dense_head
from ddlab.models.spec import NetworkSpec

HIDDEN = (512, 256)
EQUAL = (512, 512)


def mlp(spec: NetworkSpec) -> Network:
    """All pixels as one vector through hidden layers of 512 and 256 units; it has no maps and no normalisation."""
    return Network(dense_head(spec, spec.input, HIDDEN), spec.input, classifier="classifier")


def mlp_sigmoid(spec: NetworkSpec) -> Network:
    """Build :func:`mlp` with a sigmoid in place of logits: cross entropy of K classes ends at log(1 + (K - 1)/e)."""
    layers = (*dense_head(spec, spec.input, HIDDEN), ("sigmoid", Sigmoid()))
    return Network(layers, spec.input, classifier="classifier", weights="torch")


def mlp512(spec: NetworkSpec) -> Network:
    """All pixels as one vector through two hidden layers of 512 units."""
    return Network(dense_head(spec, spec.input, EQUAL), spec.input, classifier="classifier", weights="torch")
