"""Answers of a run about an edited image: what ``ddlab ask`` computes. N subdomains, K classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddlab.analyses.maps.of_run import Asked, asked_images
from ddlab.analyses.maps.viewers import LOCAL, Viewer, deciders, in_batches, viewers
from ddlab.analyses.what_if.edits import Edit, read_edits, written
from ddlab.analyses.what_if.pixels import Material, apply_edits, changed_subimages
from ddlab.analyses.what_if.stored import Answers
from ddlab.data.cache import load
from ddlab.problem import problem_of
from ddlab.registry import load_target
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.trained import UNTRAINED, normalised


def ask_run(run: RunFolder, seed: int, image: str, edits: str, *, with_maps: bool = False) -> Answers:
    """Ask all networks and strategies of a run about an image, and about the same image edited.

    Each image is computed alone, so that a network whose subimage stays as it was answers bit for bit the same.

    Parameters
    ----------
    image
        A validation image such as ``7``, ``train:7``, ``test:7``, or a picture or volume of one's own.
    edits
        As :mod:`ddlab.analyses.what_if.edits` has them. Other images are those of the same split.
    with_maps
        Whether class activation maps are computed, too.

    Raises
    ------
    ValueError
        If the run has no weights, there is no such image, an edit is not allowed, or the networks have no maps.
    """
    asked = _one_image(run, image)
    data, problem = load(run.experiment.dataset), problem_of(run)
    material = Material.of(data, problem.decomposition, asked.split if asked.labels is not None else "validation")
    done = read_edits(edits, problem.decomposition, len(material.images))
    images = np.stack([asked.pixels[0], apply_edits(asked.pixels[0], done, material)])
    inputs = normalised(run, torch.from_numpy(images), asked.split)
    found = viewers(run, seed) if with_maps else deciders(run, seed)
    found.pop(UNTRAINED, None)
    arrays, about = _decided(run, seed, found, inputs)
    about |= _about(run, seed, asked, done) | {"classes": list(data.description.classes)}
    about |= {
        "changed": changed_subimages(images[0], images[1], problem.decomposition),
        "subdomains": len(problem.decomposition),
    }
    about["viewers"] = {name: viewer.title for name, viewer in found.items()} if with_maps else {}
    if with_maps:
        arrays |= {f"maps:{name}": _maps(viewer, inputs) for name, viewer in found.items()}
    if asked.masks is not None and asked.masks.any():
        arrays["mask"] = asked.masks[0]
    return Answers(about, {"images": images, **arrays})


# ---- its parts


def _one_image(run: RunFolder, image: str) -> Asked:
    try:
        asked = asked_images(run, image)
    except ValueError as error:  # of many images the field is called so
        raise ValueError(str(error).replace("--images:", "image:", 1)) from None
    if len(asked.names) != 1:
        raise ValueError(f"image: one at a time, got {len(asked.names)}")
    return asked


def _decided(
    run: RunFolder, seed: int, found: Mapping[str, Viewer], inputs: Tensor
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what local networks and strategies say of both images, and which strategies do."""
    logits = {name: _logits(viewer, inputs) for name, viewer in found.items()}
    arrays = {LOCAL: _probabilities(logits[LOCAL])} if LOCAL in logits else {}
    asked, own_local, silent = [], [], []
    for name in run.experiment.strategies:
        entry = STRATEGIES[name]
        if name in found:
            scores = found[name].decide(logits[name]).numpy()
            decisions = scores.argmax(axis=1)
            if found[name].dnn is not None and not found[name].is_of_local_stage:
                arrays[f"{LOCAL}:{name}"] = _probabilities(logits[name])
                own_local.append(name)
        elif entry.combines and LOCAL in arrays and run.stage(name, seed).done:
            scores, decisions = load_target(entry.combines)(arrays[LOCAL])
        else:
            silent.append(name)
            continue
        asked.append(name)
        arrays |= {f"scores:{name}": scores, f"decisions:{name}": decisions}
    titles = {name: STRATEGIES[name].title for name in asked}
    return arrays, {"strategies": asked, "titles": titles, "own_local": own_local, "silent": silent}


def _logits(viewer: Viewer, inputs: Tensor) -> Tensor:
    """Logits ``(2, N, K)`` of a viewer's networks, one image after the other."""
    return torch.cat([viewer.logits(image) for image in inputs.split(1)])


def _probabilities(logits_BNK: Tensor) -> np.ndarray:
    """Return the probabilities as a stage keeps them: float32, rounded once."""
    probabilities: np.ndarray = logits_BNK.double().softmax(-1).float().numpy()
    return probabilities


def _maps(viewer: Viewer, inputs: Tensor) -> np.ndarray:
    return np.concatenate([look.maps for image in inputs.split(1) for look in in_batches(viewer, image)])


def _about(run: RunFolder, seed: int, asked: Asked, edits: tuple[Edit, ...]) -> dict[str, Any]:
    label = None if asked.labels is None else int(asked.labels[0])
    return {"run": run.id, "name": run.name, "seed": seed, "image": asked.names[0], "label": label} | {
        "edits": written(edits),
        "split": asked.split,
        "doubts": list(asked.doubts),
    }
