"""Premises of the theorems of Gu et al.: which of them an experiment meets, and which not. Needs no torch.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Section 2.3.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ddlab.analyses.composition.receptive import padding
from ddlab.composition.matching import check_composition
from ddlab.models.architecture import BatchNorm, GlobalAveragePool
from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder
from ddlab.written import percent

MAPS, SUM = "Theorem 2.1 (1)", "(2.16), (2.17), (2.19)"


@dataclass(frozen=True)
class Premise:
    """Something that the theorems take for granted.

    Parameters
    ----------
    premise
        In words.
    holds
        Whether the experiment is so.
    why
        What of the experiment decides it, and what follows.
    needed
        By which statements.
    """

    premise: str
    holds: bool
    why: str
    needed: str


def premises(problem: Problem) -> list[Premise]:
    """List the premises of the theorems, each with whether the experiment meets it and why."""
    return [*_decomposition(problem), *_network(problem), *_composed(problem)]


def premise_table(found: list[Premise]) -> pd.DataFrame:
    """The premises as a table: ``premise``, ``holds``, ``why``, ``needed``."""
    return pd.DataFrame([vars(premise) for premise in found])


def why_not_composed(problem: Problem) -> str:
    """Say why the local networks of a problem cannot be composed to its global network; empty if they can."""
    if problem.experiment.model.reduction != "1/N":
        return (
            f"Its local networks have the reduction {problem.experiment.model.reduction}; only with model.reduction = "
            "1/N do their channels add up to those of the global network."
        )
    try:
        check_composition(problem.local_networks, problem.global_network, problem.decomposition)
    except ValueError as error:
        return f"Its local networks make no global network: {error}."
    return ""


def why_not(run: RunFolder) -> str:
    """Say why the local networks of a run cannot be composed; empty if they can."""
    return why_not_composed(problem_of(run))


# ---- its parts


def _decomposition(problem: Problem) -> Iterator[Premise]:
    counts, covers = problem.decomposition.multiplicity, problem.decomposition.covers
    yield Premise(
        "The subdomains cover the image",
        covers,
        "every pixel lies in a subdomain"
        if covers
        else f"{percent((counts == 0).mean(), 0)} of the pixels lie in none: no local network has learned from them, "
        "yet what the composed network sees there enters its means",
        "(2.6)",
    )
    yield Premise(
        "The subdomains are disjoint",
        bool(counts.max() <= 1),
        "no pixel lies in two subdomains"
        if counts.max() <= 1
        else f"{percent((counts > 1).mean(), 0)} of the pixels lie in several: (2.6) excludes overlap. Maps can agree "
        "on each activation field all the same, since every local network keeps its own channels",
        "(2.6)",
    )
    stride = math.prod(layer.step for _, layer in problem.global_network.layers)
    split = [
        number for number, box in enumerate(problem.decomposition, 1) if any(start % stride for start in box.start)
    ]
    yield Premise(
        "Cuts lie between positions",
        not split,
        f"every subdomain begins at a multiple of the maps' stride of {stride} px"
        if not split
        else f"subdomain{'s' * (len(split) > 1)} {', '.join(map(str, split))} begin{'s' * (len(split) == 1)} beside a "
        f"multiple of the maps' stride of {stride} px: there the positions of the last maps lie on other pixels",
        MAPS,
    )


def _network(problem: Problem) -> Iterator[Premise]:
    padded = [step.name for step in problem.global_network.placed_layers() if padding(step.layer)]
    alone = len(problem.decomposition) == 1
    yield Premise(
        "Valid padding",
        not padded or alone,
        "no layer pads its input"
        if not padded
        else f"{len(padded)} layers pad with zeros: at a cut a local network sees zeros where the composed one sees "
        "pixels, and every layer carries the difference farther inwards",
        MAPS,
    )
    pooled = any(isinstance(step.layer, GlobalAveragePool) for step in problem.global_network.placed_layers())
    yield Premise(
        "The head knows positions",
        not pooled or alone,
        "the first fully connected layer places the local weights on their activation fields"
        if not pooled
        else "global average pooling: the composed network takes the mean over the whole image, a local network over "
        "its subimage; with means over the activation fields the sum is exact wherever the maps are",
        SUM,
    )
    norms = any(isinstance(step.layer, BatchNorm) for step in problem.global_network.placed_layers())
    fixed = not (norms and problem.experiment.composed.recalibrate)
    yield Premise(
        "Batch normalisation is fixed",
        fixed,
        "there is none"
        if not norms
        else "what is compared uses the running statistics of the local networks; in further training the statistics "
        "are those of whole maps, and the equality ends with its first step"
        if fixed
        else "composed.recalibrate: the statistics were re-estimated on whole images",
        MAPS,
    )


def _composed(problem: Problem) -> Iterator[Premise]:
    fault = why_not_composed(problem)
    yield Premise("The channels add up", not fault, fault or "N local networks of 1/N of the width", "(2.7)")
    summed = problem.experiment.composed.logits == "sum"
    yield Premise(
        "Logits are added up",
        summed,
        "the composed network's logits are the sum of the local ones"
        if summed
        else "composed.logits = mean: the sum is divided by N, which lowers no accuracy but changes the cost",
        SUM,
    )
