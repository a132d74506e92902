"""The place of a run on this machine: which devices, how many workers, and why, in one sentence.

Where nobody asks for a number, there are as many workers as the stages of the experiment find work for: further ones
would hold devices that other runs wait for. No stage is given fewer than it can use, so batches are divided as all
devices would divide them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddlab.engine.devices import count_slots, num_workers, plural
from ddlab.problem import Problem
from ddlab.strategies.stage import Stage, plan

Begun = tuple[str, int]
"""Title of a stage that has begun, and its number of workers."""


@dataclass(frozen=True)
class Place:
    """The devices and workers of a run.

    Parameters
    ----------
    kind
        Of the devices: ``"cpu"``, ``"cuda"`` or ``"mps"``.
    workers
        Number of ranks, on all machines together.
    slots
        Number of devices, on each machine; fewer than workers where several share a GPU.
    because
        Why, as a sentence.
    """

    kind: str
    workers: int
    slots: int
    because: str


def place_here(problem: Problem, begun: Begun | None = None) -> Place:
    """Choose the place of an experiment on this machine.

    Parameters
    ----------
    begun
        A stage that the run has begun, which goes on on as many workers if nobody asks for another number.

    Raises
    ------
    ValueError
        If it asks for what the machine does not have, or a stage cannot work with what it asks for.
    """
    return choose(problem.experiment.placement.model_dump(), plan(problem), begun)


def choose(
    asked: Mapping[str, Any],
    stages: Sequence[Stage],
    begun: Begun | None = None,
    count: Callable[[str], int] = count_slots,
) -> Place:
    """Choose devices and workers for stages, where ``count`` tells the number of devices of each kind.

    Raises
    ------
    ValueError
        As :func:`place_here`.
    """
    kind, most = num_workers(dict(asked), count)
    machines = asked.get("machines") or 1
    if asked.get("engine") == "slurm" or machines > 1:
        return Place(kind, most, most // machines, _elsewhere(asked, kind, most // machines))
    here = count(kind)
    number, why = _number(asked, stages, here, begun)
    used = min(number, here)
    if number > here:
        _refuse_to_share(stages, number, here)
    devices = f"{f'{used} of' if used < here else 'all'} {here} {plural(kind)}" if here > 1 else _one(kind)
    told = f"{number} worker{'s' * (number > 1)} on {devices}: {_kind(asked, kind, count)}{why}."
    return Place(kind, number, used, told)


def _number(asked: Mapping[str, Any], stages: Sequence[Stage], here: int, begun: Begun | None) -> tuple[int, str]:
    """The number of workers, and why so many."""
    if wanted := asked.get("workers"):
        share = "" if wanted <= here else "; GPUs are shared, so the workers talk by gloo, which NCCL would do faster"
        return wanted, f"{'one was' if wanted == 1 else f'{wanted} were'} asked for{share}"
    if begun and begun[1] <= here:
        return begun[1], f"“{begun[0]}” has begun on as many"
    stage = max(stages, key=lambda stage: stage.useful_ranks(here))
    number = stage.useful_ranks(here)
    if number < here:
        return number, f"more would find no work, or save no time, since {_work(stage, number)}"
    return number, f"{_work(stage)}{_idle(stages, number)}"


def _work(stage: Stage, parts: int = 0) -> str:
    """Say what a stage has for its ranks to do; of one whose batches cannot be divided further, in how many parts."""
    if stage.kind == "single" or not stage.tasks:
        return f"“{stage.title}” is the work of one"
    if stage.divides_batches and len(stage.tasks) == 1:
        told = "keeps its data together" if parts == 1 else f"has {parts} parts of its data" if parts else ""
        return f"“{stage.title}” {told or 'divides every batch among the workers'}"
    noun, count = stage.tasks[0].name.split()[0], len(stage.tasks)
    return f"“{stage.title}” has {count} {noun}{'s' * (count > 1)}"


def _idle(stages: Sequence[Stage], number: int) -> str:
    """Say which stage of several ranks leaves most of them without work; empty where none does."""
    several = [stage for stage in stages if stage.kind != "single" and stage.tasks]
    stage = min(several, key=lambda stage: stage.useful_ranks(number), default=None)
    used = stage.useful_ranks(number) if stage else number
    return f", and “{stage.title}” has work for {used} of them" if stage and used < number else ""


def _kind(asked: Mapping[str, Any], kind: str, count: Callable[[str], int]) -> str:
    """Say why these devices; empty where they were asked for."""
    if asked.get("devices") not in (None, "auto"):
        return ""
    if kind == "cuda":
        return "GPUs come before processor cores; "
    if count("mps"):
        return "Apple's GPU has to be asked for, as its speed was not measured; "
    return "there is no GPU here; "


def _one(kind: str) -> str:
    return {"cpu": "the only processor core", "cuda": "the only GPU", "mps": "Apple's GPU"}[kind]


def _elsewhere(asked: Mapping[str, Any], kind: str, each: int) -> str:
    machines = asked.get("machines") or 1
    noun = {"cpu": "processor core", "cuda": "GPU", "mps": "Apple GPU"}[kind]
    why = "" if asked.get("workers") else "; placement.workers asks for more"
    places = f"on each of {machines} machines" if machines > 1 else "on one machine of the cluster"
    return f"{each} worker{'s' * (each > 1)} {places}, a {noun} each{why}."


def _refuse_to_share(stages: Sequence[Stage], number: int, here: int) -> None:
    """Raise a ValueError where a stage hands tensors from one rank to another, which gloo cannot do between GPUs."""
    if title := next((stage.title for stage in stages if stage.hands_on), ""):
        raise ValueError(
            f"placement.workers: “{title}” hands tensors from one GPU to the next, so each worker needs a GPU of its "
            f"own; this machine has {here}, got {number}: ask for 1 to {here}, or leave it empty"
        )
