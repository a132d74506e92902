"""The CNN-DNN: a dense network decides from the N·K local probabilities.

Shapes: M images, N subdomains, K classes.

References
----------
Klawonn, Lanser, Weber, "A domain decomposition-based CNN-DNN architecture for model parallel training applied to image
recognition problems", SISC 46(5), 2024. The widths of its four hidden layers are not public; the defaults are ours.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ddlab.experiment import TrainingSettings
from ddlab.models.architecture import Network
from ddlab.models.layers import mlp
from ddlab.models.names import DNN
from ddlab.problem import Problem
from ddlab.strategies.explanation import Explanation, from_dnn
from ddlab.strategies.growth import Growth, Load, Share
from ddlab.strategies.local import FOLDS, folds_stage, local_stage
from ddlab.strategies.results import accuracies, combined_size, write_decisions, write_result
from ddlab.strategies.stage import (
    LOCAL,
    KeptDNN,
    KeptNetwork,
    Outputs,
    Stage,
    StageContext,
    Task,
    kept_local,
    predicted_images,
    steps_an_epoch,
    training_flops,
)

if TYPE_CHECKING:
    from ddlab.models.bank import Bank
    from ddlab.runs.records import Accuracies
    from ddlab.strategies.phases import Trained

INTEGRATION_STEPS = 32


def stages(problem: Problem) -> Iterator[Stage]:
    """The local networks, out-of-fold ones if asked for, then the DNN on their probabilities."""
    yield local_stage(problem)
    needs: tuple[str, ...] = (LOCAL,)
    if problem.experiment.aggregator.folds > 1:
        yield folds_stage(problem)
        needs = (LOCAL, FOLDS)
    epochs = problem.experiment.aggregator.epochs / problem.experiment.training.epochs
    task = Task("DNN", training_flops(dnn(problem).flops(), problem) * epochs)
    members = tuple(network.name for network in kept_local(problem))
    left = kept_dnn(problem, "cnn_dnn", members, "probabilities")
    growth = partial(grow, problem)
    yield Stage("cnn_dnn", "DNN on the local probabilities", "single", train, needs, (task,), dnn=left, growth=growth)


def grow(problem: Problem, ranks: int, images: int) -> Growth:
    """Let one rank train the DNN, whatever there are of them, in batches of its own."""
    own, data = problem.experiment.aggregator, problem.description
    load = Load(dnn(problem), own.batch_size, evaluated=data.num_validation, predicted=predicted_images(problem))
    steps = steps_an_epoch(problem, own.batch_size)
    return Growth((Share(1, (load,)),), "1 DNN, which one rank trains", 1, steps, own.epochs)


def kept_dnn(problem: Problem, stage: str, members: tuple[str, ...], outputs: Outputs) -> KeptDNN:
    """Declare the DNN that a stage leaves, and the local networks that it decides from."""
    return KeptDNN(KeptNetwork(f"{stage}-dnn", "DNN", dnn(problem), problem.whole_image, DNN), members, outputs)


def dnn(problem: Problem) -> Network:
    """The dense network: N·K probabilities, rectified hidden layers with dropout, K logits."""
    settings, num_classes = problem.experiment.aggregator, problem.description.num_classes
    inputs = len(problem.decomposition) * num_classes
    return Network(mlp(inputs, settings.hidden, num_classes, settings.dropout), (inputs,), classifier="classifier")


def train(context: StageContext) -> None:
    """Train the DNN on the probabilities of the training images, explain its decisions on the validation images."""
    from ddlab.strategies import phases
    from ddlab.training.batches import VectorFeed  # torch

    problem, ranks = context.problem, context.alone
    local = context.needed(LOCAL).predictions()
    learned_from = context.needed(FOLDS).predictions() if FOLDS in context.stage.needs else local
    splits, held_out = context.dataset.splits, context.dataset.held_out
    features = {"train": learned_from["train"], **{split: local[split] for split in held_out}}
    settings = _training(problem)
    feed = VectorFeed({split: x.reshape(len(x), -1) for split, x in features.items()}, context.dataset, settings, ranks)
    cohort = phases.Cohort(dnn(problem), ("dnn",), (None,))
    trained = phases.train_cohort(context, cohort, feed, settings, ranks)
    scores: dict[str, np.ndarray] = {
        split: phases.predict(trained.bank, feed, split, settings, ranks)[:, 0] for split in splits
    }
    last = phases.predict_last(trained, feed, held_out, ranks)
    decisions: dict[str, np.ndarray] = {split: values.argmax(1) for split, values in scores.items()}
    baseline = 1 / problem.description.num_classes
    attributions = attribute(trained.bank, local["validation"], decisions["validation"], baseline)
    write_decisions(context, scores, decisions, validation_attributions=attributions)
    decided_last: dict[str, np.ndarray] = {split: values[:, 0].argmax(1) for split, values in last.items()}
    _write_result(context, trained, accuracies(context, scores, decisions, decided_last))


def attribute(dnn: "Bank", outputs_MNK: np.ndarray, decisions_M: np.ndarray, baseline: float) -> np.ndarray:
    """Compute how much each local output contributes to the decision, ``(M, N, K)``.

    Integrated gradients of the decided class's log-probability from the baseline where no local network says anything
    (probabilities of 1/K, logits of 0): for one image they sum to the log-probability less that at the baseline.

    References
    ----------
    Sundararajan, Taly, Yan 2017, "Axiomatic Attribution for Deep Networks".
    """
    import torch
    from captum.attr import IntegratedGradients

    dnn.eval()
    weight = next(dnn.parameters())
    inputs = torch.from_numpy(outputs_MNK.reshape(len(outputs_MNK), -1)).to(weight)
    gradients = IntegratedGradients(lambda x: dnn(x)[:, 0].log_softmax(-1))
    values = gradients.attribute(
        inputs,
        baselines=baseline,
        target=torch.from_numpy(decisions_M).to(weight.device),
        n_steps=INTEGRATION_STEPS,
        internal_batch_size=65_536,
    )
    shares: np.ndarray = values.detach().float().cpu().numpy().reshape(outputs_MNK.shape)
    return shares


def reason(explanation: Explanation) -> str:
    """Tell what the DNN gives, and what it listens to most."""
    return from_dnn("The DNN", explanation, "cnn_dnn")


def _training(problem: Problem) -> TrainingSettings:
    """The experiment's training settings with the aggregator's own epochs, batches, rate and early stopping.

    No warm-up: the N·K inputs add up to N, too little to push a unit below zero for good, and steps are few. Nor is so
    small a network worth compiling.
    """
    own = problem.experiment.aggregator.model_dump(include={"epochs", "batch_size", "learning_rate", "early_stopping"})
    return problem.experiment.training.model_copy(update={**own, "warm_up": 0, "compile": False})


def _write_result(context: StageContext, trained: "Trained", reached: "Accuracies") -> None:
    network, progress = trained.bank.network, trained.trainees[0].progress
    parts = combined_size(context.needed(LOCAL).result()["networks"])
    write_result(
        context,
        trained.seconds,
        [trained.flops(len(context.dataset.train), len(context.dataset.validation))],
        [],
        **reached,
        best_epoch=progress.best_epoch,
        parameters=parts["parameters"] + network.parameters(),
        flops=parts["flops"] + network.flops(),
    )
