"""A network's description as a tree of plain values, for files: written and read back without torch."""

from dataclasses import fields
from typing import Any

from ddlab.models import architecture as a
from ddlab.models.attention import SelfAttention
from ddlab.registry import unknown

LAYERS = {
    layer.__name__: layer
    for layer in (
        a.Conv,
        a.BatchNorm,
        a.ReLU,
        a.Sigmoid,
        a.MaxPool,
        a.GlobalAveragePool,
        a.Flatten,
        a.Linear,
        a.Dropout,
        a.Residual,
        SelfAttention,
    )
}


def to_tree(network: a.Network) -> dict[str, Any]:
    """The whole description: layers by name and kind, the input's shape, the names of two layers."""
    return {
        "input": list(network.input),
        "cam_layer": network.cam_layer,
        "classifier": network.classifier,
        "weights": network.weights,
        "layers": _named_tree(network.layers),
    }


def from_tree(tree: dict[str, Any]) -> a.Network:
    """The network that :func:`to_tree` described.

    Raises
    ------
    ValueError
        If the tree has a layer of an unknown kind, or is not one that ddlab wrote.
    """
    try:
        named = (tree["cam_layer"], tree["classifier"], tree.get("weights", "he"))
        return a.Network(_named(tree["layers"]), tuple(tree["input"]), *named)
    except (KeyError, TypeError) as error:
        raise ValueError(f"description of a network: is not as ddlab writes it ({error!r})") from None


def _named_tree(layers: a.Named) -> list[Any]:
    return [[name, _layer_tree(layer)] for name, layer in layers]


def _layer_tree(layer: a.Layer) -> dict[str, Any]:
    if isinstance(layer, a.Residual):
        return {"kind": "Residual", "body": _named_tree(layer.body), "shortcut": _named_tree(layer.shortcut)}
    values: Any = layer  # every layer is a dataclass; the base class is not
    return {"kind": type(layer).__name__} | {field.name: getattr(layer, field.name) for field in fields(values)}


def _named(tree: list[Any]) -> a.Named:
    return tuple((name, _layer(dict(layer))) for name, layer in tree)


def _layer(tree: dict[str, Any]) -> a.Layer:
    kind = tree.pop("kind")
    if kind not in LAYERS:
        raise ValueError(unknown("layer", kind, LAYERS))
    if kind == "Residual":
        return a.Residual(_named(tree["body"]), _named(tree["shortcut"]))
    build: Any = LAYERS[kind]
    layer: a.Layer = build(**tree)
    return layer
