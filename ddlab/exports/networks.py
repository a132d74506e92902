"""Networks of a run that can be exported, and what one must know to use them. Listing them takes no torch."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddlab.data.cache import load
from ddlab.decomposition import Subdomain
from ddlab.exports import FORMATS, SCHEMA
from ddlab.files import write_atomically
from ddlab.models.architecture import Shape
from ddlab.models.written import to_tree
from ddlab.registry import choose, unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.trained import TrainedDNN, TrainedNetwork, trained_dnns, trained_networks

if TYPE_CHECKING:
    from torch import nn

DIGITS = 9  # of means and deviations: more than a float32 has


@dataclass(frozen=True)
class Exported:
    """A network on its way out.

    Parameters
    ----------
    module
        Ready for evaluation, float32, from normalised images to logits.
    input
        Shape of one image, as the module sees it.
    facts
        What else one must know, as plain values: see :func:`exported`.
    """

    module: "nn.Module"
    input: Shape
    facts: dict[str, Any]


def exportable(run: RunFolder, seed: int) -> dict[str, str]:
    """Names and titles of the networks of a run: those that see pixels, and the CNN-DNNs as a whole.

    None of a copy without weights, nor of a run of which no stage is done.
    """
    if not any(run.stage(result["stage"], seed).has_weights for result in run.results()):
        return {}
    titles = {name: trained.title for name, trained in trained_networks(run, seed).items()}
    return titles | {name: f"{STRATEGIES[name].title}, all of it" for name in trained_dnns(run, seed)}


def export_network(run: RunFolder, seed: int, name: str, file_format: str, path: Path) -> None:
    """Write a network of a run to a file.

    Parameters
    ----------
    name
        One of :func:`exportable`.
    file_format
        A key of ``FORMATS``.

    Raises
    ------
    ValueError
        If the seed, the network, the format or the file's folder is not there; names it and the choices.
    """
    write = choose(FORMATS, file_format, "format")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"out: there is no folder {path.parent} to write {path.name} into")
    write_atomically(path, partial(write.load(), exported(run, seed, name)))


def exported(run: RunFolder, seed: int, name: str) -> Exported:
    """A network with its facts.

    ``image`` and ``box`` say what it sees of which image; ``normalisation`` how bytes become its input; ``classes``
    what its logits stand for; ``network`` describes its layers, for :func:`ddlab.exports.reader.read_network`.

    Raises
    ------
    ValueError
        If the run has no such seed or network; names the choices.
    """
    run.check_seed(seed)
    networks, dnns = trained_networks(run, seed), trained_dnns(run, seed)
    if name in networks:
        module, described, box = _network(networks[name])
    elif name in dnns:
        module, described, box = _cnn_dnn(dnns[name])
    else:
        choices = {**networks, **dnns}
        raise ValueError(unknown("network", name, choices) if name else f"network: say which of {', '.join(choices)}")
    description = load(run.experiment.dataset).description
    facts = {
        "ddlab": SCHEMA,
        "name": name,
        "title": exportable(run, seed)[name],
        "run": run.id,
        "seed": seed,
        "classes": list(description.classes),
        "image": [description.channels, *description.shape],
        "box": {"start": list(box.start), "stop": list(box.stop)},
        "normalisation": _normalisation(run, box),
        "outputs": "logits, one a class; softmax makes them probabilities",
        "network": described,
    }
    return Exported(module, (description.channels, *box.shape), facts)


def _network(trained: TrainedNetwork) -> tuple["nn.Module", dict[str, Any], Subdomain]:
    return trained.module(), {"kind": "network", **to_tree(trained.network)}, trained.box


def _cnn_dnn(trained: TrainedDNN) -> tuple["nn.Module", dict[str, Any], Subdomain]:
    from ddlab.exports.reader import built

    described = {
        "kind": "cnn_dnn",
        "local": [to_tree(part.network) for part in trained.local],
        "boxes": [[list(part.box.start), list(part.box.stop)] for part in trained.local],
        "dnn": to_tree(trained.dnn.network),
        "outputs": trained.outputs,
    }
    module = built(described)
    for name, part in zip((*module.names, "dnn"), (*trained.local, trained.dnn), strict=True):
        module.get_submodule(name).load_state_dict(part.state())
    return module.float().eval().requires_grad_(False), described, trained.dnn.box


def _normalisation(run: RunFolder, box: Subdomain) -> dict[str, Any]:
    """Mean and standard deviation on the scale 0..1, a channel or, where they differ, a pixel of the box.

    Where every split has its own (``training.subtract`` "set"), those of the training images: a new image has no split.
    """
    from ddlab.training.batches import Normalisation

    exact = run.experiment.training.model_copy(update={"precision": "float64"})
    normalisation = Normalisation.of(load(run.experiment.dataset), exact, "cpu")
    std = 1 / (255 * normalisation.scale[box.slices])
    mean = -normalisation.offset[box.slices] * std
    if bool((mean == mean.flatten(1)[:, :1].reshape(-1, *[1] * len(box.shape))).all()):
        mean, std = mean.flatten(1)[:, 0], std.flatten(1)[:, 0]
    return {"formula": "(bytes / 255 - mean) / std", "mean": _rounded(mean.tolist()), "std": _rounded(std.tolist())}


def _rounded(numbers: Any) -> Any:
    return [_rounded(part) for part in numbers] if isinstance(numbers, list) else round(numbers, DIGITS)
