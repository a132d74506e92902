"""Residual networks of bottlenecks: for photographs of about 224 px in Gu et al.'s two forms, and for images of 32 px.

TF-slim's form (their Table 2.2) halves the maps in the 3×3 convolution of the last block of a stage, Keras' form
(their Table 3.4) in the first 1×1 convolution of the first block. The networks that they train on Food-101 are of
Keras' form and have a hidden layer of 1024 units before the classifier. The form for 32 px begins with a 3×3
convolution without stride or pooling, and the 3×3 convolution of the first block of a stage halves the maps.

References
----------
He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition", Table 1. Akintoye et al. 2023, Section 4.1.2,
have a ResNet50 for CIFAR without saying its stem.
"""

from typing import Literal

from ddlab.models.architecture import BatchNorm, Conv, MaxPool, Named, Network, Padding, ReLU, Residual
from ddlab.models.layers import pooled_head
from ddlab.models.spec import NetworkSpec

Halving = Literal["first 1×1", "first 3×3", "last 3×3"]  # which convolution of a stage has stride 2

BLOCKS_50, BLOCKS_101 = (3, 4, 6, 3), (3, 4, 23, 3)
CHANNELS = (64, 128, 256, 512)  # inside the bottlenecks of the four stages; their outputs have four times as many
EXPANSION = 4
HIDDEN = 1024


def resnet50(spec: NetworkSpec) -> Network:
    """TF-slim's form: 25,557,032 parameters for 3×224×224 and 1000 classes."""
    return _resnet(spec, BLOCKS_50, "last 3×3")


def resnet50_cifar(spec: NetworkSpec) -> Network:
    """The form for 32 px: 23,520,842 parameters for 3×32×32 and 10 classes."""
    return _resnet(spec, BLOCKS_50, "first 3×3", small=True)


def resnet101(spec: NetworkSpec) -> Network:
    """TF-slim's form: 44,549,160 parameters for 3×224×224 and 1000 classes."""
    return _resnet(spec, BLOCKS_101, "last 3×3")


def resnet50_fc(spec: NetworkSpec) -> Network:
    """Keras' form, with a hidden layer of 1024 units before the classifier."""
    return _resnet(spec, BLOCKS_50, "first 1×1", hidden=(HIDDEN,))


def resnet101_fc(spec: NetworkSpec) -> Network:
    """Keras' form, with a hidden layer of 1024 units before the classifier."""
    return _resnet(spec, BLOCKS_101, "first 1×1", hidden=(HIDDEN,))


def _resnet(
    spec: NetworkSpec,
    blocks: tuple[int, ...],
    halving: Halving,
    hidden: tuple[int, ...] = (),
    small: bool = False,
) -> Network:
    width = spec.scaled(CHANNELS[0])
    layers = _small_stem(spec, width) if small else _stem(spec, width)
    for stage, (channels, count) in enumerate(zip(CHANNELS, blocks, strict=True)):
        inside, outside = spec.scaled(channels), spec.scaled(EXPANSION * channels)
        for number in range(count):
            strides = _strides(halving, stage, number, count)
            block = Residual(
                _body((width, inside, outside), strides, spec.padding), _shortcut(width, outside, max(strides))
            )
            name = f"stage{stage + 1}_block{number + 1}"
            layers = (*layers, (name, block), (f"{name}_relu", ReLU()))
            width = outside
    head = pooled_head(spec, width, hidden)
    return Network((*layers, *head), spec.input, cam_layer=layers[-1][0], classifier="classifier")


def _stem(spec: NetworkSpec, width: int) -> Named:
    """Layers that leave a quarter of the pixels along every axis."""
    conv = Conv(spec.input[0], width, 7, 2, spec.padding, bias=False)
    return (
        *_normalised("stem", "stem_norm", conv),
        ("stem_relu", ReLU()),
        ("stem_pool", MaxPool(3, 2, spec.padding)),
    )


def _small_stem(spec: NetworkSpec, width: int) -> Named:
    conv = Conv(spec.input[0], width, padding=spec.padding, bias=False)
    return (*_normalised("stem", "stem_norm", conv), ("stem_relu", ReLU()))


def _strides(halving: Halving, stage: int, number: int, count: int) -> tuple[int, int]:
    """Strides of the first 1×1 and of the 3×3 convolution of block ``number`` of the ``count`` of a stage."""
    if halving == "first 1×1" and stage > 0 and number == 0:
        return 2, 1
    if halving == "first 3×3" and stage > 0 and number == 0:
        return 1, 2
    if halving == "last 3×3" and stage < len(CHANNELS) - 1 and number == count - 1:
        return 1, 2
    return 1, 1


def _body(channels: tuple[int, int, int], strides: tuple[int, int], padding: Padding) -> Named:
    before, inside, outside = channels
    return (
        *_normalised("conv1", "norm1", Conv(before, inside, 1, strides[0], bias=False)),
        ("relu1", ReLU()),
        *_normalised("conv2", "norm2", Conv(inside, inside, 3, strides[1], padding, bias=False)),
        ("relu2", ReLU()),
        *_normalised("conv3", "norm3", Conv(inside, outside, 1, bias=False)),
    )


def _shortcut(in_channels: int, out_channels: int, stride: int) -> Named:
    """A projection where the channels change; else every ``stride``-th position."""
    if in_channels != out_channels:
        return _normalised("conv", "norm", Conv(in_channels, out_channels, 1, stride, bias=False))
    return (("pick", MaxPool(1, stride)),) if stride > 1 else ()


def _normalised(name: str, norm_name: str, conv: Conv) -> Named:
    return ((name, conv), (norm_name, BatchNorm(conv.out_channels)))
