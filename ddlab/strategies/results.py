"""What a stage writes when it is done: its numbers, and for the last stage of a strategy its decisions.

Shapes: M images, K classes.
"""

import time
from typing import Any

import numpy as np

from ddlab.strategies.stage import LOCAL, StageContext

Splits = dict[str, np.ndarray]


def write_result(
    context: StageContext,
    seconds: float,
    flops_by_rank: list[float],
    networks: list[dict[str, Any]],
    **decided: Any,
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


def accuracies(context: StageContext, decisions: Splits, last: np.ndarray) -> dict[str, float]:
    """Accuracy of the decisions on both splits, and of those of the last epoch on the validation images.

    ``one_class`` is the share of validation images that are given the class which most are given: 1 says that a
    strategy decides alike about all of them.
    """
    train, validation = np.asarray(context.dataset.train.labels), np.asarray(context.dataset.validation.labels)
    return {
        "train_accuracy": float((decisions["train"] == train).mean()),
        "validation_accuracy": float((decisions["validation"] == validation).mean()),
        "last_validation_accuracy": float((last == validation).mean()),
        "balanced_accuracy": balanced_accuracy(decisions["validation"], validation),
        "one_class": float(np.bincount(decisions["validation"]).max() / len(validation)),
    }


def balanced_accuracy(decisions_M: np.ndarray, labels_M: np.ndarray) -> float:
    """Mean over the classes of the share of their images that are decided rightly: rare classes count as much."""
    return float(np.mean([(decisions_M[labels_M == label] == label).mean() for label in np.unique(labels_M)]))


def write_decisions(context: StageContext, scores: Splits, decisions: Splits, **extra: np.ndarray) -> None:
    """Write the scores ``(M, K)`` and decisions ``(M,)`` of both splits, and what else explains them."""
    named = {f"{split}_decisions": values.astype(np.int64) for split, values in decisions.items()}
    context.folder.write_predictions(**scores, **named, **extra)


def write_combination(context: StageContext, scores: Splits, decisions: Splits, last: np.ndarray, began: float) -> None:
    """Write what a combination of the local networks, which trains nothing, decides and costs.

    Parameters
    ----------
    last
        Validation decisions ``(M,)`` with the weights of the last epoch.
    began
        ``time.monotonic()`` at its start.
    """
    write_decisions(context, scores, decisions)
    size = combined_size(context.needed(LOCAL).result()["networks"])
    reached = accuracies(context, decisions, last)
    write_result(context, time.monotonic() - began, [0.0], [], **reached, best_epoch=None, **size)


def combined_size(networks: list[dict[str, Any]]) -> dict[str, Any]:
    """Parameters and operations of the local networks together: what a combination of them costs for one image."""
    return {key: sum(network[key] for network in networks) for key in ("parameters", "flops")}
