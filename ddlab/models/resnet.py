"""Residual networks of He, Zhang, Ren, Sun (2016) for small images: stages of blocks of two 3×3 convolutions.

The networks that He et al. made for small images have three stages of n blocks. ResNet18 and ResNet34 have the four
stages of their networks for photographs, behind a stem that leaves small images as large as they are: 3×3, no pooling.
Shortcuts that change the shape are 1×1 projections (option B): zero padding (option A) does not commute with putting
local networks side by side, which the composed network needs. Convolutions have no bias: of the sums that batch
normalisation follows or is part of, it would shift nothing that the normalisation does not shift already.
"""

from ddlab.models.architecture import BatchNorm, Conv, Named, Network, ReLU, Residual
from ddlab.models.layers import pooled_head
from ddlab.models.spec import NetworkSpec

HE = (16, 32, 64)
GU = (64, 128, 256)
FOUR_STAGES = (64, 128, 256, 512)


def resnet20(spec: NetworkSpec) -> Network:
    """Three blocks a stage, 16, 32 and 64 channels: 272,474 parameters for 3×32×32 and 10 classes."""
    return _resnet(spec, blocks=(3, 3, 3), channels=HE)


def resnet32(spec: NetworkSpec) -> Network:
    """Five blocks a stage, 64, 128 and 256 channels, projections without batch normalisation."""
    return _resnet(spec, blocks=(5, 5, 5), channels=GU, norm_projections=False)


def resnet56(spec: NetworkSpec) -> Network:
    """Build :func:`resnet32` with nine blocks a stage."""
    return _resnet(spec, blocks=(9, 9, 9), channels=GU, norm_projections=False)


def resnet110(spec: NetworkSpec) -> Network:
    """Build :func:`resnet32` with 18 blocks a stage."""
    return _resnet(spec, blocks=(18, 18, 18), channels=GU, norm_projections=False)


def resnet18(spec: NetworkSpec) -> Network:
    """Two blocks a stage, 64, 128, 256 and 512 channels: 11,173,962 parameters for 3×32×32 and 10 classes."""
    return _resnet(spec, blocks=(2, 2, 2, 2), channels=FOUR_STAGES)


def resnet34(spec: NetworkSpec) -> Network:
    """Build :func:`resnet18` with 3, 4, 6 and 3 blocks: 21,282,122 parameters for 3×32×32 and 10 classes."""
    return _resnet(spec, blocks=(3, 4, 6, 3), channels=FOUR_STAGES)


def _resnet(
    spec: NetworkSpec, blocks: tuple[int, ...], channels: tuple[int, ...], norm_projections: bool = True
) -> Network:
    width = spec.scaled(channels[0])
    layers: Named = (
        ("stem", Conv(spec.input[0], width, padding=spec.padding, bias=False)),
        ("stem_norm", BatchNorm(width)),
        ("stem_relu", ReLU()),
    )
    for stage, (stage_channels, count) in enumerate(zip(channels, blocks, strict=True), 1):
        for number in range(1, count + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            out_channels = spec.scaled(stage_channels)
            block = basic_block(spec, width, out_channels, stride, norm_projections)
            name = f"stage{stage}_block{number}"
            layers = (*layers, (name, block), (f"{name}_relu", ReLU()))
            width = out_channels
    head = pooled_head(spec, width)
    return Network((*layers, *head), spec.input, cam_layer=layers[-1][0], classifier="classifier")


def basic_block(
    spec: NetworkSpec, in_channels: int, out_channels: int, stride: int, norm_projection: bool = True
) -> Residual:
    """Two 3×3 convolutions, the first with the stride, beside a projection where shapes change; no rectifier behind."""
    return Residual(
        _body(spec, in_channels, out_channels, stride), _shortcut(in_channels, out_channels, stride, norm_projection)
    )


def _body(spec: NetworkSpec, in_channels: int, out_channels: int, stride: int) -> Named:
    return (
        ("conv1", Conv(in_channels, out_channels, stride=stride, padding=spec.padding, bias=False)),
        ("norm1", BatchNorm(out_channels)),
        ("relu", ReLU()),
        ("conv2", Conv(out_channels, out_channels, padding=spec.padding, bias=False)),
        ("norm2", BatchNorm(out_channels)),
    )


def _shortcut(in_channels: int, out_channels: int, stride: int, norm: bool) -> Named:
    if stride == 1 and in_channels == out_channels:
        return ()
    normalised: Named = (("norm", BatchNorm(out_channels)),) if norm else ()
    return (("conv", Conv(in_channels, out_channels, kernel=1, stride=stride, bias=False)), *normalised)
