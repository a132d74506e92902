"""The networks that a run has trained, as modules to look into.

To list them takes no torch, so that a page can offer them; to build or read one does. Shapes: B images, C channels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ddlab.data.cache import load
from ddlab.data.source import SplitName
from ddlab.decomposition import Subdomain
from ddlab.models.architecture import Network
from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder, StageFolder
from ddlab.strategies.stage import LOCAL, KeptNetwork, Outputs, Stage, plan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ddlab.training.trainee import State

UNTRAINED = "random_untrained"


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
    stage
        The stage that left it; empty for one that no stage trained.
    """

    name: str
    title: str
    network: Network
    box: Subdomain
    state: Callable[[], "State"]
    stage: str

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
    outputs: Outputs


def trained_networks(run: RunFolder, seed: int) -> dict[str, TrainedNetwork]:
    """Read all networks that see pixels, of the stages that are done, in the order of the stages.

    ``random_untrained`` is the network that the random start begins with; it is there as soon as any other is.
    """
    problem = problem_of(run)
    found = [_trained(kept, folder, problem) for stage, folder in _done(run, problem, seed) for kept in stage.networks]
    start = partial(_first_state, problem.global_network, seed)
    network = TrainedNetwork(UNTRAINED, "Random, untrained", problem.global_network, problem.whole_image, start, "")
    return {trained.name: trained for trained in [*found, network]}


def trained_dnns(run: RunFolder, seed: int) -> dict[str, TrainedDNN]:
    """Read the CNN-DNNs of the stages that are done, by strategy."""
    problem, networks = problem_of(run), trained_networks(run, seed)
    found = {}
    for stage, folder in _done(run, problem, seed):
        if stage.dnn:
            members = tuple(networks[name] for name in stage.dnn.members)
            found[stage.name] = TrainedDNN(
                stage.name, members, _trained(stage.dnn.dnn, folder, problem), stage.dnn.outputs
            )
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

    settings, problem = run.experiment.training, problem_of(run)
    exact = settings.model_copy(update={"precision": "float64" if double else "float32"})
    return Normalisation.of(load(run.experiment.dataset), exact, "cpu", split)(images, problem.whole_image)


# ---- its parts


def _done(run: RunFolder, problem: Problem, seed: int) -> list[tuple[Stage, StageFolder]]:
    """The stages of a run that are done, with their folders; those of local networks first."""
    folders = ((stage, run.stage(stage.name, seed)) for stage in plan(problem))
    return sorted(((stage, folder) for stage, folder in folders if folder.done), key=lambda pair: pair[0].name != LOCAL)


def _trained(kept: KeptNetwork, folder: StageFolder, problem: Problem) -> TrainedNetwork:
    weights = partial(_weights, folder, f"{kept.file}-{problem.experiment.training.keep}")
    return TrainedNetwork(kept.name, kept.title, kept.network, kept.box, weights, folder.name)


def _weights(folder: StageFolder, name: str) -> "State":
    from ddlab.strategies.checkpoints import read_weights

    return read_weights(folder, name)


def _first_state(network: Network, seed: int) -> "State":
    from ddlab.strategies.phases import new_state

    return new_state(network, seed, "random", "random")
