"""Training phases that strategies share: networks of one shape trained together, their weights, what they predict.

Imports torch: strategies import this module when a stage runs. Shapes: M images, N networks, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ddlab.data.source import SplitName
from ddlab.exact import doubled
from ddlab.experiment import TrainingSettings
from ddlab.models.architecture import Network
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.ranks import Ranks
from ddlab.strategies.checkpoints import save_checkpoint, save_weights, saved_states
from ddlab.strategies.stage import BACKWARD, StageContext
from ddlab.training.batches import Feed
from ddlab.training.compiled import compiled
from ddlab.training.loop import NO_HOOKS, Loop, TrainingHooks, derive_seed, precision
from ddlab.training.midway import Midway, Place
from ddlab.training.trainee import State, Trainee

if TYPE_CHECKING:
    from ddlab.runs.records import NetworkResult


@dataclass(frozen=True)
class Cohort:
    """Networks of one shape that are trained together as a bank.

    Parameters
    ----------
    names
        One a network: of its weights, its checkpoint and its seed.
    subdomains
        The subdomain of each, None for a network that sees everything.
    """

    network: Network
    names: tuple[str, ...]
    subdomains: tuple[int | None, ...]

    @property
    def checkpoint(self) -> str:
        """Name of its checkpoint, its own: other banks of some of its networks, on other ranks, overwrite nothing."""
        return self.names[0] if len(self.names) == 1 else f"bank-{derive_seed(*self.names):x}"


@dataclass(frozen=True)
class Trained:
    """A cohort after training: the bank holds the states that the settings keep."""

    bank: Bank
    trainees: list[Trainee]
    settings: TrainingSettings

    @property
    def seconds(self) -> float:
        """Time of all epochs, those before an interruption included."""
        return max(trainee.progress.seconds for trainee in self.trainees)

    def flops(self, num_train: int, num_validation: int) -> float:
        """Operations of the epochs that were trained, on this many images each."""
        images = 0.0
        for progress in (trainee.progress for trainee in self.trainees):
            images += (1 + BACKWARD) * progress.data_passes * num_train + progress.epoch * num_validation
        return self.bank.network.flops() * images


def train_cohort(
    context: StageContext,
    cohort: Cohort,
    feed: Feed,
    settings: TrainingSettings,
    ranks: Ranks,
    snapshot: int | None = None,
    hooks: TrainingHooks = NO_HOOKS,
) -> Trained:
    """Train a cohort from its checkpoint, if there is one, to its end, and write the weights of each network.

    Parameters
    ----------
    ranks
        Those that train this cohort together, data parallel; one rank alone in sharded stages.
    snapshot
        Epoch whose weights are written, too; those of the last epoch, where training ends before.
    hooks
        What this training does in another way than others.
    """
    bank = Bank(cohort.network, len(cohort.names))
    for index, name in enumerate(cohort.names):
        bank.load_state_of(index, first_state(context, cohort.network, name))
    bank.prepare(ranks.device, arithmetic(settings))
    trainees = [Trainee(bank, index, subdomain, settings) for index, subdomain in enumerate(cohort.subdomains)]
    saved = saved_states(context)
    for name, trainee in zip(cohort.names, trainees, strict=True):
        hooks.begin(trainee)
        if name in saved:
            trainee.restore(saved[name])
    begun = [saved.get(name, {}).get("within") for name in cohort.names]
    for trainee, place in zip(trainees, begun, strict=True):
        if place:
            bank.load_state_of(trainee.index, place["state"])

    def save(places: Sequence[Place] = ()) -> None:
        # All ranks: a part of the state may be theirs.
        states = {name: trainee.checkpoint() for name, trainee in zip(cohort.names, trainees, strict=True)}
        for state, (index, place) in zip(states.values(), enumerate(places), strict=False):
            state["within"] = place | {"state": bank.state_of(index)}
        if ranks.rank == 0:
            for name, trainee in zip(cohort.names, trainees, strict=True):
                epoch, ended = trainee.progress.epoch, trainee.progress.finished
                if snapshot and (epoch == snapshot or (ended and epoch < snapshot)):
                    save_weights(context, f"{name}-epoch{snapshot}", trainee.last_state)
            save_checkpoint(context, cohort.checkpoint, states)

    model: nn.Module = bank if ranks.alone or not hooks.averaged else _averaging(bank, ranks.size)
    stage, seed = context.folder.name, context.seed
    loop = Loop(stage, seed, model, trainees, feed, settings, ranks, context.report, context.check, save, hooks)
    compute, midway = compiled(model, ranks.device) if settings.compile else None, Midway(save, begun)
    replace(loop, overhead=context.overhead, landmark=snapshot or 0, compute=compute, midway=midway).run()
    for index, (name, trainee) in enumerate(zip(cohort.names, trainees, strict=True)):
        if ranks.rank == 0:
            save_weights(context, f"{name}-last", trainee.last_state)
            save_weights(context, f"{name}-best", trainee.best_state)
        bank.load_state_of(index, trainee.kept_state())
    return Trained(bank, trainees, settings)


def _averaging(bank: Bank, size: int) -> nn.Module:
    """The bank, whose gradients are averaged over the ranks.

    Statistics of batch normalisation are sent where they are used, before an evaluation, and not once a step. PyTorch
    orders gradients anew after its first step, and with the order changes how more than two are added: a run that is
    resumed would differ in its last bits. It keeps the first order where it looks for gradients that are missing.
    """
    averaged = DistributedDataParallel(bank, static_graph=size <= 2, find_unused_parameters=size > 2)
    averaged.broadcast_buffers = False  # the argument has another name from torch 2.13 on
    return averaged


def first_state(context: StageContext, network: Network, name: str) -> State:
    """The state that a network of a stage begins with, wherever it is trained."""
    return new_state(network, context.seed, context.folder.name, name)


def new_state(network: Network, seed: int, stage: str, name: str) -> State:
    """New weights; they follow from seed, stage and name."""
    torch.manual_seed(derive_seed(seed, stage, "weights", name))
    return build(network).state_dict()


def arithmetic(settings: TrainingSettings) -> torch.dtype:
    """Type of the weights; bfloat16 is mixed precision, whose weights are float32."""
    return torch.float64 if settings.precision == "float64" else torch.float32


@torch.no_grad()
def predict(bank: Bank, feed: Feed, split: SplitName, settings: TrainingSettings, ranks: Ranks) -> np.ndarray:
    """Class probabilities ``(M, N, K)`` of every network of the bank on a split, in its order, over all ranks."""
    bank.eval()
    parts = []
    for batch in feed.evaluate(split):
        with precision(settings, ranks):
            parts.append(doubled(bank(batch.inputs)).softmax(-1).float().cpu().numpy())
    return np.concatenate([part for rank_parts in ranks.gather(parts) for part in rank_parts])


def predict_last(
    trained: Trained, feed: Feed, splits: Sequence[SplitName], ranks: Ranks
) -> dict[SplitName, np.ndarray]:
    """Probabilities ``(M, N, K)`` with the weights of the last epoch; the bank keeps the ones it has."""
    kept = [trained.bank.state_of(index) for index in range(trained.bank.copies)]
    _load(trained.bank, [trainee.last_state for trainee in trained.trainees])
    probabilities = {split: predict(trained.bank, feed, split, trained.settings, ranks) for split in splits}
    _load(trained.bank, kept)
    return probabilities


def _load(bank: Bank, states: Sequence[State]) -> None:
    for index, state in enumerate(states):
        bank.load_state_of(index, state)


def network_results(
    cohort: Cohort, trained: Trained, accuracies: Mapping[str, Sequence[object]]
) -> "list[NetworkResult]":
    """List what the run folder keeps of each network; ``accuracies`` has a number a network, by its record's name."""
    rows = [
        {
            "subdomain": subdomain,
            "parameters": cohort.network.parameters(),
            "flops": cohort.network.flops(),
            "epochs": trainee.progress.epoch,
            "best_epoch": trainee.progress.best_epoch,
            **{name: values[index] for name, values in accuracies.items()},
        }
        for index, (subdomain, trainee) in enumerate(zip(cohort.subdomains, trained.trainees, strict=True))
    ]
    return cast("list[NetworkResult]", rows)  # the accuracies have its names
