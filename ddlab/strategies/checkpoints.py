"""Weights and checkpoints of networks, kept by stages for later stages and for resuming. Both carry a checksum.

Memory and disks flip bits, and neither torch nor safetensors notices: what was read would be trained on as if it were
what was written.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ddlab import files
from ddlab.runs.stage_folder import StageFolder
from ddlab.strategies.stage import StageContext
from ddlab.training.midway import reached
from ddlab.training.trainee import PARTS, Progress, State

log = logging.getLogger(__name__)

CHECKSUM = "sha256"  # key in the metadata of a file of weights


def save_weights(context: StageContext, name: str, state: State) -> None:
    """Write the weights of one network as safetensors, with their checksum in its metadata."""
    tensors = {key: value.contiguous().cpu() for key, value in state.items()}
    metadata = {CHECKSUM: _checksum(tensors)}
    context.folder.write_atomically(context.folder.weights(name), lambda path: save_file(tensors, path, metadata))


def read_weights(folder: StageFolder, name: str) -> State:
    """Read what :func:`save_weights` wrote.

    Raises
    ------
    ValueError
        If the file is not there or damaged; names it and says what to do.
    """
    path = folder.weights(name)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # it is not a mapping
            metadata = file.metadata()
        if metadata and metadata.get(CHECKSUM) != _checksum(tensors):  # an older ddlab wrote none
            raise ValueError("its checksum differs from what was written")
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(
            f"{path.name} of stage {folder.name}, seed {folder.seed}, cannot be read ({error}); "
            "delete the folder of that stage and resume the run"
        ) from error
    return tensors


def _checksum(tensors: State) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save_checkpoint(context: StageContext, name: str, states: dict[str, Any]) -> None:
    """Write the state of training; the checkpoint before it stays as the previous one, should this one be damaged."""
    path = context.folder.checkpoint(name)

    def write(temporary: Path) -> None:
        torch.save(states, temporary)
        files.seal(temporary)
        if path.exists():  # only now: at every moment one whole checkpoint is there
            path.replace(context.folder.checkpoint(f"{name}-previous"))

    context.folder.write_atomically(path, write)


def saved_states(context: StageContext) -> dict[str, Any]:
    """The newest saved state of every network of a stage, whichever ranks and banks it was trained in.

    A damaged checkpoint is passed over with a warning; the one before it, if there is one, takes its place.
    """
    states: dict[str, Any] = {}
    for name, state in _all_saved(context):
        if name not in states or reached(state) > reached(states[name]):
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
        files.check_seal(path)
        states = torch.load(path, map_location=device, weights_only=True)
        _check_states(states)
    except FileNotFoundError:  # another rank, whose it is, renamed it just now
        return {}
    except Exception as error:  # a damaged file raises whatever its first wrong byte leads to
        log.warning("checkpoint %s is damaged (%s) and passed over; the newest whole one counts", path.name, error)
        return {}
    checked: dict[str, Any] = states
    return checked


def _check_states(states: Any) -> None:
    """Refuse what can be loaded but is not a checkpoint."""
    known = {field.name for field in fields(Progress)}
    for state in states.values() if isinstance(states, dict) else [states]:
        if not isinstance(state, dict) or not PARTS <= state.keys():
            raise ValueError(f"it holds no {', '.join(sorted(PARTS))}")
        progress = state["progress"]
        if not isinstance(progress, dict) or not progress.keys() <= known or not isinstance(progress.get("epoch"), int):
            raise ValueError("its progress is not valid")
