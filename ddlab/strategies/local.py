"""The local networks: one small network a subdomain, trained on its subimages with the labels of the whole images.

This stage is shared by every strategy that decides from local probabilities. It needs no communication: the networks
are given to the ranks by cost, and those of equal shape on one rank are trained together as a bank.
"""

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlab.problem import Problem
from ddlab.strategies.growth import Growth, Load, Share
from ddlab.strategies.results import TOP, top_accuracy, write_result
from ddlab.strategies.stage import (
    LOCAL,
    Stage,
    StageContext,
    Task,
    kept_local,
    predicted_images,
    shard,
    steps_an_epoch,
    training_flops,
)

if TYPE_CHECKING:
    from ddlab.runs.records import EpochRecord, NetworkResult
    from ddlab.strategies.phases import Cohort

FOLDS = "local_folds"


def local_stage(problem: Problem) -> Stage:
    """The stage that trains the local networks on all training images."""
    tasks, networks, growth = _tasks(problem), kept_local(problem), partial(grow, problem)
    return Stage(LOCAL, "Local networks", "sharded", train_local, tasks=tasks, networks=networks, growth=growth)


def folds_stage(problem: Problem) -> Stage:
    """The stage that predicts every training image by local networks that have not seen it.

    The DNN then learns from probabilities like those of new images. The local networks over-fit, so what they say of
    their own training images is too sure. Our option; the paper uses the training-set probabilities.
    """
    folds = problem.experiment.aggregator.folds
    # Each of the k folds trains on (k - 1)/k of the images.
    tasks = tuple(replace(task, flops=task.flops * (folds - 1), networks=folds) for task in _tasks(problem))
    growth = partial(_grow_folds, problem)
    return Stage(FOLDS, f"Local networks, {folds} folds", "sharded", train_folds, tasks=tasks, growth=growth)


def grow(problem: Problem, ranks: int, images: int) -> Growth:
    """Give every rank some of the networks, each of which sees every batch; nothing is exchanged."""
    shares, count = local_shares(problem, ranks, images), len(problem.local_networks)
    epochs = problem.experiment.training.epochs
    return Growth(shares, f"{count} local networks", count, steps_an_epoch(problem, images), epochs)


def _grow_folds(problem: Problem, ranks: int, images: int) -> Growth:
    """Grow as the local networks: as many trainings as folds, each on all folds but one."""
    grown, folds = grow(problem, ranks, images), problem.experiment.aggregator.folds
    return replace(grown, steps=grown.steps * (folds - 1) / folds, epochs=grown.epochs * folds)


def local_shares(problem: Problem, ranks: int, images: int) -> tuple[Share, ...]:
    """Return the local networks of every rank with the images of a step, equal shares together."""
    networks, tasks = problem.local_networks, _tasks(problem)
    held = Counter(
        tuple(sorted(Counter(networks[index] for index in indices).items(), key=lambda item: item[0].flops()))
        for indices in shard(tasks, min(ranks, len(tasks)))
    )
    once = {"evaluated": problem.description.num_validation, "predicted": predicted_images(problem)}
    return tuple(
        Share(count, tuple(Load(network, images, copies, **once) for network, copies in own))
        for own, count in held.items()
    )


def _tasks(problem: Problem) -> tuple[Task, ...]:
    return tuple(
        Task(f"subdomain {index + 1}", training_flops(network.flops(), problem))
        for index, network in enumerate(problem.local_networks)
    )


def train_local(context: StageContext) -> None:
    """Train the networks of this rank; rank 0 writes the predictions ``(M, N, K)`` of all."""
    from ddlab.strategies import phases  # torch

    ranks, settings = context.alone, context.problem.experiment.training
    asked = context.problem.experiment
    snapshot = asked.transfer.start if "transfer" in asked.strategies else None
    probabilities: dict[Any, dict[str, np.ndarray]] = {}
    networks: list[NetworkResult] = []
    seconds = flops = 0.0
    for cohort in _cohorts(context, _mine(context), prefix=""):
        feed = _feed(context, cohort)
        trained = phases.train_cohort(context, cohort, feed, settings, ranks, snapshot)
        predicted: dict[str, np.ndarray] = {
            split: phases.predict(trained.bank, feed, split, settings, ranks) for split in context.dataset.splits
        }
        last = phases.predict_last(trained, feed, context.dataset.held_out, ranks)
        predicted |= {f"{split}_last": values for split, values in last.items()}
        accuracies = _accuracies(context, predicted)
        networks += phases.network_results(cohort, trained, accuracies)
        for column, subdomain in enumerate(cohort.subdomains):
            probabilities[subdomain] = {split: values[:, column] for split, values in predicted.items()}
        seconds += trained.seconds
        flops += trained.flops(len(context.dataset.train), len(context.dataset.validation))
    shares = context.ranks.gather((probabilities, networks, seconds, flops))
    if context.ranks.rank == 0:
        _write(context, shares)


def train_folds(context: StageContext) -> None:
    """Train on all folds but one and predict that one, for every fold; rank 0 writes ``train`` ``(M, N, K)``."""
    from ddlab.strategies import phases  # torch

    ranks, experiment = context.alone, context.problem.experiment
    num_train, num_folds = len(context.dataset.train), experiment.aggregator.folds
    order = np.random.default_rng(context.seed).permutation(num_train)
    parts: dict[Any, np.ndarray] = {}
    seconds = flops = 0.0
    for fold, held_out in enumerate(np.array_split(order, num_folds)):
        of_fold = replace(context, report=partial(_report_fold, context, fold, num_folds))
        for cohort in _cohorts(context, _mine(context), prefix=f"fold{fold}-"):
            feed = _feed(context, cohort, held_out)
            trained = phases.train_cohort(of_fold, cohort, feed, experiment.training, ranks)
            predicted = phases.predict(trained.bank, feed, "train", experiment.training, ranks)
            for column, subdomain in enumerate(cohort.subdomains):
                parts.setdefault(subdomain, np.empty_like(predicted[:, 0]))[held_out] = predicted[held_out, column]
            seconds += trained.seconds
            flops += trained.flops(num_train - len(held_out), len(context.dataset.validation))
    shares = context.ranks.gather((parts, seconds, flops))
    if context.ranks.rank == 0:
        whole = {index: part for share in shares for index, part in share[0].items()}
        context.folder.write_predictions(train=np.stack([whole[index] for index in sorted(whole)], axis=1))
        write_result(context, max(share[1] for share in shares), [share[2] for share in shares], networks=[])


def _report_fold(context: StageContext, fold: int, num_folds: int, record: "EpochRecord") -> None:
    context.report({**record, "fold": fold, "folds": num_folds})


def _mine(context: StageContext) -> list[int]:
    """The subdomains of this rank."""
    return shard(_tasks(context.problem), context.ranks.size)[context.ranks.rank]


def _cohorts(context: StageContext, subdomains: list[int], prefix: str) -> "list[Cohort]":
    """Networks of equal shape that are equally far, together: after a resume on other ranks they may not be.

    One that has finished stays in its bank: without it the others' sums would round, and their dropout fall, otherwise.
    """
    from ddlab.strategies.checkpoints import saved_states  # torch
    from ddlab.strategies.phases import Cohort
    from ddlab.training.midway import reached

    saved, networks = saved_states(context), context.problem.local_networks
    states = {index: saved[name] for index in subdomains if (name := _name(prefix, index)) in saved}
    unfinished = [index for index in subdomains if not states.get(index, {}).get("progress", {}).get("finished")]
    far = {index: reached(states[index]) if index in states else (0, 0) for index in unfinished}
    going_on = {networks[index]: place for index, place in far.items()}
    groups: dict[Any, list[int]] = {}
    for index in subdomains:
        network = networks[index]
        groups.setdefault((network, far.get(index, going_on.get(network))), []).append(index)
    return [
        Cohort(network, tuple(_name(prefix, index) for index in members), tuple(members))
        for (network, _), members in groups.items()
    ]


def _name(prefix: str, subdomain: int) -> str:
    return f"{prefix}subdomain{subdomain}"


def _feed(context: StageContext, cohort: "Cohort", held_out: np.ndarray | None = None) -> Any:
    from ddlab.training.batches import ImageFeed, Sharing  # torch

    boxes = [context.problem.decomposition.subdomains[index] for index in cohort.subdomains if index is not None]
    settings = context.problem.experiment.training
    return ImageFeed(context.dataset, boxes, settings, Sharing(context.alone), held_out)


def _accuracies(context: StageContext, predicted: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Accuracies of every network, by the names that they have in a record."""
    data, found = context.dataset, {}
    for split in data.splits:
        labels = np.asarray(data.split(split).labels)
        for array, name in ((split, f"{split}_accuracy"), (f"{split}_last", f"last_{split}_accuracy")):
            if array in predicted:
                found[name] = (predicted[array].argmax(2) == labels[:, None]).mean(0).tolist()
        if split in data.held_out and data.description.num_classes > TOP:
            tops = [top_accuracy(ranks_MK, labels) for ranks_MK in predicted[split].swapaxes(0, 1)]
            found[f"{split}_top5_accuracy"] = tops
    return found


def _write(context: StageContext, shares: list[Any]) -> None:
    probabilities = {index: arrays for share in shares for index, arrays in share[0].items()}
    stacked = {
        name: np.stack([probabilities[index][name] for index in sorted(probabilities)], axis=1)
        for name in probabilities[0]
    }
    context.folder.write_predictions(**stacked)
    networks = sorted((row for share in shares for row in share[1]), key=lambda row: row["subdomain"])
    write_result(context, max(share[2] for share in shares), [share[3] for share in shares], networks)
