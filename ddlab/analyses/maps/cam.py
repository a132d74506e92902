"""Class activation maps: where a network sees what speaks for a class, and against it.

Maps are signed and share one unit. In a network that ends in global average pooling and one linear layer, the map of
class c is M_c = sum over n of w_n^c X_n, of the pooled maps X_n and the classifier's weights: its mean, plus the bias,
is the logit. Elsewhere Grad-CAM takes the mean gradient of the logit in place of the weight; times the number of
positions it is the same map where both apply. Every function leaves the module as it was: no hook stays, no gradient is
written, and each part gets its mode back. Shapes: B images, C channels, K classes, N subdomains.

References
----------
Zhou, Khosla, Lapedriza, Oliva, Torralba 2016, "Learning Deep Features for Discriminative Localization".
Selvaraju et al. 2017, "Grad-CAM". Gu, Zhang, Liu, Cai, ETNA 56, 2022: Fig. 3.8.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ddlab.analyses.maps.layers import cam_layer, is_analytic
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Network
from ddlab.models.folded import MAXIMA, evaluate, largest
from ddlab.registry import unknown

UPSAMPLING = {1: "linear", 2: "bilinear", 3: "trilinear"}


@dataclass(frozen=True)
class ClassMaps:
    """The maps of all classes ``(B, K, *map)``, one number a position of a layer, and the logits ``(B, K)``."""

    maps: Tensor
    logits: Tensor


def class_maps(network: Network, module: nn.Module, images: Tensor, layer: str = "") -> ClassMaps:
    """The maps of all classes, analytic where the network allows it and by Grad-CAM elsewhere.

    Parameters
    ----------
    network
        What ``module`` was built from.
    images
        What the network sees, ``(B, C, *spatial)``.
    layer
        Whose maps are weighted; empty: the network's ``cam_layer``.

    Raises
    ------
    ValueError
        If the network has no such layer, or none with maps at all; names the choices.
    """
    layer = cam_layer(network, layer)
    if is_analytic(network, layer):
        return analytic_cam(network, module, images)
    if "." in layer:  # inside a residual block: only a hook gets there
        return captum_cam(module, images, layer)
    found = grad_cam(module, images, layer)
    return ClassMaps(found.maps * math.prod(found.maps.shape[2:]), found.logits)


def analytic_cam(network: Network, module: nn.Module, images: Tensor) -> ClassMaps:
    """Zhou et al.'s maps, in one forward pass: ``maps.mean(positions) + bias == logits``.

    Raises
    ------
    ValueError
        If the network does not end in global average pooling and one linear layer.
    """
    layer = network.cam_layer
    if not is_analytic(network, layer):
        raise ValueError(
            "layer: analytic class activation maps need a network that ends in global average pooling and one linear "
            f"layer; this one ends in {', '.join(name for name, _ in network.layers[-3:])}: use Grad-CAM"
        )
    front, back = _split(module, layer)
    with as_found(module), torch.no_grad():
        pooled = evaluate(front, images)
        weights_KC = back.get_submodule(network.classifier).weight
        maps = torch.einsum("bc...,kc->bk...", pooled, weights_KC)
        return ClassMaps(maps, back(pooled))


def grad_cam(module: nn.Module, images: Tensor, layer: str, classes: Sequence[int] | None = None) -> ClassMaps:
    """Selvaraju et al.'s maps without their final rectifier: one forward pass, and one short backward pass a class.

    The mean gradient of a map is the slope of the logit along a shift of the whole map, over the number of positions;
    so the backward passes end at one number a map. The logits of all images are added up before they are
    differentiated: in evaluation no image has a part in another's logit. The values are those of captum's
    ``LayerGradCam``.

    Parameters
    ----------
    layer
        A layer of the sequence that ``module`` is; the backward passes go no further back than to its output.
    classes
        Classes to map, all if None.

    Raises
    ------
    ValueError
        If there is no such class; names the choices.
    """
    front, back = _split(module, layer)
    with as_found(module):
        outputs = evaluate(front, images)
        shift_BC = outputs.new_zeros(outputs.shape[:2]).requires_grad_()
        with torch.enable_grad():
            logits = _shifted(back, outputs, shift_BC)
            asked = _classes(classes, logits.shape[1])
            slopes = [torch.autograd.grad(logits[:, c].sum(), shift_BC, retain_graph=True)[0] for c in asked]
        weights_BKC = torch.stack(slopes, dim=1) / math.prod(outputs.shape[2:])
        maps = torch.einsum("bc...,bkc->bk...", outputs, weights_BKC)
    return ClassMaps(maps, logits.detach())


def _shifted(back: nn.Sequential, outputs: Tensor, shift_BC: Tensor) -> Tensor:
    """Logits of the layers behind some maps, as they depend on a shift, now 0, of each map as a whole."""
    layers = list[Any](back)
    while layers and isinstance(layers[0], MAXIMA):  # they hand every gradient on to one position
        outputs = largest(layers.pop(0), outputs)
    if [type(layer) for layer in layers[:2]] == [nn.Flatten, nn.Linear]:  # a shift meets the sum of a map's weights
        flatten, hidden = layers[:2]
        sums_HC = hidden.weight.detach().unflatten(1, (outputs.shape[1], -1)).sum(2)
        logits: Tensor = nn.Sequential(*layers[2:])(hidden(flatten(outputs)) + shift_BC @ sums_HC.T)
    else:
        logits = nn.Sequential(*layers)(outputs + shift_BC.unflatten(1, (-1, *(1 for _ in outputs.shape[2:]))))
    return logits


def captum_cam(module: nn.Module, images: Tensor, layer: str) -> ClassMaps:
    """Grad-CAM through captum, times the number of positions: for any layer, at a forward pass a class."""
    from captum.attr import LayerGradCam

    with as_found(module):
        with torch.no_grad():
            logits = module(images)
        explain = LayerGradCam(module, module.get_submodule(layer))
        with _differentiable(images) as inputs:
            maps = [explain.attribute(inputs, target=c).detach() for c in range(logits.shape[1])]
    joined = torch.cat(maps, dim=1)
    return ClassMaps(joined * math.prod(joined.shape[2:]), logits)


# ---- on the image


def assemble_maps(
    maps: Sequence[Tensor], decomposition: Decomposition, overlaps: Literal["mean", "sum"] = "mean"
) -> Tensor:
    """Put the maps of N subdomains on the image, each stretched over its box.

    Parameters
    ----------
    maps
        ``(B, K, *map)``, one a subdomain, of any resolution.
    overlaps
        Whether pixels of several boxes get the mean of their maps or the sum.

    Returns
    -------
    Tensor
        ``(B, K, *shape)``, NaN where no box is.
    """
    boxes = decomposition.subdomains
    mode = UPSAMPLING[len(decomposition.shape)]
    stretched = [interpolate(own, box.shape, mode=mode) for own, box in zip(maps, boxes, strict=True)]
    count = stretched[0].new_tensor(decomposition.multiplicity)
    whole = decomposition.merge(stretched)
    return torch.where(count > 0, whole if overlaps == "mean" else whole * count, torch.nan)


# ---- a CNN-DNN


def composed_cam(local: Sequence[ClassMaps], dnn: nn.Module, decomposition: Decomposition, outputs: str) -> ClassMaps:
    """The map of a whole CNN-DNN, from the maps of its local networks.

    The DNN gives class c the logit s_c, from the outputs p_kj of all local networks k and classes j. The map of class c
    is the sum over all k and j of (ds_c / dp_kj) · L_kj, with L_kj the map of class j of local network k, placed at its
    box. Where boxes overlap both networks have their say, so their parts add up. All of it has one unit, and is
    negative where something speaks against c. If the DNN were linear and got logits of pooling networks, the means over
    the boxes would add up to s_c but for the biases.

    Parameters
    ----------
    local
        Of every local network, in the order of the subdomains.
    dnn
        From the vector of N·K outputs to K logits.
    outputs
        What it gets: ``"probabilities"`` or ``"logits"``.
    """
    said_BNK = torch.stack([own.logits for own in local], dim=1)
    if outputs == "probabilities":
        said_BNK = said_BNK.softmax(-1)
    with as_found(dnn), torch.enable_grad():
        leaf = said_BNK.detach().requires_grad_()
        logits = dnn(leaf.flatten(1))
        gradients = [torch.autograd.grad(s.sum(), leaf, retain_graph=True)[0] for s in logits.unbind(1)]
    slopes_BKNJ = torch.stack(gradients, dim=1)
    parts = [torch.einsum("bcj,bj...->bc...", slopes_BKNJ[:, :, k], own.maps) for k, own in enumerate(local)]
    return ClassMaps(assemble_maps(parts, decomposition, "sum"), logits.detach())


# ---- leaving the module alone


@contextmanager
def as_found(module: nn.Module) -> Iterator[None]:
    """Switch a module to evaluation, and give each of its parts its own mode back at the end."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def _differentiable(images: Tensor) -> Iterator[Tensor]:
    """Let images require gradients, so that every layer's output has some though no parameter requires one."""
    with torch.enable_grad():
        yield images.clone().requires_grad_()


def _split(module: nn.Module, layer: str) -> tuple[nn.Sequential, nn.Sequential]:
    """The layers up to ``layer`` and those behind it; both share the module's parts."""
    parts = list(module.named_children())
    names = [name for name, _ in parts]
    if layer not in names:
        raise ValueError(unknown("layer", layer, names))
    behind = names.index(layer) + 1
    return nn.Sequential(OrderedDict(parts[:behind])), nn.Sequential(OrderedDict(parts[behind:]))


def _classes(classes: Sequence[int] | None, count: int) -> Sequence[int]:
    asked = range(count) if classes is None else classes
    if wrong := [index for index in asked if not 0 <= index < count]:
        raise ValueError(f"class: the network knows the classes 0 to {count - 1}, got {wrong[0]}")
    return asked
