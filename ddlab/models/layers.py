"""Pieces that the model families share."""

from ddlab.models.architecture import BatchNorm, Conv, Dropout, Flatten, Linear, MaxPool, Named, ReLU, Shape
from ddlab.models.spec import NetworkSpec


def conv_block(name: str, spec: NetworkSpec, in_channels: int, out_channels: int) -> Named:
    """3×3 convolution, batch normalisation if asked for, rectifier."""
    conv = Conv(in_channels, out_channels, padding=spec.padding, bias=not spec.batch_norm)
    norm: Named = ((f"{name}_norm", BatchNorm(out_channels)),) if spec.batch_norm else ()
    return ((name, conv), *norm, (f"{name}_relu", ReLU()))


def dense_head(spec: NetworkSpec, shape: Shape, hidden: int) -> Named:
    """All features through one hidden layer to the logits; the layer names are ``hidden`` and ``classifier``."""
    (features,) = Flatten().output(shape)
    dropout: Named = (("dropout", Dropout(spec.dropout)),) if spec.dropout else ()
    units = spec.scaled(hidden)
    return (
        ("flatten", Flatten()),
        ("hidden", Linear(features, units)),
        ("hidden_relu", ReLU()),
        *dropout,
        ("classifier", Linear(units, spec.num_classes)),
    )


def shape_after(layers: Named, shape: Shape) -> Shape:
    """Shape of the output of ``layers`` for an input of ``shape``."""
    for _, layer in layers:
        shape = layer.output(shape)
    return shape


def can_pool(shape: Shape, smallest: int = 2) -> bool:
    """Whether every spatial extent is larger than ``smallest``, so that pooling leaves something to look at."""
    return min(shape[1:]) > smallest


def pooled_stack(spec: NetworkSpec, channels: tuple[int, ...], pool_after: tuple[int, ...]) -> Named:
    """Convolution blocks with max pooling after the given ones (counted from 1) while the map is larger than 2."""
    layers: Named = ()
    at = spec.input
    for number, width in enumerate(channels, 1):
        block = conv_block(f"conv{number}", spec, at[0], spec.scaled(width))
        at = shape_after(block, at)
        if number in pool_after and can_pool(at):
            block = (*block, (f"pool{number}", MaxPool()))
            at = MaxPool().output(at)
        layers = (*layers, *block)
    return layers


def mlp(inputs: int, hidden: tuple[int, ...], num_classes: int, dropout: float) -> Named:
    """Hidden rectified layers of the given sizes, then the logits."""
    layers: Named = ()
    for number, units in enumerate(hidden, 1):
        regularised: Named = ((f"dropout{number}", Dropout(dropout)),) if dropout else ()
        layers = (*layers, (f"hidden{number}", Linear(inputs, units)), (f"relu{number}", ReLU()), *regularised)
        inputs = units
    return (*layers, ("classifier", Linear(inputs, num_classes)))
