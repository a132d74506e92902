"""The class activation maps of a run, and how good they are: what ``ddlab maps`` computes. M images, K classes."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddlab.analyses.maps import scores as scores
from ddlab.analyses.maps.asking import PREDICTION, TRUTH, hides_pixels, meant_classes
from ddlab.analyses.maps.layers import cam_layer, is_analytic
from ddlab.analyses.maps.occlusion import odds, odds_without
from ddlab.analyses.maps.stored import Mapped, Scored
from ddlab.analyses.maps.viewers import Viewer, batch_size, in_batches, viewers
from ddlab.data.cache import load
from ddlab.data.doubts import scan_doubts
from ddlab.data.own_image import drawn_affine, own_affine, own_image
from ddlab.data.source import SplitName
from ddlab.problem import problem_of
from ddlab.registry import unknown
from ddlab.runs import RunFolder
from ddlab.strategies.trained import load_images, normalised

NUMBERED = re.compile(r"(?:(train|validation|test):)?(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)")
RANDOM_WEIGHTS = 1  # seed of the weights of the sanity check


@dataclass(frozen=True)
class Asked:
    """Images to look at.

    Parameters
    ----------
    names
        Of every image: its number in the split, or the file's name.
    pixels
        Bytes ``(M, C, *shape)``.
    inputs
        What networks see of them.
    labels
        The true classes ``(M,)``; None of the user's own.
    masks
        The evidence ``(M, *shape)``, where it is known.
    affine
        From voxels to millimetres, of volumes.
    doubts
        Whether they are of the kind that the networks know, a sentence each.
    split
        Theirs, which says how they are normalised; of the user's own, as training images.
    """

    names: tuple[str, ...]
    pixels: np.ndarray
    inputs: Tensor
    labels: np.ndarray | None
    masks: np.ndarray | None = None
    affine: np.ndarray | None = None
    doubts: tuple[str, ...] = ()
    split: SplitName = "train"

    @property
    def evidence(self) -> np.ndarray:
        """``masks``; zeros where nothing is known of them."""
        return np.zeros((len(self.pixels), *self.pixels.shape[2:])) if self.masks is None else self.masks


def asked_images(run: RunFolder, images: str) -> Asked:
    """Return the images asked for: ``0,1,8-15`` of the validation images, ``train:0-3``, ``test:0``, or an own file.

    Raises
    ------
    ValueError
        If there is no image of that number, or the file cannot be read.
    """
    found = NUMBERED.fullmatch(images.replace(" ", ""))
    if found is None:
        return _own(run, Path(os.path.expanduser(images)))
    splits: dict[str | None, SplitName] = {"train": "train", "test": "test"}
    return _numbered(run, splits.get(found[1], "validation"), found[2])


def map_images(run: RunFolder, seed: int, images: str, layer: str = "") -> Mapped:
    """The maps of all viewers and classes, and what each viewer says.

    Raises
    ------
    ValueError
        As :func:`asked_images` and :func:`ddlab.analyses.maps.viewers.viewers`.
    """
    asked, found = asked_images(run, images), viewers(run, seed, layer)
    arrays = {"images": asked.pixels}
    arrays |= {} if asked.masks is None else {"masks": asked.masks}
    arrays |= {} if asked.affine is None else {"affine": asked.affine}
    problem = problem_of(run)
    for name, viewer in found.items():
        looks = list(in_batches(viewer, asked.inputs, layer))
        arrays[f"maps:{name}"] = np.concatenate([look.maps for look in looks])
        arrays[f"probabilities:{name}"] = np.concatenate([look.probabilities for look in looks])
        logits_MNK = torch.cat([look.logits for look in looks])
        arrays[f"odds:{name}"] = odds(viewer, logits_MNK).numpy()
        if not viewer.is_whole or hides_pixels(problem):
            size = batch_size(viewer.networks)
            batches = zip(logits_MNK.split(size), asked.inputs.split(size), strict=True)
            without = [odds_without(viewer, *batch, problem.decomposition) for batch in batches]
            arrays[f"without:{name}"] = torch.cat(without).numpy()
    return Mapped(_about(run, seed, asked, found, layer), arrays)


def score_images(run: RunFolder, seed: int, images: str, layer: str = "", of: str = TRUTH) -> Scored:
    """Score the maps of one class an image: against the evidence, and against the viewer itself.

    Parameters
    ----------
    of
        The class: ``truth``, ``prediction`` (the viewer's own), or a name.

    Raises
    ------
    ValueError
        As :func:`map_images`; or if there is no such class, or no truth known.
    """
    asked, found = asked_images(run, images), viewers(run, seed, layer)
    known = load(run.experiment.dataset).description.classes
    if of not in (TRUTH, PREDICTION, *known):
        raise ValueError(unknown("score", of, (TRUTH, PREDICTION, *known)))
    if of == TRUTH and asked.labels is None:
        raise ValueError(f"score: the true class of {asked.names[0]} is not known; say {PREDICTION}, or a class")
    arrays = {"evidence": scores.evidence_share(asked.evidence), "shares": np.linspace(0, 1, scores.STEPS + 1)}
    for name, viewer in found.items():
        looks = in_batches(viewer, asked.inputs, layer)
        blind = in_batches(viewer.randomised(RANDOM_WEIGHTS), asked.inputs, layer)
        # Batch by batch: the maps of many volumes would not fit in memory together.
        parts, first = [], 0
        for look, other in zip(looks, blind, strict=True):
            batch = slice(first, first := first + len(look.maps))
            labels = None if asked.labels is None else asked.labels[batch]
            classes = meant_classes(of, known, labels, look.probabilities)
            parts.append(_scores(viewer, asked, batch, classes, (look.maps, other.maps)))
        arrays |= {f"{score}:{name}": np.concatenate([part[score] for part in parts]) for score in parts[0]}
    return Scored(_about(run, seed, asked, found, layer) | {"of": of}, arrays)


# ---- its parts


def _scores(
    viewer: Viewer, asked: Asked, batch: slice, classes: np.ndarray, maps: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """All scores of a viewer's maps ``(B, K, *shape)`` of one class an image, and of those with random weights."""
    each, masks = np.arange(len(classes)), asked.evidence[batch]
    own, blind = (every[each, classes] for every in maps)
    curves = scores.curves(viewer.predict, asked.inputs[batch].numpy(), own, classes)
    return {
        "pointing": scores.pointing(own, masks),
        "energy": scores.energy(own, masks),
        "insertion": curves.insertion_area,
        "deletion": curves.deletion_area,
        "sanity": scores.rank_correlation(own, blind),
        "insertion_curve": curves.insertion,
        "deletion_curve": curves.deletion,
    }


def _numbered(run: RunFolder, split: SplitName, numbers: str) -> Asked:
    indices: list[int] = []
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        indices += range(int(first), int(last or first) + 1)
    if not indices:
        raise ValueError(f"--images: {numbers} names no image")
    inputs, dataset = load_images(run, split, indices), load(run.experiment.dataset)
    images, description = dataset.split(split), dataset.description
    masks = None if images.masks is None else np.asarray(images.masks[indices])
    affine = drawn_affine(description) if len(description.shape) == 3 else None
    pixels, labels = np.asarray(images.images[indices]), np.asarray(images.labels)[indices]
    return Asked(tuple(map(str, indices)), pixels, inputs, labels, masks, affine, split=split)


def _own(run: RunFolder, path: Path) -> Asked:
    description = load(run.experiment.dataset).description
    pixels = own_image(path, description)[None].copy()  # torch wants to be able to write
    affine = own_affine(path, description) if len(description.shape) == 3 else None
    inputs, doubts = normalised(run, torch.from_numpy(pixels)), scan_doubts(path, description)
    return Asked((path.name,), pixels, inputs, None, None, affine, doubts)


def _about(run: RunFolder, seed: int, asked: Asked, found: Mapping[str, Viewer], layer: str) -> dict[str, Any]:
    classes = load(run.experiment.dataset).description.classes
    labels = None if asked.labels is None else asked.labels.tolist()
    return {"run": run.id, "name": run.name, "seed": seed, "images": list(asked.names), "labels": labels} | {
        "classes": list(classes),
        "layer": layer,
        "doubts": list(asked.doubts),
        "viewers": {name: viewer.title for name, viewer in found.items()},
        "analytic": [name for name, viewer in found.items() if _is_analytic(viewer, layer)],
    }


def _is_analytic(viewer: Viewer, layer: str) -> bool:
    return all(is_analytic(network, cam_layer(network, layer)) for network in viewer.networks)
