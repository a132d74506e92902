"""The classroom's network: three convolutions, small enough to train in seconds."""

from ddlab.models.architecture import Network
from ddlab.models.layers import dense_head, pooled_stack, shape_after
from ddlab.models.spec import NetworkSpec


def cnn(spec: NetworkSpec) -> Network:
    """16, 32 and 64 channels, pooled after each, and a hidden layer of 64."""
    body = pooled_stack(spec, (16, 32, 64), pool_after=(1, 2, 3))
    head = dense_head(spec, shape_after(body, spec.input), hidden=64)
    return Network((*body, *head), spec.input, cam_layer="conv3_relu", classifier="classifier")
