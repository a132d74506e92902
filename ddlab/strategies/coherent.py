"""The coherent CNN-DNN: local networks and DNN trained end to end as one model, with one loss.

Model parallel: every rank holds its local networks, see :mod:`ddlab.models.coherent`.

Shapes: M images, N subdomains, K classes.

References
----------
Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for Convolutional Neural Networks via Domain
Decomposition", Section 2.1.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlab.data.source import SplitName
from ddlab.experiment import TrainingSettings
from ddlab.problem import Problem
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.cnn_dnn import attribute, dnn, kept_dnn
from ddlab.strategies.explanation import Explanation, from_dnn
from ddlab.strategies.growth import Exchange, Growth, Load, Share
from ddlab.strategies.local import local_shares
from ddlab.strategies.results import accuracies, combined_size, write_decisions, write_result
from ddlab.strategies.stage import (
    BACKWARD,
    Payload,
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
    from ddlab.models.coherent import CoherentModel
    from ddlab.runs.records import EpochRecord, Size
    from ddlab.training.batches import GroupedFeed
    from ddlab.training.trainee import State, Trainee


def stages(problem: Problem) -> Iterator[Stage]:
    """One stage: train everything together."""
    tasks = coherent_tasks(problem, problem.experiment.training.epochs)
    yield one_model_stage(problem, Stage("coherent", "CNN-DNN as one model", "collective", train_anew, tasks=tasks))


def one_model_stage(problem: Problem, stage: Stage) -> Stage:
    """Declare what a stage that trains the coherent model leaves, and what its ranks send.

    They gather the N·K local outputs of a batch in the forward pass. The backward pass sends nothing: every rank
    computes the whole DNN, so it holds the gradient of its own outputs already; sending them back would double it.
    """
    asked, title = problem.experiment, STRATEGIES[stage.name].title
    networks = kept_local(problem, stage.name, title)
    left = kept_dnn(problem, stage.name, tuple(network.name for network in networks), asked.coherent.outputs)
    outputs = len(networks) * problem.description.num_classes * asked.training.batch_size * problem.number_bytes
    payload = Payload(outputs, "N·K local outputs of every image")
    epochs = stage.flops / sum(task.flops for task in coherent_tasks(problem, 1))
    return replace(stage, networks=networks, dnn=left, payload=payload, growth=partial(grow, problem, epochs))


def grow(problem: Problem, epochs: float, ranks: int, images: int) -> Growth:
    """Give every rank some of the local networks; all ranks gather their outputs and compute the whole DNN."""
    count, data = len(problem.local_networks), problem.description
    once = {"evaluated": data.num_validation, "predicted": predicted_images(problem)}
    every = Load(dnn(problem), images, **once)
    shares = [replace(share, loads=(*share.loads, every)) for share in local_shares(problem, ranks, images)]
    shares += [Share(ranks - count, (every,))] if ranks > count else []
    widest = max(sum(load.copies for load in share.loads) - 1 for share in shares)  # what it sends is of one size
    part = Exchange("all_gather", ranks, widest * data.num_classes * images * problem.number_bytes)
    return Growth(tuple(shares), f"{count} local networks", count, steps_an_epoch(problem, images), epochs, (part,))


def coherent_tasks(problem: Problem, epochs: int) -> tuple[Task, ...]:
    """The local networks as parts of the model, a task each; the DNN, which every rank computes, is in none."""
    share = epochs / problem.experiment.training.epochs
    return tuple(
        Task(f"subdomain {number}", training_flops(network.flops(), problem) * share)
        for number, network in enumerate(problem.local_networks, 1)
    )


def train_anew(context: StageContext) -> None:
    """Train the coherent model from new weights."""
    train(context, context.problem.experiment.training, {})


def train(context: StageContext, settings: TrainingSettings, first: "Mapping[str, Callable[[], State]]") -> None:
    """Train the coherent model; rank 0 writes what it decides.

    Parameters
    ----------
    first
        Where a network's first state comes from, by the network's name; it is new where nothing is said.
    """
    from ddlab.training.loop import Loop
    from ddlab.training.trainee import Trainee  # torch

    model, feed = _model(context, settings, first), _feed(context, settings)
    trainee = Trainee(model, 0, None, settings)
    trainee.gradients = [bank.parameters_of(place) for _, bank, place in model.networks()]
    _restore(context, model, trainee)
    # The loop is alone on every rank: all see the whole batch, the same logits and the same loss.
    report = context.report if context.ranks.rank == 0 else _say_nothing

    def save() -> None:
        _save(context, model, trainee)

    stage, seed = context.folder.name, context.seed
    loop = Loop(stage, seed, model, [trainee], feed, settings, context.alone, report, context.check, save)
    replace(loop, parts=context.ranks, overhead=context.overhead).run()
    _save_weights(context, model, trainee)
    model.load_state_of(0, trainee.last_state)
    last = {split: predict(model, feed, split).decisions for split in context.dataset.held_out}
    model.load_state_of(0, trainee.kept_state())
    predicted: dict[str, Predicted] = {split: predict(model, feed, split) for split in context.dataset.splits}
    sent = context.ranks.gather(model.bytes_sent)
    if context.ranks.rank == 0:
        _write(context, model, trainee, predicted, last, sent[0])


@dataclass(frozen=True)
class Predicted:
    """The predictions of M images: scores ``(M, K)`` and the local outputs ``(M, N, K)`` that they come from."""

    scores: np.ndarray
    outputs: np.ndarray

    @property
    def decisions(self) -> np.ndarray:
        """The decided classes ``(M,)``."""
        classes_M: np.ndarray = self.scores.argmax(1)
        return classes_M


def predict(model: "CoherentModel", feed: "GroupedFeed", split: SplitName) -> Predicted:
    """Predict a split; all ranks do it together and all get the whole."""
    import torch

    from ddlab.exact import doubled
    from ddlab.training.loop import precision

    model.eval()
    scores, outputs = [], []
    with torch.no_grad():
        for batch in feed.evaluate(split):
            with precision(feed.settings, model.placed.ranks):
                said = model.local_outputs(list(batch.inputs))
                scores.append(doubled(model.decide(said)[:, 0]).softmax(-1).float().cpu().numpy())
            outputs.append(said.float().cpu().numpy())
    return Predicted(np.concatenate(scores), np.concatenate(outputs))


def reason(explanation: Explanation) -> str:
    """Tell what the DNN gives, and what it listens to most."""
    return from_dnn("The model, trained as one from the start,", explanation, "coherent")


# ---- its parts


def _say_nothing(record: "EpochRecord") -> None:
    """Report nothing: rank 0 reports the numbers of this rank."""


def _subdomains_by_rank(context: StageContext) -> list[list[int]]:
    return shard(coherent_tasks(context.problem, 1), context.ranks.size)


def _groups(context: StageContext) -> list[list[int]]:
    """The subdomains of this rank, those with equal networks together."""
    groups: dict[Any, list[int]] = {}
    for subdomain in _subdomains_by_rank(context)[context.ranks.rank]:
        groups.setdefault(context.problem.local_networks[subdomain], []).append(subdomain)
    return list(groups.values())


def _model(
    context: StageContext, settings: TrainingSettings, first: "Mapping[str, Callable[[], State]]"
) -> "CoherentModel":
    from ddlab.models.coherent import CoherentModel, Placed
    from ddlab.strategies.phases import arithmetic, first_state

    problem = context.problem
    placed = Placed(context.ranks, _subdomains_by_rank(context), _groups(context))
    model = CoherentModel(problem.local_networks, dnn(problem), placed, problem.experiment.coherent.outputs)
    model.to(arithmetic(settings))  # before it gets weights: trained ones may be of double precision
    for name, bank, place in model.networks():
        given = first.get(name)
        bank.load_state_of(place, given() if given else first_state(context, bank.network, name))
    return model.prepare(context.ranks.device, arithmetic(settings))


def _feed(context: StageContext, settings: TrainingSettings) -> "GroupedFeed":
    from ddlab.training.batches import GroupedFeed, Sharing

    subdomains = context.problem.decomposition.subdomains
    groups = [[subdomains[index] for index in group] for group in _groups(context)]
    return GroupedFeed(context.dataset, groups, settings, Sharing(context.alone))


# ---- what is kept of it


def _save(context: StageContext, model: "CoherentModel", trainee: "Trainee") -> None:
    """Write the checkpoint of the networks of this rank; the DNN, which all ranks have, is rank 0's."""
    from ddlab.models.names import DNN
    from ddlab.strategies.checkpoints import save_checkpoint
    from ddlab.training.loop import derive_seed

    states = model.split_checkpoint(trainee.checkpoint() | {"bytes_sent": model.bytes_sent})
    if context.ranks.rank > 0:
        del states[DNN]
    if states:
        save_checkpoint(context, f"part-{derive_seed(*states):x}", states)


def _restore(context: StageContext, model: "CoherentModel", trainee: "Trainee") -> None:
    """Go on from the newest epoch that all ranks have saved, however the networks were spread over ranks then."""
    from ddlab.models.names import DNN, local_name
    from ddlab.strategies.checkpoints import common_states

    names = [*(local_name(subdomain) for subdomain in range(len(context.problem.decomposition))), DNN]
    if saved := common_states(context, names):
        checkpoint = model.join_checkpoint(saved)
        trainee.restore(checkpoint)
        model.bytes_sent = checkpoint.get("bytes_sent", 0)  # older checkpoints do not say


def _save_weights(context: StageContext, model: "CoherentModel", trainee: "Trainee") -> None:
    """Write the weights of the networks of this rank; the DNN, which all ranks have, is rank 0's."""
    from ddlab.models.names import DNN
    from ddlab.models.parts import part_of
    from ddlab.strategies.checkpoints import save_weights

    for name, _, _ in model.networks():
        if name != DNN or context.ranks.rank == 0:
            save_weights(context, f"{name}-last", part_of(trainee.last_state, name))
            save_weights(context, f"{name}-best", part_of(trainee.best_state, name))


def _write(
    context: StageContext,
    model: "CoherentModel",
    trainee: "Trainee",
    predicted: dict[str, Predicted],
    last: Mapping[SplitName, np.ndarray],
    bytes_sent: int,
) -> None:
    said, decisions = predicted["validation"].outputs, {split: made.decisions for split, made in predicted.items()}
    probabilities = said if model.outputs == "probabilities" else _softmax(said)
    baseline = 0.0 if model.outputs == "logits" else 1 / said.shape[2]
    scores = {split: made.scores for split, made in predicted.items()}
    write_decisions(
        context,
        scores,
        decisions,
        validation_local=probabilities,
        validation_attributions=attribute(model.dnn, said, decisions["validation"], baseline),
    )
    write_result(
        context,
        trainee.progress.seconds,
        _flops_by_rank(context, trainee.progress.epoch),
        [],
        **accuracies(context, scores, decisions, {split: decided for split, decided in last.items()}),
        epochs=trainee.progress.epoch,
        best_epoch=trainee.progress.best_epoch,
        bytes_sent=bytes_sent,
        **_size(context.problem),
    )


def _flops_by_rank(context: StageContext, epochs: int) -> list[float]:
    problem, data = context.problem, context.dataset
    images = (1 + BACKWARD) * len(data.train) + len(data.validation)
    local = [network.flops() for network in problem.local_networks]
    return [
        float((sum(local[index] for index in share) + dnn(problem).flops()) * epochs * images)
        for share in _subdomains_by_rank(context)
    ]


def _size(problem: Problem) -> "Size":
    networks = [*problem.local_networks, dnn(problem)]
    return combined_size([{"parameters": network.parameters(), "flops": network.flops()} for network in networks])


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: np.ndarray = exponentials / exponentials.sum(-1, keepdims=True)
    return probabilities
