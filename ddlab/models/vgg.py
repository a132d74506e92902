"""Stacks of 3×3 convolutions with pooling, after Simonyan and Zisserman (2014).

The widths of Klawonn, Lanser and Weber's VGG3 and VGG9 are not in public sources; these are ours: VGG3 is the widely
used three-block CIFAR network, VGG9 doubles the channels with every pooling. VGG16 is the original's configuration D,
whose count of parameters is that of Gu et al. without batch normalisation.
"""

from ddlab.models.architecture import Network
from ddlab.models.layers import dense_head, pooled_head, pooled_stack, shape_after
from ddlab.models.spec import NetworkSpec

VGG16 = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG16_POOLS = (2, 4, 7, 10, 13)  # the convolutions behind which it pools


def vgg3(spec: NetworkSpec) -> Network:
    """Three blocks of two convolutions with 32, 64 and 128 channels; hidden layer of 128."""
    return _vgg(spec, (32, 32, 64, 64, 128, 128), pool_after=(2, 4, 6), hidden=(128,))


def vgg9(spec: NetworkSpec) -> Network:
    """Nine convolutions of 32 to 256 channels, pooled after the 2nd, 4th, 6th and 8th; hidden layer of 256.

    Nine poolings do not fit any image of the papers (32 px would be halved below one), so pooling stops at 2 px.
    """
    return _vgg(spec, (32, 32, 64, 64, 128, 128, 256, 256, 256), pool_after=(2, 4, 6, 8), hidden=(256,))


def vgg16(spec: NetworkSpec) -> Network:
    """Thirteen convolutions of 64 to 512 channels in five pooled blocks; two hidden layers of 4096.

    138,357,544 parameters for 3×224×224 and 1000 classes without batch normalisation.
    """
    return _vgg(spec, VGG16, VGG16_POOLS, hidden=(4096, 4096))


def vgg16_cifar(spec: NetworkSpec) -> Network:
    """The convolutions of :func:`vgg16`, whose 512 maps' means are classified without a hidden layer: made for 32 px.

    14,724,042 parameters for 3×32×32 and 10 classes; 14,728,266 where convolutions have biases besides, which batch
    normalisation takes out again. The last 2×2 positions of an image of 32 px are averaged, as in the heads of our
    residual networks, where the original takes their maximum.

    References
    ----------
    Akintoye et al. 2023, Section 4.1.2, who do not say the head.
    """
    body = pooled_stack(spec, VGG16, VGG16_POOLS)
    head = pooled_head(spec, shape_after(body, spec.input)[0])
    return Network((*body, *head), spec.input, cam_layer=body[-1][0], classifier="classifier")


def _vgg(spec: NetworkSpec, channels: tuple[int, ...], pool_after: tuple[int, ...], hidden: tuple[int, ...]) -> Network:
    body = pooled_stack(spec, channels, pool_after)
    head = dense_head(spec, shape_after(body, spec.input), hidden)
    return Network((*body, *head), spec.input, cam_layer=f"conv{len(channels)}_relu", classifier="classifier")
