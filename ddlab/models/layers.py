"""Pieces that the model families share."""

from ddlab.models.architecture import (
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Named,
    ReLU,
    Shape,
)
from ddlab.models.spec import NetworkSpec


def conv_block(name: str, spec: NetworkSpec, in_channels: int, out_channels: int) -> Named:
    """3×3 convolution, batch normalisation if asked for, rectifier."""
    conv = Conv(in_channels, out_channels, padding=spec.padding, bias=not spec.batch_norm)
    norm: Named = ((f"{name}_norm", BatchNorm(out_channels)),) if spec.batch_norm else ()
    return ((name, conv), *norm, (f"{name}_relu", ReLU()))


def dense_head(spec: NetworkSpec, shape: Shape, hidden: tuple[int, ...]) -> Named:
    """All features through hidden layers to the logits; layer names are ``hidden``, ``hidden2``, ``classifier``."""
    (features,) = Flatten().output(shape)
    return (("flatten", Flatten()), *_classified(spec, features, hidden))


def pooled_head(spec: NetworkSpec, channels: int, hidden: tuple[int, ...] = ()) -> Named:
    """The mean of every map, through hidden layers if there are any, to the logits; names as in :func:`dense_head`."""
    return (("pool", GlobalAveragePool()), *_classified(spec, channels, hidden))


def _classified(spec: NetworkSpec, features: int, hidden: tuple[int, ...]) -> Named:
    layers: Named = ()
    for number, full_units in enumerate(hidden, 1):
        name, units = f"hidden{number if number > 1 else ''}", spec.scaled(full_units)
        layers = (*layers, (name, Linear(features, units)), (f"{name}_relu", ReLU()))
        features = units
    dropout: Named = (("dropout", Dropout(spec.dropout)),) if spec.dropout else ()
    return (*layers, *dropout, ("classifier", Linear(features, spec.num_classes)))


def shape_after(layers: Named, shape: Shape) -> Shape:
    """Shape of the output of ``layers`` for an input of ``shape``."""
    for _, layer in layers:
        shape = layer.output(shape)
    return shape


def can_pool(shape: Shape, smallest: int = 2) -> bool:
    """Whether every spatial extent is larger than ``smallest``, so that pooling leaves something to look at."""
    return min(shape[1:]) > smallest


def pooled_stack(spec: NetworkSpec, channels: tuple[int, ...], pool_after: tuple[int, ...]) -> Named:
    """Convolution blocks with max pooling after the given ones (counted from 1) while the map is larger than 2.

    The map of an input ``spec.pooled_as`` is meant where that is said, as long as there is something to pool.
    """
    layers: Named = ()
    at, guide = spec.input, spec.pooled_as or spec.input
    for number, width in enumerate(channels, 1):
        block = conv_block(f"conv{number}", spec, at[0], spec.scaled(width))
        if number in pool_after and can_pool(shape_after(block, guide)) and can_pool(shape_after(block, at), 1):
            block = (*block, (f"pool{number}", MaxPool()))
        at, guide = shape_after(block, at), shape_after(block, guide)
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
