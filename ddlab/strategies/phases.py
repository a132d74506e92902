"""Training phases that strategies share: networks of one shape trained together, their weights, what they predict.

Imports torch: strategies import this module when a stage runs. Shapes: M images, N networks, K classes.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ddlab.batches import Feed
from ddlab.data.source import SplitName
from ddlab.engine.ranks import Ranks
from ddlab.experiment import TrainingSettings
from ddlab.models.architecture import Network
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.runs.stage_folder import StageFolder
from ddlab.strategies.stage import BACKWARD, StageContext
from ddlab.trainee import State, Trainee
from ddlab.training import NOTHING_SPECIAL, Loop, Plan, derive_seed, precision

log = logging.getLogger(__name__)


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
            images += (1 + BACKWARD) * progress.sweeps * num_train + progress.epoch * num_validation
        return self.bank.network.flops() * images


def train_cohort(
    context: StageContext,
    cohort: Cohort,
    feed: Feed,
    settings: TrainingSettings,
    ranks: Ranks,
    snapshot: int | None = None,
    plan: Plan = NOTHING_SPECIAL,
) -> Trained:
    """Train a cohort from its checkpoint, if there is one, to its end, and write the weights of each network.

    Parameters
    ----------
    ranks
        Those that train this cohort together, data parallel; one rank alone in sharded stages.
    snapshot
        Epoch whose weights are written, too; those of the last epoch, where training ends before.
    plan
        What this training does in another way than others.
    """
    bank = Bank(cohort.network, len(cohort.names))
    for index, name in enumerate(cohort.names):
        bank.load_state_of(index, first_state(context, cohort.network, name))
    bank.prepare(ranks.device, arithmetic(settings))
    trainees = [Trainee(bank, index, subdomain, settings) for index, subdomain in enumerate(cohort.subdomains)]
    saved = saved_states(context)
    for name, trainee in zip(cohort.names, trainees, strict=True):
        plan.begin(trainee)
        if name in saved:
            trainee.restore(saved[name])

    def save() -> None:
        # All ranks: a part of the state may be theirs.
        states = {name: trainee.checkpoint() for name, trainee in zip(cohort.names, trainees, strict=True)}
        if ranks.rank == 0:
            for name, trainee in zip(cohort.names, trainees, strict=True):
                if snapshot and trainee.progress.epoch <= snapshot:
                    save_weights(context, f"{name}-epoch{snapshot}", trainee.last_state)
            save_checkpoint(context, cohort.checkpoint, states)

    model: nn.Module = bank if ranks.alone or not plan.averaged else DistributedDataParallel(bank)
    stage, seed = context.folder.name, context.seed
    Loop(stage, seed, model, trainees, feed, settings, ranks, context.report, context.check, save, plan).run()
    for index, (name, trainee) in enumerate(zip(cohort.names, trainees, strict=True)):
        if ranks.rank == 0:
            save_weights(context, f"{name}-last", trainee.last_state)
            save_weights(context, f"{name}-best", trainee.best_state)
        bank.load_state_of(index, trainee.kept_state())
    return Trained(bank, trainees, settings)


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
            parts.append(bank(batch.inputs).double().softmax(-1).float().cpu().numpy())
    return np.concatenate([part for rank_parts in ranks.gather(parts) for part in rank_parts])


def predict_last(trained: Trained, feed: Feed, ranks: Ranks) -> np.ndarray:
    """Validation probabilities ``(M, N, K)`` with the weights of the last epoch; the bank keeps the ones it has."""
    kept = [trained.bank.state_of(index) for index in range(trained.bank.copies)]
    _load(trained.bank, [trainee.last_state for trainee in trained.trainees])
    probabilities = predict(trained.bank, feed, "validation", trained.settings, ranks)
    _load(trained.bank, kept)
    return probabilities


def _load(bank: Bank, states: Sequence[State]) -> None:
    for index, state in enumerate(states):
        bank.load_state_of(index, state)


def read_weights(folder: StageFolder, name: str) -> State:
    """Read what :func:`save_weights` wrote.

    Raises
    ------
    ValueError
        If the file is not there or damaged; names it and says what to do.
    """
    path = folder.weights(name)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(
            f"{path.name} of stage {folder.name}, seed {folder.seed}, cannot be read ({error}); "
            "delete the folder of that stage and resume the run"
        ) from error


def save_weights(context: StageContext, name: str, state: State) -> None:
    """Write the weights of one network as safetensors."""
    tensors = {key: value.contiguous().cpu() for key, value in state.items()}
    context.folder.write_atomically(context.folder.weights(name), lambda path: save_file(tensors, path))


def save_checkpoint(context: StageContext, name: str, states: dict[str, Any]) -> None:
    """Write the state of training; the checkpoint before it stays as the previous one, should this one be damaged."""
    path = context.folder.checkpoint(name)

    def write(temporary: Path) -> None:
        torch.save(states, temporary)
        if path.exists():  # only now: at every moment one whole checkpoint is there
            path.replace(context.folder.checkpoint(f"{name}-previous"))

    context.folder.write_atomically(path, write)


def saved_states(context: StageContext) -> dict[str, Any]:
    """The newest saved state of every network of a stage, whichever ranks and banks it was trained in.

    A damaged checkpoint is passed over with a warning; the one before it, if there is one, takes its place.
    """
    states: dict[str, Any] = {}
    for name, state in _all_saved(context):
        if name not in states or state["progress"]["epoch"] > states[name]["progress"]["epoch"]:
            states[name] = state
    return states


def common_states(context: StageContext, names: Sequence[str]) -> dict[str, Any]:
    """The saved states of networks that are trained as one: of the newest epoch at which all of them were saved.

    A rank that was killed may have saved an epoch less than the others. Empty where there is no such epoch.
    """
    by_epoch: dict[int, dict[str, Any]] = {}
    for name, state in _all_saved(context):
        by_epoch.setdefault(state["progress"]["epoch"], {})[name] = state
    whole = [epoch for epoch, states in by_epoch.items() if set(names) <= set(states)]
    return by_epoch[max(whole)] if whole else {}


def _all_saved(context: StageContext) -> Iterator[tuple[str, Any]]:
    for path in context.folder.checkpoints():
        yield from _read_checkpoint(path, context.ranks.device).items()


def _read_checkpoint(path: Path, device: str) -> dict[str, Any]:
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:  # another rank, whose it is, renamed it just now
        return {}
    except Exception as error:  # a damaged file raises whatever its first wrong byte leads to
        log.warning("checkpoint %s is damaged (%s) and passed over; the newest whole one counts", path.name, error)
        return {}


def network_results(
    cohort: Cohort, trained: Trained, accuracies: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    """What the run folder keeps of each network; ``accuracies`` has train, validation and last, one a network."""
    return [
        {
            "subdomain": subdomain,
            "parameters": cohort.network.parameters(),
            "flops": cohort.network.flops(),
            "epochs": trainee.progress.epoch,
            "best_epoch": trainee.progress.best_epoch,
            "train_accuracy": accuracies["train"][index],
            "validation_accuracy": accuracies["validation"][index],
            "last_validation_accuracy": accuracies["last"][index],
        }
        for index, (subdomain, trainee) in enumerate(zip(cohort.subdomains, trained.trainees, strict=True))
    ]
