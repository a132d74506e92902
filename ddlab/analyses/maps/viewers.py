"""Viewers: networks that look at whole images and decide: a global network, the local ones together, a CNN-DNN.

Shapes: B images, C channels, K classes, N subdomains.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ddlab.analyses.maps.cam import assemble_maps, class_maps, composed_cam
from ddlab.analyses.maps.layers import common_layers
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Network
from ddlab.models.build import build
from ddlab.problem import problem_of
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.trained import TrainedDNN, TrainedNetwork, trained_dnns, trained_networks

LOCAL = "local"
AT_ONCE = 2**24  # numbers in all maps of a batch, about


@dataclass(frozen=True)
class Look:
    """The output of a viewer: maps on the image ``(B, K, *shape)``, NaN where it does not look, and probabilities.

    ``logits`` ``(B, N, K)`` are those of its networks.
    """

    maps: np.ndarray
    probabilities: np.ndarray
    logits: Tensor


@dataclass(frozen=True)
class Viewer:
    """Networks that see an image, each its box, and how they decide: alone, by their mean, or by a DNN.

    Parameters
    ----------
    modules
        Of the networks, in evaluation.
    decomposition
        Their boxes; a network on the whole image has one.
    dnn
        Description and module of the DNN; None: the mean of the probabilities decides.
    outputs
        What the DNN gets: ``"probabilities"`` or ``"logits"``.
    is_of_local_stage
        Whether its networks are those that were trained on their own, and not parts of one model.
    """

    name: str
    title: str
    networks: tuple[Network, ...]
    modules: tuple[nn.Module, ...]
    decomposition: Decomposition
    dnn: tuple[Network, nn.Module] | None = None
    outputs: str = "probabilities"
    is_of_local_stage: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is one network, which sees the whole image."""
        return self.dnn is None and len(self.networks) == 1

    def look(self, images: Tensor, layer: str = "") -> Look:
        """The maps of all classes and the probabilities, of normalised images ``(B, C, *shape)``.

        Raises
        ------
        ValueError
            If the networks have no such layer; names the choices.
        """
        seen = zip(self.networks, self.modules, self.decomposition.split(images), strict=True)
        local = [class_maps(network, module, part, layer) for network, module, part in seen]
        if self.dnn is None:
            maps = assemble_maps([own.maps for own in local], self.decomposition)
        else:
            maps = composed_cam(local, self.dnn[1], self.decomposition, self.outputs).maps
        logits_BNK = torch.stack([own.logits for own in local], dim=1)
        return Look(maps.float().numpy(), self.decide(logits_BNK).numpy(), logits_BNK)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Compute the logits ``(B, N, K)`` of its networks alone, of normalised images."""
        parts = zip(self.modules, self.decomposition.split(images), strict=True)
        return torch.stack([module(laid_out(part)) for module, part in parts], dim=1)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities ``(B, K)`` alone, in batches."""
        batches = torch.from_numpy(images).split(batch_size(self.networks))
        return torch.cat([self.decide(self.logits(batch)) for batch in batches]).numpy()

    def randomised(self, seed: int) -> "Viewer":
        """Return the same viewer with freshly drawn weights: its maps show what the architecture alone contributes."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            modules = tuple(_evaluated(build(network)) for network in self.networks)
            dnn = None if self.dnn is None else (self.dnn[0], _evaluated(build(self.dnn[0])))
        return replace(self, modules=modules, dnn=dnn)

    @torch.no_grad()
    def decide(self, logits_BNK: Tensor) -> Tensor:
        """Return the probabilities ``(B, K)`` that it gives where its networks give these logits."""
        if self.dnn is None:
            return logits_BNK.softmax(2).mean(1)
        said_BNK = logits_BNK.softmax(2) if self.outputs == "probabilities" else logits_BNK
        decided_BK: Tensor = self.dnn[1](said_BNK.flatten(1)).softmax(1)
        return decided_BK


def batch_size(networks: Sequence[Network]) -> int:
    """Images of a batch, so that it fits in memory."""
    return max(1, min(64, AT_ONCE // sum(network.activations() for network in networks)))


def viewers(run: RunFolder, seed: int, layer: str = "") -> dict[str, Viewer]:
    """The viewers of a run by name, of the stages that are done: the local networks first, then whole images, CNN-DNNs.

    Raises
    ------
    ValueError
        If the run has no such seed, no weights yet or none anymore, or its networks have no (such) maps.
    """
    _check_weights(run, seed)
    _check_layer([trained.network for trained in trained_networks(run, seed).values()], layer)
    return deciders(run, seed)


def deciders(run: RunFolder, seed: int) -> dict[str, Viewer]:
    """Return the same as :func:`viewers`, also of networks that have no maps.

    Raises
    ------
    ValueError
        If the run has no such seed, no weights yet or none anymore.
    """
    _check_weights(run, seed)
    problem, networks = problem_of(run), trained_networks(run, seed)
    local = [networks[key] for key in networks if key.startswith(f"{LOCAL}-")]
    found = [_together(local, problem.decomposition)] if local else []
    whole = Decomposition.from_grid(problem.description.shape, (1,) * len(problem.description.shape))
    alone = [trained for trained in networks.values() if trained.box == whole.subdomains[0] and "-" not in trained.name]
    found += [_alone(trained, whole) for trained in alone]
    found += [_dense(dnn, problem.decomposition) for dnn in trained_dnns(run, seed).values()]
    return {viewer.name: viewer for viewer in found}


def in_batches(viewer: Viewer, images: Tensor, layer: str = "") -> Iterator[Look]:
    """Yield what a viewer sees of normalised images, batch by batch."""
    return (viewer.look(laid_out(batch), layer) for batch in images.split(batch_size(viewer.networks)))


# ---- its parts


def _check_weights(run: RunFolder, seed: int) -> None:
    run.check_seed(seed)
    if not any(run.stage(result["stage"], seed).has_weights for result in run.results()):
        raise ValueError(f"run {run.id} has no weights to look into: train first, and keep the weights")


def _check_layer(networks: Sequence[Network], layer: str) -> None:
    choices = common_layers(networks)
    if layer and layer not in choices:
        raise ValueError(unknown("layer", layer, choices))
    if not choices or not all(network.cam_layer for network in networks):
        raise ValueError("the networks of this run have no maps: all of their layers are fully connected")


def _together(local: Sequence[TrainedNetwork], decomposition: Decomposition) -> Viewer:
    return _viewer(LOCAL, "Local networks", local, decomposition)


def _alone(trained: TrainedNetwork, whole: Decomposition) -> Viewer:
    return _viewer(trained.name, trained.title, [trained], whole)


def _dense(dnn: TrainedDNN, decomposition: Decomposition) -> Viewer:
    viewer = _viewer(dnn.strategy, STRATEGIES[dnn.strategy].title, dnn.local, decomposition)
    return replace(viewer, dnn=(dnn.dnn.network, dnn.dnn.module()), outputs=dnn.outputs)


def _viewer(name: str, title: str, parts: Sequence[TrainedNetwork], decomposition: Decomposition) -> Viewer:
    modules = tuple(_evaluated(part.module()) for part in parts)
    viewer = Viewer(name, title, tuple(part.network for part in parts), modules, decomposition)
    return replace(viewer, is_of_local_stage={part.stage for part in parts} == {LOCAL})


def _evaluated(module: nn.Module) -> nn.Module:
    """Put a module into evaluation mode, with channels last where there are two axes: that is faster."""
    module = module.eval().requires_grad_(False)
    is_flat = any(parameter.dim() == 4 for parameter in module.parameters())
    if is_flat:
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
    return module


def laid_out(images: Tensor) -> Tensor:
    """Return images with the layout in memory that the viewers' modules have."""
    return images.contiguous(memory_format=torch.channels_last) if images.dim() == 4 else images
