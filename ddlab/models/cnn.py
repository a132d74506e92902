"""Plain stacks of convolutions: the classroom's network, and Gu et al.'s for class activation maps."""

from ddlab.models.architecture import Network
from ddlab.models.layers import dense_head, pooled_head, pooled_stack, shape_after
from ddlab.models.spec import NetworkSpec


def cnn(spec: NetworkSpec) -> Network:
    """16, 32 and 64 channels, pooled after each, and a hidden layer of 64."""
    body = pooled_stack(spec, (16, 32, 64), pool_after=(1, 2, 3))
    head = dense_head(spec, shape_after(body, spec.input), hidden=(64,))
    return Network((*body, *head), spec.input, cam_layer="conv3_relu", classifier="classifier")


def cnn11(spec: NetworkSpec) -> Network:
    """Ten convolutions, pooled after every second one, whose maps' means are classified.

    The paper does not say the channels; ours double with every pooling, from 32 to 512. A class activation map weights
    what the mean is taken of, which is the last pooling's output: 7×7 positions of an image of 224 px.
    """
    channels = (32, 32, 64, 64, 128, 128, 256, 256, 512, 512)
    body = pooled_stack(spec, channels, pool_after=(2, 4, 6, 8, 10))
    head = pooled_head(spec, shape_after(body, spec.input)[0])
    return Network((*body, *head), spec.input, cam_layer=body[-1][0], classifier="classifier")
