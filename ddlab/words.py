"""Runs, times and accuracies in plain language, for pages and the command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from ddlab.data.source import Description
from ddlab.decomposition import times
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunState
from ddlab.written import percent

UNITS = {1: "samples", 2: "px", 3: "voxels"}  # by the axes of an image


def duration(seconds: float | None) -> str:
    """A time span the way people say it; a dash if there is none."""
    if seconds is None:
        return "–"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def extents(shape: Sequence[int]) -> str:
    """Write the extents of an image, a volume or a signal, with their unit."""
    return f"{times(shape)} {UNITS[len(shape)]}"


def counts(about: Description) -> str:
    """Write how many images there are to train, to choose and to judge."""
    if about.num_test:
        return f"{about.num_train:,} training, {about.num_validation:,} validation and {about.num_test:,} test images"
    return f"{about.num_train:,} training and {about.num_validation:,} validation images"


def sentence(state: RunState, progress: Mapping[str, Any], accuracies: Mapping[str, float], waits_for: str = "") -> str:
    """Say what a run is doing or how it ended.

    Parameters
    ----------
    progress
        As in the run's ``progress.json``.
    accuracies
        Validation accuracy of every strategy that has a result.
    waits_for
        Why a queued run waits.
    """
    after = f" after {duration(state.seconds)}" if state.seconds is not None else ""
    if state.state == "queued":
        waits = waits_for or state.message or "Waits for its turn."
        return waits[0].upper() + waits[1:]
    if state.state == "running":
        return " ".join(filter(None, [_working(progress) + beware(progress.get("stuck") or ()), state.restarted]))
    if state.state == "finished":
        reached = f"Best on the validation images: {best(accuracies)}." if accuracies else ""
        return " ".join(filter(None, [f"Finished{after}.", reached, state.restarted]))
    if state.state == "cancelled":
        return f"Cancelled{after}. Resume goes on from the last checkpoint."
    return state.message or f"{state.state.capitalize()}{after}."


def beware(stuck: Sequence[str]) -> str:
    """Warn of networks that say the same for every image, to follow other sentences; empty if there are none."""
    if not stuck:
        return ""
    more = f" (and {len(stuck) - 1} more networks)" if len(stuck) > 1 else ""
    return f" ⚠ {stuck[0]}{more}"


def mark(title: str, same_answer: int, seeds: int) -> str:
    """A strategy's title, marked where it decides alike about all images with some of its seeds."""
    if not same_answer:
        return title
    return f"{title} ⚠ same answer for all" + (f" ({same_answer} of {seeds} seeds)" if seeds > 1 else "")


def _working(progress: Mapping[str, Any]) -> str:
    if not progress:
        return "Starts: loads the images and builds the networks."
    stage = progress.get("title") or progress.get("stage") or "Training"
    epoch, epochs = progress.get("epoch"), progress.get("epochs")
    epoch_of = f", epoch {epoch} of {epochs}" if epoch and epochs else ""
    left = progress.get("remaining")
    return f"{stage} (seed {progress.get('seed', 0)}{epoch_of})" + (f": about {duration(left)} left." if left else ".")


def best(accuracies: Mapping[str, float]) -> str:
    """The strategy with the highest accuracy; empty if there is none."""
    if not accuracies:
        return ""
    name = max(accuracies, key=lambda strategy: accuracies[strategy])
    return f"{STRATEGIES[name].title if name in STRATEGIES else name}, {percent(accuracies[name])}"
