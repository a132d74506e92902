"""Residual networks of He, Zhang, Ren, Sun (2016) for small images: three stages of n blocks.

Shortcuts that change the shape are 1×1 projections (option B): zero padding (option A) does not commute with putting
local networks side by side, which the composed network needs.
"""

from ddlab.models.architecture import (
    BatchNorm,
    Conv,
    Dropout,
    GlobalAveragePool,
    Linear,
    Named,
    Network,
    ReLU,
    Residual,
)
from ddlab.models.spec import NetworkSpec


def resnet20(spec: NetworkSpec) -> Network:
    """Three blocks a stage, 16, 32 and 64 channels: 272,474 parameters for 3×32×32 and 10 classes."""
    return _resnet(spec, blocks=3, channels=(16, 32, 64))


def _resnet(spec: NetworkSpec, blocks: int, channels: tuple[int, ...]) -> Network:
    width = spec.scaled(channels[0])
    layers: Named = (
        ("stem", Conv(spec.input[0], width, padding=spec.padding, bias=False)),
        ("stem_norm", BatchNorm(width)),
        ("stem_relu", ReLU()),
    )
    for stage, stage_channels in enumerate(channels, 1):
        for number in range(1, blocks + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            out_channels = spec.scaled(stage_channels)
            name = f"stage{stage}_block{number}"
            layers = (*layers, (name, _block(spec, width, out_channels, stride)), (f"{name}_relu", ReLU()))
            width = out_channels
    cam_layer = layers[-1][0]
    dropout: Named = (("dropout", Dropout(spec.dropout)),) if spec.dropout else ()
    head: Named = (("pool", GlobalAveragePool()), *dropout, ("classifier", Linear(width, spec.num_classes)))
    return Network((*layers, *head), spec.input, cam_layer=cam_layer, classifier="classifier")


def _block(spec: NetworkSpec, in_channels: int, out_channels: int, stride: int) -> Residual:
    body: Named = (
        ("conv1", Conv(in_channels, out_channels, stride=stride, padding=spec.padding, bias=False)),
        ("norm1", BatchNorm(out_channels)),
        ("relu", ReLU()),
        ("conv2", Conv(out_channels, out_channels, padding=spec.padding, bias=False)),
        ("norm2", BatchNorm(out_channels)),
    )
    if stride == 1 and in_channels == out_channels:
        return Residual(body)
    projection: Named = (
        ("conv", Conv(in_channels, out_channels, kernel=1, stride=stride, bias=False)),
        ("norm", BatchNorm(out_channels)),
    )
    return Residual(body, projection)
