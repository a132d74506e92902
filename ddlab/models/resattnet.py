"""Residual networks with self-attention for volumes, after Zhang et al.'s 3D-ResAttNet; images and signals will do.

A block of the paper is a residual layer of two 3×3×3 convolutions and self-attention behind it; its code is not public.
Here one attention stands behind every stage, as all blocks of a stage have maps of one size, and only where the map
has at most 4096 positions: its weights are one number a pair of positions, 64 MiB a sample at the limit. Of 32×40×32
voxels the first stage has 16×20×16 = 5120 positions and no attention, the others have 640.

The stem halves the maps, and so does the first block of stages 2 to 4, while as many positions remain as a cube of
side 8 has (in two dimensions a square): class activation maps of a small volume can still say where.

References
----------
Zhang, Han, Cong, Zhang, Dancey 2022, "An Explainable 3D Residual Self-Attention Deep Neural Network for Joint Atrophy
Localization and Alzheimer's Disease Diagnosis Using Structural MRI", IEEE JBHI 26(11). Akintoye et al. 2023, Section
4.1.1. Stages and channels are those of He et al.'s ResNet18 and ResNet34.
"""

import math

from ddlab.models.architecture import BatchNorm, Conv, Named, Network, ReLU, Shape
from ddlab.models.attention import SelfAttention
from ddlab.models.layers import pooled_head, shape_after
from ddlab.models.resnet import FOUR_STAGES, basic_block
from ddlab.models.spec import NetworkSpec

MOST_POSITIONS = 4096  # that attention is over
SMALLEST_SIDE = 8  # of the cube whose positions remain when maps are halved


def resattnet18(spec: NetworkSpec) -> Network:
    """Two blocks a stage, 64, 128, 256 and 512 channels."""
    return _resattnet(spec, blocks=(2, 2, 2, 2))


def resattnet34(spec: NetworkSpec) -> Network:
    """Build :func:`resattnet18` with 3, 4, 6 and 3 blocks."""
    return _resattnet(spec, blocks=(3, 4, 6, 3))


def _resattnet(spec: NetworkSpec, blocks: tuple[int, ...]) -> Network:
    width = spec.scaled(FOUR_STAGES[0])
    layers: Named = (
        ("stem", Conv(spec.input[0], width, stride=_stride(spec.input), padding=spec.padding, bias=False)),
        ("stem_norm", BatchNorm(width)),
        ("stem_relu", ReLU()),
    )
    for stage, (channels, count) in enumerate(zip(FOUR_STAGES, blocks, strict=True), 1):
        for number in range(1, count + 1):
            halves = stage > 1 and number == 1
            stride = _stride(shape_after(layers, spec.input)) if halves else 1
            name, out_channels = f"stage{stage}_block{number}", spec.scaled(channels)
            block = basic_block(spec, width, out_channels, stride)
            layers = (*layers, (name, block), (f"{name}_relu", ReLU()))
            width = out_channels
        if math.prod(shape_after(layers, spec.input)[1:]) <= MOST_POSITIONS:
            layers = (*layers, (f"stage{stage}_attention", SelfAttention(width, kept=stage < len(FOUR_STAGES))))
    head = pooled_head(spec, width)
    return Network((*layers, *head), spec.input, cam_layer=layers[-1][0], classifier="classifier")


def _stride(shape: Shape) -> int:
    """2 where a map of ``shape`` is large enough to be halved, else 1."""
    halved = math.prod(math.ceil(extent / 2) for extent in shape[1:])
    return 2 if halved >= SMALLEST_SIDE ** (len(shape) - 1) else 1
