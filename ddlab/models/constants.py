"""Constants of another library: the same network with Keras' batch normalisation and first weights."""

from dataclasses import replace
from typing import Literal

from ddlab.models.architecture import BatchNorm, Layer, Named, Network, Residual

KERAS_MOMENTUM, KERAS_EPS = 0.01, 1e-3  # of a new batch; Keras' own number is 0.99


def with_constants(network: Network, constants: Literal["torch", "keras"]) -> Network:
    """The network with the constants of a library; torch's are those with which networks are described.

    Keras' networks keep 0.99 of their running statistics with every batch, add 0.001 to variances, and begin with
    weights from a normal distribution cut off at two deviations (``he_normal``), the classifier's too.

    References
    ----------
    ``keras-team/keras``, ``examples/cifar10_resnet.py``, on which Gu, Zhang, Liu and Cai's counts agree to the unit.
    """
    if constants == "torch":
        return network
    return replace(network, layers=_keras(network.layers), weights="keras")


def _keras(layers: Named) -> Named:
    return tuple((name, _layer(layer)) for name, layer in layers)


def _layer(layer: Layer) -> Layer:
    if isinstance(layer, BatchNorm):
        return replace(layer, momentum=KERAS_MOMENTUM, eps=KERAS_EPS)
    if isinstance(layer, Residual):
        return replace(layer, body=_keras(layer.body), shortcut=_keras(layer.shortcut))
    return layer
