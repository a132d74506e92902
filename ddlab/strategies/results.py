"""Results of a finished stage: its numbers, and for the last stage of a strategy its decisions.

Shapes: M images, K classes.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack, cast

import numpy as np

from ddlab.strategies.stage import LOCAL, StageContext

if TYPE_CHECKING:
    from ddlab.runs.records import Accuracies, Decided, NetworkResult, Size

Splits = dict[str, np.ndarray]
TOP = 5  # first classes that top-5 accuracy looks at; where there are no more, all would be right


def write_result(
    context: StageContext,
    seconds: float,
    flops_by_rank: list[float],
    networks: "list[NetworkResult]",
    **decided: "Unpack[Decided]",
) -> None:
    """Write the numbers of a stage; it counts as done from here on.

    Parameters
    ----------
    seconds
        Wall time of the training, of the rank that took longest.
    flops_by_rank
        Operations of every rank.
    networks
        A row a network, see :func:`ddlab.strategies.phases.network_results`.
    decided
        What else is known: ``bytes_sent`` by all ranks, 0 where nothing is; and what the last stage of a strategy
        decides and costs.
    """
    context.folder.write_result(
        {
            "stage": context.stage.name,
            "seed": context.seed,
            "kind": context.stage.kind,
            "seconds": seconds,
            "flops_by_rank": flops_by_rank,
            "bytes_sent": 0,
            "networks": networks,
            **decided,
        }
    )


def accuracies(context: StageContext, ranks: Splits, decisions: Splits, last: Splits) -> "Accuracies":
    """Compute the accuracy of the decisions on every split, and more for those that nothing was trained on.

    Parameters
    ----------
    ranks
        What orders the classes ``(M, K)`` of every image; scores do.
    last
        Decisions of the last epoch, of the splits that nothing is trained on.

    Returns
    -------
    dict
        Also ``one_class``, the share of validation images that are given the class which most are given: 1 says that a
        strategy decides alike about all of them.
    """
    data = context.dataset
    labels = {split: np.asarray(data.split(split).labels) for split in data.splits}
    found = {f"{split}_accuracy": float((decisions[split] == labels[split]).mean()) for split in data.splits}
    found["balanced_accuracy"] = balanced_accuracy(decisions["validation"], labels["validation"])
    found["one_class"] = float(np.bincount(decisions["validation"]).max() / len(labels["validation"]))
    for split in data.held_out:
        found[f"last_{split}_accuracy"] = float((last[split] == labels[split]).mean())
        if data.description.num_classes > TOP:
            found[f"{split}_top5_accuracy"] = top_accuracy(ranks[split], labels[split])
    if "test" in labels:
        found["test_balanced_accuracy"] = balanced_accuracy(decisions["test"], labels["test"])
    return cast("Accuracies", found)


def top_accuracy(ranks_MK: np.ndarray, labels_M: np.ndarray, top: int = TOP) -> float:
    """Share of the images whose class is among the ``top`` first ones; equal classes stand in their order."""
    own = ranks_MK[np.arange(len(labels_M)), labels_M][:, None]
    earlier = np.arange(ranks_MK.shape[1]) < labels_M[:, None]
    place = ((ranks_MK > own) | ((ranks_MK == own) & earlier)).sum(1)
    return float((place < top).mean())


def balanced_accuracy(decisions_M: np.ndarray, labels_M: np.ndarray) -> float:
    """Mean over the classes of the share of their images that are decided correctly: rare classes count as much."""
    return float(np.mean([(decisions_M[labels_M == label] == label).mean() for label in np.unique(labels_M)]))


def write_decisions(context: StageContext, scores: Splits, decisions: Splits, **extra: np.ndarray) -> None:
    """Write the scores ``(M, K)`` and decisions ``(M,)`` of every split, and what else explains them."""
    named = {f"{split}_decisions": values.astype(np.int64) for split, values in decisions.items()}
    context.folder.write_predictions(**scores, **named, **extra)


def write_combination(context: StageContext, scores: Splits, decisions: Splits, ranks: Splits, began: float) -> None:
    """Write what a combination of the local networks, which trains nothing, decides and costs.

    Parameters
    ----------
    scores, decisions
        Of every array of the local networks, those of the last epoch (``<split>_last``) too.
    ranks
        As :func:`accuracies` takes them.
    began
        ``time.monotonic()`` at its start.
    """
    splits, held_out = context.dataset.splits, context.dataset.held_out
    kept: Splits = {split: decisions[split] for split in splits}
    write_decisions(context, {split: scores[split] for split in splits}, kept)
    size = combined_size(context.needed(LOCAL).result()["networks"])
    last: Splits = {split: decisions[f"{split}_last"] for split in held_out}
    reached = accuracies(context, ranks, kept, last)
    write_result(context, time.monotonic() - began, [0.0], [], **reached, best_epoch=None, **size)


def combined_size(networks: "Sequence[NetworkResult]") -> "Size":
    """Parameters and operations of the local networks together: what a combination of them costs for one image."""
    parameters, flops = (network["parameters"] for network in networks), (network["flops"] for network in networks)
    return {"parameters": sum(parameters), "flops": sum(flops)}
