"""The networks that a run has trained, as modules to look into.

To list them takes no torch, so that a page can offer them; to build or read one does. Shapes: B images, C channels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from ddlab.data.cache import load
from ddlab.data.source import SplitName
from ddlab.decomposition import Subdomain
from ddlab.models.architecture import Network
from ddlab.problem import Problem, pose
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, StageFolder
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.stage import LOCAL

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ddlab.training.trainee import State

WHOLE_IMAGE = ("global", "composed_untrained", "composed", "random", "random_work")
UNTRAINED = "random_untrained"
DENSE = ("cnn_dnn", "coherent", "transfer")


@dataclass(frozen=True)
class TrainedNetwork:
    """A network of a run.

    Parameters
    ----------
    name
        Its key: ``local-1`` is the first subdomain's, ``coherent-1`` that of the coherent model.
    title
        What people call it.
    network
        Its description.
    box
        What it sees of the image.
    state
        Reads its weights.
    """

    name: str
    title: str
    network: Network
    box: Subdomain
    state: Callable[[], "State"]

    def module(self) -> "nn.Module":
        """The network with its weights, float32, for evaluation; none of its parameters asks for a gradient."""
        from ddlab.models.build import build

        module = build(self.network)
        module.load_state_dict(self.state())
        return module.float().eval().requires_grad_(False)


@dataclass(frozen=True)
class TrainedDNN:
    """A CNN-DNN of a run: local networks, and the DNN that decides from what they say.

    Parameters
    ----------
    dnn
        What it sees is the vector of the N·K local outputs; its ``box`` is the whole image.
    outputs
        What the DNN gets of them: probabilities or logits.
    """

    strategy: str
    local: tuple[TrainedNetwork, ...]
    dnn: TrainedNetwork
    outputs: Literal["probabilities", "logits"]


def trained_networks(run: RunFolder, seed: int) -> dict[str, TrainedNetwork]:
    """All networks that see pixels, of the stages that are done: local ones first, then those of the whole image.

    ``random_untrained`` is the network that the random start begins with; it is there as soon as any other is.
    """
    problem = pose(run.experiment)
    found = [*_local(run, problem, seed, LOCAL, "local"), *_whole(run, problem, seed)]
    for strategy in ("coherent", "transfer"):
        found += _local(run, problem, seed, strategy, strategy)
    return {trained.name: trained for trained in found}


def trained_dnns(run: RunFolder, seed: int) -> dict[str, TrainedDNN]:
    """The CNN-DNNs of the stages that are done, by strategy."""
    problem, networks = pose(run.experiment), trained_networks(run, seed)
    found = {}
    for strategy in DENSE:
        folder = run.stage(strategy, seed)
        if folder.done:
            local = LOCAL if strategy == "cnn_dnn" else strategy
            weights = partial(_dnn_weights, folder, problem.experiment.training.keep)
            description = TrainedNetwork(f"{strategy}-dnn", "DNN", dnn(problem), _whole_box(problem), weights)
            members = tuple(networks[f"{local}-{number}"] for number in range(1, len(problem.decomposition) + 1))
            outputs = "probabilities" if strategy == "cnn_dnn" else problem.experiment.coherent.outputs
            found[strategy] = TrainedDNN(strategy, members, description, outputs)
    return found


def load_images(run: RunFolder, split: SplitName, indices: Sequence[int], *, double: bool = False) -> "Tensor":
    """Whole images ``(B, C, *shape)`` of a split as the networks see them; ``box.slices`` cuts a subimage.

    Raises
    ------
    ValueError
        If there is no image of that number.
    """
    import torch

    dataset = load(run.experiment.dataset)
    images = dataset.split(split).images
    if wrong := [index for index in indices if not 0 <= index < len(images)]:
        raise ValueError(f"--images: image {wrong[0]} is not there; {split} has 0 to {len(images) - 1}")
    return normalised(run, torch.from_numpy(images[list(indices)]), split, double=double)


def normalised(run: RunFolder, images: "Tensor", split: SplitName = "train", *, double: bool = False) -> "Tensor":
    """Bytes ``(B, C, *shape)`` as the networks of a run see those of a split; images of neither as training images."""
    from ddlab.training.batches import Normalisation

    settings, problem = run.experiment.training, pose(run.experiment)
    exact = settings.model_copy(update={"precision": "float64" if double else "float32"})
    return Normalisation.of(load(run.experiment.dataset), exact, "cpu", split)(images, _whole_box(problem))


# ---- its parts


def _whole_box(problem: Problem) -> Subdomain:
    shape = problem.description.shape
    return Subdomain((0,) * len(shape), shape)


def _local(run: RunFolder, problem: Problem, seed: int, stage: str, prefix: str) -> Iterator[TrainedNetwork]:
    folder = run.stage(stage, seed)
    if not folder.done:
        return
    owner = "" if stage == LOCAL else f", {STRATEGIES[stage].title}"
    for index, (network, box) in enumerate(zip(problem.local_networks, problem.decomposition, strict=True)):
        weights = partial(_local_weights, folder, index, problem.experiment.training.keep)
        yield TrainedNetwork(f"{prefix}-{index + 1}", f"Local network {index + 1}{owner}", network, box, weights)


def _whole(run: RunFolder, problem: Problem, seed: int) -> Iterator[TrainedNetwork]:
    network, box = problem.global_network, _whole_box(problem)
    for name in WHOLE_IMAGE:
        folder = run.stage(name, seed)
        if folder.done:
            weights = partial(_weights, folder, f"{name}-{problem.experiment.training.keep}")
            yield TrainedNetwork(name, STRATEGIES[name].title, network, box, weights)
    start = partial(_first_state, network, seed)
    yield TrainedNetwork(UNTRAINED, "Random start, untrained", network, box, start)


def _weights(folder: StageFolder, name: str) -> "State":
    from ddlab.strategies.checkpoints import read_weights

    return read_weights(folder, name)


def _local_weights(folder: StageFolder, index: int, epoch: str) -> "State":
    from ddlab.models.coherent import local_name

    return _weights(folder, f"{local_name(index)}-{epoch}")


def _dnn_weights(folder: StageFolder, epoch: str) -> "State":
    from ddlab.models.coherent import DNN

    return _weights(folder, f"{DNN}-{epoch}")


def _first_state(network: Network, seed: int) -> "State":
    from ddlab.strategies.phases import new_state

    return new_state(network, seed, "random", "random")
