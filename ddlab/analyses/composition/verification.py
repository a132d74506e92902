"""Verify a run: whether its local networks, put together, do what the theorems say."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddlab.analyses.composition.block_energy import block_norms
from ddlab.analyses.composition.feature_maps import feature_maps
from ddlab.analyses.composition.logits import Logits, statements
from ddlab.analyses.composition.premises import premises, why_not_composed
from ddlab.analyses.composition.stored import Verified
from ddlab.analyses.composition.theory import TOLERANCE, LayerDifference, Networks, examine
from ddlab.composition.blocks import average_logits
from ddlab.composition.compose import Composition, State, composition_of
from ddlab.data.cache import load
from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder
from ddlab.strategies.composed import UNTRAINED
from ddlab.strategies.trained import TrainedNetwork, load_images, trained_networks

TRAINED = "composed"
KEPT = 2**24  # numbers of all maps of a batch, about
STORED = 1e-6  # rounding of weights in a file, relative


def verify(run: RunFolder, seed: int, num_images: int = 256, num_shown: int = 4, double: bool = False) -> Verified:
    """Compare the composed network of a run with its local networks on the first validation images.

    The composed network is the run's own; where the run has none, the local networks are composed here.

    Parameters
    ----------
    num_images
        Images to compare on; all, if there are fewer.
    num_shown
        Images of which the feature maps are kept.
    double
        Compute in float64, which distinguishes rounding from differences.

    Raises
    ------
    ValueError
        If the run has no such seed, its local networks are not trained yet or make no global network.
    """
    problem = problem_of(run)
    _check(run, problem, seed, num_images)
    found, composition = trained_networks(run, seed), composition_of(problem)
    dtype = torch.float64 if double else torch.float32
    states = [found[f"local-{number}"].state() for number in range(1, len(problem.decomposition) + 1)]
    state, whose, faults = _composed_state(problem, composition, states, found)
    settings = problem.experiment.composed
    own = whose == UNTRAINED
    networks = Networks.of(composition, states, state, dtype, recalibrated=own and settings.recalibrate)
    factor = 1 / len(states) if own and settings.logits == "mean" else 1.0
    num_images = min(num_images, problem.description.num_validation)
    layers, logits = examine(networks, _batches(run, problem, num_images, double), factor)
    numbers = statements(logits, TOLERANCE[dtype])
    faults += _faults(layers, numbers, TOLERANCE[dtype], summed=factor == 1.0)
    about = {"run": run.id, "name": run.name, "seed": seed, "images": num_images, "network": whose}
    about |= {"precision": "float64" if double else "float32", "tolerance": TOLERANCE[dtype], "factor": factor}
    about |= {"layers": [_row(layer, TOLERANCE[dtype]) for layer in layers], "statements": numbers}
    about |= {"premises": [vars(premise) for premise in premises(problem)], "faults": faults, "holds": not faults}
    arrays = _logit_arrays(logits) | {
        f"difference:{layer.name}": layer.picture().astype(np.float32) for layer in layers if layer.has_map
    }
    return Verified(about, arrays | _inside(run, networks, found, min(num_shown, num_images), double))


def _check(run: RunFolder, problem: Problem, seed: int, num_images: int) -> None:
    seeds = run.experiment.seeds
    if seed not in seeds:
        raise ValueError(f"--seed: run {run.id} has the seeds {', '.join(map(str, seeds))}, got {seed}")
    if num_images < 1:
        raise ValueError(f"--images: needs at least 1, got {num_images}")
    if fault := why_not_composed(problem):
        raise ValueError(f"run {run.id} cannot be verified. {fault}")
    if not run.stage("local", seed).done:
        raise ValueError(
            f"run {run.id}, seed {seed}: its local networks are not trained; verify when stage local is done"
        )


def _composed_state(
    problem: Problem, composition: Composition, states: list[State], found: Mapping[str, TrainedNetwork]
) -> tuple[State | None, str, list[str]]:
    """The state to look at (None: what the local networks make), whose it is, and what is wrong with it.

    Where the run's own network is that of its local networks, they are composed anew: in float64, sums of their biases
    would lose digits in the file.
    """
    if UNTRAINED not in found:
        return None, "composed here", []
    settings, state = problem.experiment.composed, found[UNTRAINED].state()
    expected = composition.compose(states)
    if settings.logits == "mean":
        expected = average_logits(composition, expected)
    other = [key for key, value in expected.items() if not _same(state[key], value)]
    if settings.recalibrate:
        other = [key for key in other if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    named = ", ".join(other[:3])
    faults = [f"{UNTRAINED}: {len(other)} of its tensors are not those of the local networks, first {named}"]
    as_paper = not other and settings.logits == "sum" and not settings.recalibrate
    return None if as_paper else state, UNTRAINED, faults if other else []


def _same(stored: Tensor, expected: Tensor) -> bool:
    return torch.allclose(stored.double(), expected.double(), rtol=STORED, atol=STORED * float(expected.abs().max()))


def _batches(run: RunFolder, problem: Problem, count: int, double: bool) -> Iterator[tuple[Tensor, np.ndarray]]:
    labels = np.asarray(load(run.experiment.dataset).validation.labels)
    size = max(1, min(64, KEPT // problem.global_network.activations()))
    for first in range(0, count, size):
        indices = range(first, min(first + size, count))
        yield load_images(run, "validation", indices, double=double), labels[indices.start : indices.stop]


def _faults(layers: list[LayerDifference], numbers: Mapping[str, float], tolerance: float, summed: bool) -> list[str]:
    """List the statements that must hold and do not."""
    faults = [
        f"layer {layer.name}: a relative difference of {layer.broken / layer.scale:.1e} where there must be none"
        for layer in layers
        if not layer.broken <= tolerance * layer.scale
    ]
    exact = layers[-1].promised_share == 1
    exact_masked = exact or all(layer.promised_share == 1 for layer in layers if layer.has_map)
    slack = tolerance * (1 + numbers["scale"])
    for key, must in (("sum", exact), ("sum_masked", exact_masked)):
        if must and not numbers[key] <= slack:
            faults.append(f"(2.16), {key}: a difference of {numbers[key]:.1e} where there must be none")
    if numbers["obey_of_sum"] < 1 or (exact and summed and numbers["obey"] < 1):
        faults.append("(2.19): a sample costs more than its bound")
    return faults


def _row(layer: LayerDifference, tolerance: float) -> dict[str, Any]:
    channels, *positions = layer.fields[0].whole
    return {
        "layer": layer.name,
        "map": positions,
        "channels": channels,
        "radius": layer.fields[0].reach.radius,
        "difference": layer.largest,
        "relative": layer.largest / layer.scale,
        "promised_difference": layer.broken / layer.scale,
        "equal": layer.equal_share(tolerance),
        "promised": layer.promised_share,
    }


def _logit_arrays(logits: Logits) -> dict[str, np.ndarray]:
    arrays = {"local": logits.local_MNK, "composed": logits.composed_MK, "masked": logits.masked_MK}
    return {"labels": logits.labels_M, **{f"logits:{name}": values for name, values in arrays.items()}}


def _inside(
    run: RunFolder, networks: Networks, found: Mapping[str, TrainedNetwork], num_shown: int, double: bool
) -> dict[str, np.ndarray]:
    """Blocks of the weights, and feature maps of a few images."""
    modules = {"untrained": networks.composed}
    if TRAINED in found:
        modules["trained"] = found[TRAINED].module().to(next(networks.composed.parameters()).dtype)
    arrays = {
        f"blocks:{when}:{layer}": norms
        for when, module in modules.items()
        for layer, norms in block_norms(networks.composition, module.state_dict()).items()
    }
    images = load_images(run, "validation", range(num_shown), double=double)
    others = {when: module for when, module in modules.items() if when != "untrained"}
    for layer, kept in feature_maps(networks, others, images).items():
        arrays[f"channels:{layer}"] = kept.channels
        arrays |= {f"maps:{side}:{layer}": maps for side, maps in kept.maps.items()}
    return arrays
